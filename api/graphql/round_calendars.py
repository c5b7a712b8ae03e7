"""A bureau's standing calendar: its rounds open by themselves."""

from datetime import date, datetime
from typing import ClassVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from models.rounds import RoundCalendar as RoundCalendarRow
from scheduler import round_calendars
from scheduler.visibility import visible


@strawberry.type(
    description="How a bureau's rounds follow one another by themselves (统筹日历): each plans whole months."
)
class RoundCalendar(Entity, relay.Node):
    """A standing calendar."""

    TABLE: ClassVar = RoundCalendarRow
    id: relay.NodeID[int]
    months: int = strawberry.field(description="How many months a round plans; rounds begin with January.")
    collect_days: int = strawberry.field(description="Days in which requests are collected.")
    consult_working_days: int = strawberry.field(description="Working days from the plan to the end of consulting.")
    settle_working_days: int = strawberry.field(description="Working days from then to publication.")
    time_limit_seconds: float = strawberry.field(description="How long to search for a plan, in seconds.")
    next_first_day: date = strawberry.field(description="The first day that the next round plans.")
    opens_at: datetime = strawberry.field(description="When the next round opens.")


@strawberry.input(description="The rhythm of a bureau's rounds.")
class RoundCalendarSetInput:
    """What roundCalendarSet takes."""

    months: int = strawberry.field(description="How many months a round plans: 1, 2, 3, 4 or 6.")
    collect_days: int = strawberry.field(description="Days in which requests are collected: 1 to 120.")
    consult_working_days: int = strawberry.field(
        description="Working days between the plan, which is made when collecting ends, and the end of consulting."
    )
    settle_working_days: int = strawberry.field(description="Working days between then and publication: 1 to 30.")
    time_limit_seconds: float = strawberry.field(default=60.0, description="How long to search for a plan, in seconds.")

    def rhythm(self) -> round_calendars.Rhythm:
        """The input as the use case takes it."""
        return round_calendars.Rhythm(
            months=self.months,
            collect_days=self.collect_days,
            consult_working_days=self.consult_working_days,
            settle_working_days=self.settle_working_days,
            time_limit_seconds=self.time_limit_seconds,
        )


@strawberry.input(description="Why a bureau's rounds are opened by hand again.")
class RoundCalendarStopInput:
    """What roundCalendarStop takes."""

    reason: str = strawberry.field(description="Why; it is kept in the audit trail.")


@strawberry.type(description="The answer to roundCalendarSet and roundCalendarStop.")
class RoundCalendarPayload(Payload):
    """The calendar as it now stands."""

    round_calendar: RoundCalendar | None = strawberry.field(
        default=None, description="The calendar; empty if refused, or stopped."
    )


@strawberry.type
class RoundCalendarQuery:
    """Reads of the standing calendar."""

    @strawberry.field(description="When your bureau's rounds open by themselves; empty while they are opened by hand.")
    async def round_calendar(self, info: Info) -> RoundCalendar | None:
        """The own bureau's calendar."""
        if info.context.caller.bureau_id is None:
            return None
        async with info.context.reading() as db:
            row = (await db.exec(visible(RoundCalendarRow, info.context.caller))).one_or_none()
        return RoundCalendar.from_row(row) if row else None


@strawberry.type
class RoundCalendarMutation:
    """Acts on the standing calendar."""

    @mutation("Let your bureau's rounds open by themselves from now on. For bureaus.")
    async def round_calendar_set(self, info: Info, input: RoundCalendarSetInput) -> RoundCalendarPayload:
        """A new rhythm."""
        context = info.context
        row = await round_calendars.set_round_calendar(
            context.db, input.rhythm(), caller=context.caller, now=context.now()
        )
        return RoundCalendarPayload(round_calendar=RoundCalendar.from_row(row))

    @mutation("Let your bureau's rounds be opened by hand again; one that is open stays as it is. For bureaus.")
    async def round_calendar_stop(self, info: Info, input: RoundCalendarStopInput) -> RoundCalendarPayload:
        """No rhythm."""
        context = info.context
        await round_calendars.stop_round_calendar(context.db, input.reason, caller=context.caller)
        return RoundCalendarPayload()
