"""Workdays and days off."""

from datetime import date
from typing import Annotated, Self

import strawberry

from api.graphql.context import Info
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from scheduler import calendar_days


@strawberry.type(description="What a day is: a workday or not, and why.")
class CalendarDay:
    """One day."""

    day: date = strawberry.field(description="The day.")
    is_workday: bool = strawberry.field(description="Whether offices work.")
    is_provisional: bool = strawberry.field(description="Whether the official notice of its year is not out yet.")
    reason: str | None = strawberry.field(
        description="Holiday, weekend, make-up workday, or what your bureau declared; empty for an ordinary workday."
    )

    @classmethod
    def of(cls, found: calendar_days.CalendarDay) -> Self:
        """A day as the calendar has it."""
        return cls(day=found.day, is_workday=found.is_workday, is_provisional=found.is_provisional, reason=found.reason)


@strawberry.input(description="A day that a bureau declares a workday or a day off.")
class CalendarOverrideSetInput:
    """What calendarOverrideSet takes."""

    day: date = strawberry.field(description="The day: today or later.")
    is_workday: bool | None = strawberry.field(description="What it is to be; null takes the declaration back.")
    reason: str = strawberry.field(description="Why, such as the notice.")


@strawberry.type(description="The answer to calendarOverrideSet.")
class CalendarDayPayload(Payload):
    """The day as it now is."""

    calendar_day: CalendarDay | None = strawberry.field(default=None, description="The day; empty if refused.")


FromDay = Annotated[date, strawberry.argument(description="The first day.")]
BeforeDay = Annotated[date, strawberry.argument(description="The first day after; at most 400 days on.")]


@strawberry.type
class CalendarQuery:
    """Reads of the calendar."""

    @strawberry.field(description="The days of a span as your bureau has them (工作日历): at most 400.")
    async def calendar_days(self, info: Info, from_day: FromDay, before_day: BeforeDay) -> list[CalendarDay]:
        """Day by day."""
        async with info.context.reading() as db:
            found = await calendar_days.days_between(db, from_day, before_day, bureau_id=info.context.caller.bureau_id)
        return [CalendarDay.of(day) for day in found]


@strawberry.type
class CalendarMutation:
    """Acts on the calendar."""

    @mutation("Declare a day a workday or a day off in your bureau, whatever the national calendar says. For bureaus.")
    async def calendar_override_set(self, info: Info, input: CalendarOverrideSetInput) -> CalendarDayPayload:
        """One day."""
        context = info.context
        found = await calendar_days.set_override(
            context.db,
            input.day,
            is_workday=input.is_workday,
            reason=input.reason,
            caller=context.caller,
            now=context.now(),
        )
        return CalendarDayPayload(calendar_day=CalendarDay.of(found))
