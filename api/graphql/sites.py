"""The sites where sessions are held: what each offers, and when it is closed."""

from datetime import date
from typing import Annotated, ClassVar, TypeVar

import strawberry
from sqlmodel import col, select
from strawberry import relay

from api.graphql.catalogue import Exam
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Enterprise
from api.graphql.places import Jurisdiction
from models.places import Room as RoomRow
from models.places import Site as SiteRow
from models.places import SiteClosure as SiteClosureRow
from models.places import SiteOffer as SiteOfferRow
from models.places import WeatherBlock as WeatherBlockRow
from scheduler.visibility import visible


@strawberry.type(description="What a site can examine.")
class SiteOffer(Entity, relay.Node):
    """One exam at one site."""

    TABLE: ClassVar = SiteOfferRow
    id: relay.NodeID[int]
    exam_id: strawberry.Private[int]
    places: int = strawberry.field(description="Places in a half-day.")
    open_cost_fen: int = strawberry.field(description="Cost of opening a session, in fen.")

    @strawberry.field(description="The exam.")
    async def exam(self, info: Info) -> Exam:
        """What is offered."""
        return await get(info, Exam, self.exam_id)


@strawberry.type(description="Days on which a site is closed.")
class SiteClosure(Entity, relay.Node):
    """From a day, until before another."""

    TABLE: ClassVar = SiteClosureRow
    id: relay.NodeID[int]
    from_day: date = strawberry.field(description="The first closed day.")
    before_day: date = strawberry.field(description="The first day it is open again.")
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="A day on which bad weather lets nothing be held outdoors at a site.")
class WeatherBlock(Entity, relay.Node):
    """A flagged day."""

    TABLE: ClassVar = WeatherBlockRow
    id: relay.NodeID[int]
    day: date = strawberry.field(description="The day.")
    reason: str = strawberry.field(description="What the weather is.")


@strawberry.type(description="A place where sessions are held (考试点).")
class Site(Entity, relay.Node):
    """A hall, a yard, a centre."""

    TABLE: ClassVar = SiteRow
    id: relay.NodeID[int]
    jurisdiction_id: strawberry.Private[int]
    host_enterprise_id: strawberry.Private[int | None]
    name: str = strawberry.field(description="Its name.")
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")
    is_municipal_centre: bool = strawberry.field(description="Whether it is the municipal centre.")

    @strawberry.field(description="Whose ground it is.")
    async def jurisdiction(self, info: Info) -> Jurisdiction:
        """The jurisdiction it belongs to."""
        return await get(info, Jurisdiction, self.jurisdiction_id)

    @strawberry.field(description="The firm whose yard it is; empty if it is ours, or if you may not see the firm.")
    async def host(self, info: Info) -> Enterprise | None:
        """The host enterprise."""
        return await find(info, Enterprise, self.host_enterprise_id)

    @strawberry.field(description="How many sessions it can hold at once.")
    async def room_count(self, info: Info) -> int:
        """Its rooms."""
        loader = info.context.loader("rooms of sites", lambda ids: rows_of_sites(info, RoomRow, ids))
        return len(await loader.load(self.id))

    @strawberry.field(description="What it can examine.")
    async def offers(self, info: Info) -> list[SiteOffer]:
        """Its offers."""
        loader = info.context.loader("offers of sites", lambda ids: rows_of_sites(info, SiteOfferRow, ids))
        return [SiteOffer.from_row(row) for row in await loader.load(self.id)]

    @strawberry.field(description="When it is closed.")
    async def closures(self, info: Info) -> list[SiteClosure]:
        """Its closures, earliest first."""
        loader = info.context.loader("closures of sites", lambda ids: rows_of_sites(info, SiteClosureRow, ids))
        rows = sorted(await loader.load(self.id), key=lambda row: row.from_day)
        return [SiteClosure.from_row(row) for row in rows]

    @strawberry.field(description="The days that are flagged for bad weather (恶劣天气).")
    async def weather_blocks(self, info: Info) -> list[WeatherBlock]:
        """Its flagged days, earliest first."""
        loader = info.context.loader("weather of sites", lambda ids: rows_of_sites(info, WeatherBlockRow, ids))
        rows = sorted(await loader.load(self.id), key=lambda row: row.day)
        return [WeatherBlock.from_row(row) for row in rows]


Owned = TypeVar("Owned", RoomRow, SiteOfferRow, SiteClosureRow, WeatherBlockRow)


async def rows_of_sites(info: Info, table: type[Owned], site_ids: list[int]) -> list[list[Owned]]:
    """What each of the sites owns in a table, in one statement."""
    async with info.context.reading() as db:
        owned = select(table).where(col(table.site_id).in_(site_ids)).order_by(col(table.id))
        rows = (await db.exec(owned)).all()
    return [[row for row in rows if row.site_id == site_id] for site_id in site_ids]


ExamId = Annotated[strawberry.ID | None, strawberry.argument(description="Only sites that offer this exam.")]


@strawberry.type
class SiteQuery:
    """Reads of sites."""

    @paged("Sites (考试点).")
    async def sites(
        self,
        info: Info,
        page: Page,
        exam_id: ExamId = None,
    ) -> Connection[Site]:
        """Sites in the order of their keys."""
        wanted = visible(SiteRow, info.context.caller)
        if exam_id is not None:
            offering = select(col(SiteOfferRow.site_id)).where(
                col(SiteOfferRow.exam_id) == key_of(exam_id, Exam, "examId")
            )
            wanted = wanted.where(col(SiteRow.id).in_(offering))
        return await connect(info, Site, wanted, page)
