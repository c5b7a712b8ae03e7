"""Adding sites, saying what they offer, closing them."""

from datetime import date

import strawberry

from api.graphql.catalogue import Exam
from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.parties import Enterprise
from api.graphql.places import Jurisdiction
from api.graphql.sessions import Session
from api.graphql.sites import Site, SiteClosure
from scheduler import site_corrections, sites, weather


@strawberry.input(description="A site to be added.")
class SiteAddInput:
    """What siteAdd takes."""

    jurisdiction_id: strawberry.ID = strawberry.field(description="Whose ground it is.")
    name: str = strawberry.field(description="Its name, once in the jurisdiction.")
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")
    rooms: int = strawberry.field(default=1, description="How many sessions it can hold at once, 1 to 50.")
    host_enterprise_id: strawberry.ID | None = strawberry.field(default=None, description="The firm whose yard it is.")
    is_municipal_centre: bool = strawberry.field(default=False, description="Whether it is the municipal centre.")
    opts_into_evenings: bool = strawberry.field(default=False, description="Whether evenings suit.")
    opts_into_weekends: bool = strawberry.field(default=False, description="Whether weekends suit.")

    def order(self) -> sites.SiteOrder:
        """The input as the use case takes it."""
        host = self.host_enterprise_id
        return sites.SiteOrder(
            jurisdiction_id=key_of(self.jurisdiction_id, Jurisdiction, "input", "jurisdictionId"),
            name=self.name,
            latitude=self.latitude,
            longitude=self.longitude,
            rooms=self.rooms,
            host_enterprise_id=key_of(host, Enterprise, "input", "hostEnterpriseId") if host else None,
            is_municipal_centre=self.is_municipal_centre,
            opts_into_evenings=self.opts_into_evenings,
            opts_into_weekends=self.opts_into_weekends,
        )


@strawberry.input(description="What a site offers of an exam.")
class SiteOfferSetInput:
    """What siteOfferSet takes."""

    site_id: strawberry.ID = strawberry.field(description="The site.")
    exam_id: strawberry.ID = strawberry.field(description="The exam.")
    places: int = strawberry.field(description="Places in a half-day, 1 to 1000; 0 takes the offer back.")
    open_cost_fen: int = strawberry.field(description="Cost of opening a session, in fen.")

    def order(self) -> sites.OfferOrder:
        """The input as the use case takes it."""
        return sites.OfferOrder(
            site_id=key_of(self.site_id, Site, "input", "siteId"),
            exam_id=key_of(self.exam_id, Exam, "input", "examId"),
            places=self.places,
            open_cost_fen=self.open_cost_fen,
        )


@strawberry.input(description="Days on which a site is to be closed.")
class SiteCloseInput:
    """What siteClose takes."""

    site_id: strawberry.ID = strawberry.field(description="The site.")
    from_day: date = strawberry.field(description="The first closed day: today or later.")
    before_day: date = strawberry.field(description="The first day it is open again.")
    reason: str = strawberry.field(description="Why; firms and examiners are told.")
    cancel_sessions: bool = strawberry.field(
        default=False, description="Cancel the public sessions on those days; without it they stand against closing."
    )

    def order(self) -> sites.ClosureOrder:
        """The input as the use case takes it."""
        return sites.ClosureOrder(
            site_id=key_of(self.site_id, Site, "input", "siteId"),
            from_day=self.from_day,
            before_day=self.before_day,
            reason=self.reason,
            cancels_sessions=self.cancel_sessions,
        )


@strawberry.input(description="What is to be corrected of a site; what is left out stays.")
class SiteCorrectInput:
    """What siteCorrect takes."""

    site_id: strawberry.ID = strawberry.field(description="The site.")
    name: str | None = strawberry.field(default=None, description="Its name, once in the jurisdiction.")
    latitude: float | None = strawberry.field(default=None, description="Degrees north, with the longitude.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east, with the latitude.")
    opts_into_evenings: bool | None = strawberry.field(default=None, description="Whether evenings suit.")
    opts_into_weekends: bool | None = strawberry.field(default=None, description="Whether weekends suit.")

    def order(self) -> site_corrections.SiteCorrection:
        """The input as the use case takes it."""
        return site_corrections.SiteCorrection(
            site_id=key_of(self.site_id, Site, "input", "siteId"),
            name=self.name,
            latitude=self.latitude,
            longitude=self.longitude,
            opts_into_evenings=self.opts_into_evenings,
            opts_into_weekends=self.opts_into_weekends,
        )


@strawberry.input(description="A closure that is to end.")
class SiteReopenInput:
    """What siteReopen takes."""

    closure_id: strawberry.ID = strawberry.field(description="The closure, of the site's closures.")


@strawberry.input(description="A day of bad weather at a site.")
class SiteWeatherBlockInput:
    """What siteWeatherBlock takes."""

    site_id: strawberry.ID = strawberry.field(description="The site.")
    day: date = strawberry.field(description="The day: today or within the forecast of a week.")
    reason: str = strawberry.field(description="What the weather is; everyone concerned is told.")

    def order(self) -> weather.WeatherOrder:
        """The input as the use case takes it."""
        key = key_of(self.site_id, Site, "input", "siteId")
        return weather.WeatherOrder(site_id=key, day=self.day, reason=self.reason)


@strawberry.type(description="The answer to siteWeatherBlock.")
class WeatherPayload(Payload):
    """The site, and what became of its practicals."""

    site: Site | None = strawberry.field(default=None, description="The site; empty if refused.")
    sessions: list[Session] = strawberry.field(
        default_factory=list, description="The practicals that were postponed, or cancelled where no day is left."
    )


@strawberry.type(description="The answer to a change of a site.")
class SitePayload(Payload):
    """The site as it now stands."""

    site: Site | None = strawberry.field(default=None, description="The site; empty if refused.")


@strawberry.type
class SiteMutation:
    """Acts on sites."""

    @mutation("Add a site with its rooms (考试点). For officials within their territory.")
    async def site_add(self, info: Info, input: SiteAddInput) -> SitePayload:
        """A new site."""
        row = await sites.add_site(info.context.db, input.order(), caller=info.context.caller)
        return SitePayload(site=Site.from_row(row))

    @mutation("Say how many places of an exam a site offers. For officials within their territory.")
    async def site_offer_set(self, info: Info, input: SiteOfferSetInput) -> SitePayload:
        """An offer made, changed or taken back."""
        row = await sites.set_offer(info.context.db, input.order(), caller=info.context.caller)
        return SitePayload(site=Site.from_row(row))

    @mutation("Close a site for some days, with its public sessions if so asked. For officials within their territory.")
    async def site_close(self, info: Info, input: SiteCloseInput) -> SitePayload:
        """A closure."""
        context = info.context
        row = await sites.close_site(context.db, input.order(), caller=context.caller, now=context.now())
        return SitePayload(site=Site.from_row(row))

    @mutation("Correct a site's name, point or opt-ins. For officials within their territory.")
    async def site_correct(self, info: Info, input: SiteCorrectInput) -> SitePayload:
        """What was wrong."""
        row = await site_corrections.correct_site(info.context.db, input.order(), caller=info.context.caller)
        return SitePayload(site=Site.from_row(row))

    @mutation("Open a site again before its closure ends; cancelled sessions stay so. For officials there.")
    async def site_reopen(self, info: Info, input: SiteReopenInput) -> SitePayload:
        """A closure less."""
        context = info.context
        key = key_of(input.closure_id, SiteClosure, "input", "closureId")
        row = await site_corrections.reopen_site(context.db, key, caller=context.caller, now=context.now())
        return SitePayload(site=Site.from_row(row))

    @mutation(
        "Flag a day of bad weather at a site (恶劣天气): its practicals move to another day, or are called off where"
        " none is left. For officials on their own ground, and for an exam body with a practical there on that day."
    )
    async def site_weather_block(self, info: Info, input: SiteWeatherBlockInput) -> WeatherPayload:
        """A flagged day."""
        context = info.context
        site, moved = await weather.block_day(context.db, input.order(), caller=context.caller, now=context.now())
        return WeatherPayload(site=Site.from_row(site), sessions=[Session.from_row(row) for row in moved])
