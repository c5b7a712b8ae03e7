"""The working calendar as a bureau has it: the national one with the bureau's own overrides on top."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import chinese_calendar
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import CalendarOverride
from models.vocabulary import Role
from scheduler.calendar import SHANGHAI, DayHours, WorkCalendar, is_provisional
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.refusals import Code, refuse
from scheduler.typed import refuse_any, why_not_text

MOST_DAYS = 400
FURTHEST = timedelta(days=3660)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """What a day is, and why it is not what its weekday says."""

    day: date
    is_workday: bool
    is_provisional: bool
    reason: str | None


async def work_calendar(db: AsyncSession, bureau_id: int) -> WorkCalendar:
    """The calendar with every override that the bureau declared."""
    declared = select(col(CalendarOverride.day), col(CalendarOverride.is_workday))
    rows = (await db.exec(declared.where(col(CalendarOverride.bureau_id) == bureau_id))).all()
    return WorkCalendar(dict(rows), DayHours())


async def days_between(
    db: AsyncSession, from_day: date, before_day: date, *, bureau_id: int | None
) -> list[CalendarDay]:
    """
    The days of `from_day <= day < before_day` as a bureau has them; without one, as the nation has them.

    Raises:
        Refused: OUT_OF_RANGE for none or too many.
    """
    count = (before_day - from_day).days
    if not 1 <= count <= MOST_DAYS:
        raise refuse(Code.OUT_OF_RANGE, f"Ask for 1 to {MOST_DAYS} days, the first before the last.", "beforeDay")
    declared = select(CalendarOverride).where(
        col(CalendarOverride.bureau_id) == bureau_id,
        col(CalendarOverride.day) >= from_day,
        col(CalendarOverride.day) < before_day,
    )
    overrides = {row.day: row for row in (await db.exec(declared)).all()}
    calendar = WorkCalendar({day: row.is_workday for day, row in overrides.items()}, DayHours())
    return [described(from_day + timedelta(days=at), calendar, overrides) for at in range(count)]


def described(day: date, calendar: WorkCalendar, overrides: Mapping[date, CalendarOverride]) -> CalendarDay:
    """One day with its reason; a declared day is certain whatever its year."""
    declared = overrides.get(day)
    is_workday = calendar.is_workday(day)
    return CalendarDay(
        day=day,
        is_workday=is_workday,
        is_provisional=declared is None and is_provisional(day.year),
        reason=declared.reason if declared else reason_of(day, is_workday=is_workday),
    )


def reason_of(day: date, *, is_workday: bool) -> str | None:
    """Why a day is off, or worked although it is a weekend; None for an ordinary workday."""
    is_weekend = day.weekday() >= _SATURDAY
    if is_workday:
        return "make-up workday" if is_weekend else None
    if is_provisional(day.year):
        return "weekend" if is_weekend else "statutory holiday"
    _, holiday = chinese_calendar.get_holiday_detail(day)
    return holiday or "weekend"


async def set_override(
    db: AsyncSession, day: date, *, is_workday: bool | None, reason: str, caller: Caller, now: datetime
) -> CalendarDay:
    """
    Declare a day a workday or a day off in the caller's bureau, whatever the national calendar says.

    None takes the declaration back.

    Raises:
        Refused: WINDOW_PAST for a day that is over: deadlines have been reckoned with it.
            OUT_OF_RANGE beyond ten years.
    """
    require(caller, Role.BUREAU)
    today = now.astimezone(SHANGHAI).date()
    if day < today:
        raise refuse(Code.WINDOW_PAST, f"This day is over: choose {today} or a later one.", "input", "day")
    if day > today + FURTHEST:
        raise refuse(Code.OUT_OF_RANGE, f"Declare days until {today + FURTHEST}.", "input", "day")
    refuse_any(why_not_text(reason, "input", "reason"))
    bureau_id = caller.tenant
    standing = select(CalendarOverride).where(
        col(CalendarOverride.bureau_id) == bureau_id, col(CalendarOverride.day) == day
    )
    override = (await db.exec(standing.with_for_update())).one_or_none()
    if override and is_workday is None:
        await db.delete(override)
    elif override and is_workday is not None:
        override.is_workday, override.reason = is_workday, reason.strip()
    elif is_workday is not None:
        override = CalendarOverride(bureau_id=bureau_id, day=day, is_workday=is_workday, reason=reason.strip())
        db.add(override)
    await db.flush()
    if override is not None:
        said = {"day": day.isoformat(), "is_workday": is_workday, "reason": reason.strip()}
        await note(db, "calendar override set", "calendar_override", override.id, **said)
    return (await days_between(db, day, day + timedelta(days=1), bureau_id=bureau_id))[0]
