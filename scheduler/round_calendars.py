"""A bureau's standing calendar: its rounds open by themselves, one after the other, each for the next whole months."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.rounds import Round, RoundCalendar
from models.vocabulary import Role, RoundState
from scheduler.calendar import SHANGHAI, WorkCalendar
from scheduler.calendar_days import work_calendar
from scheduler.callers import Caller, require
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.policy import policy_of
from scheduler.refusals import Code, refuse
from scheduler.rounds import LONGEST_SEARCH_SECONDS, UNFINISHED, RoundOrder, lock_rounds, next_round
from scheduler.typed import refuse_any, why_not_between, why_not_text

# Whole rounds fit into a year, and none is longer than what one round may plan.
MONTHS = (1, 2, 3, 4, 6)
SHORTEST_COLLECTING = timedelta(days=1)
TRY_AGAIN = timedelta(days=1)
OPENED, SKIPPED = "A round has opened (本轮征集开始)", "A round was left out (本轮未开启)"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many months a round plans, and how long each of its steps takes; see `RoundCalendar`."""

    months: int
    collect_days: int
    consult_working_days: int
    settle_working_days: int
    time_limit_seconds: float = 60.0


NUMBERS = tuple(field.name for field in fields(Rhythm))


@dataclass(frozen=True, slots=True)
class Period:
    """The next round as it will be opened: its calendar, and when it opens."""

    opens_at: datetime
    order: RoundOrder


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What the dates of a bureau's rounds are reckoned with."""

    rhythm: Rhythm
    calendar: WorkCalendar
    lead_days: int

    def period(self, first_day: date) -> Period:
        """
        The round that plans from a day on, reckoned back from it.

        It is published the lead time before; consulting ends some working days before that; the plan is made, when
        collecting ends, some working days before that; and it is collected for some days.
        """
        rhythm = self.rhythm
        public = datetime.combine(first_day - timedelta(days=self.lead_days), time(9), tzinfo=SHANGHAI)
        consulted = self.calendar.morning_before(public, rhythm.settle_working_days)
        collected = self.calendar.morning_before(consulted, rhythm.consult_working_days)
        order = RoundOrder(
            first_day=first_day,
            last_day=first_day + relativedelta(months=rhythm.months) - timedelta(days=1),
            collect_until=collected,
            consult_until=consulted,
            publish_at=public,
            time_limit_seconds=rhythm.time_limit_seconds,
        )
        return Period(collected - timedelta(days=rhythm.collect_days), order)

    def next_period(self, from_day: date, *, now: datetime) -> Period:
        """The first round from a day on that still has a day or more to collect in."""
        first_day = from_day.replace(day=1)
        while first_day < from_day or (first_day.month - 1) % self.rhythm.months:
            first_day += relativedelta(months=1)
        period = self.period(first_day)
        while period.order.collect_until < now + SHORTEST_COLLECTING:
            first_day += relativedelta(months=self.rhythm.months)
            period = self.period(first_day)
        return period


async def reckoning_of(db: AsyncSession, rhythm: Rhythm, bureau_id: int) -> Reckoning:
    """A rhythm on the bureau's own calendar, with its own lead time."""
    lead = int((await policy_of(db, bureau_id)).publish_lead_days)
    return Reckoning(rhythm, await work_calendar(db, bureau_id), lead)


async def set_round_calendar(db: AsyncSession, rhythm: Rhythm, *, caller: Caller, now: datetime) -> RoundCalendar:
    """
    Let the rounds of the caller's bureau open by themselves from now on; what is open already stays as it is.

    Raises:
        Refused: OUT_OF_RANGE for numbers that make no sense, or rounds that would overlap.
    """
    require(caller, Role.BUREAU)
    refuse_senseless(rhythm)
    reckoning = await reckoning_of(db, rhythm, caller.tenant)
    period = reckoning.next_period(now.astimezone(SHANGHAI).date(), now=now)
    refuse_overlap(reckoning, period)
    own = select(RoundCalendar).where(col(RoundCalendar.bureau_id) == caller.tenant).with_for_update()
    numbers = asdict(rhythm)
    standing = (await db.exec(own)).one_or_none()
    if standing is None:
        standing = RoundCalendar(
            bureau_id=caller.tenant, opens_at=period.opens_at, next_first_day=period.order.first_day, **numbers
        )
    for name, value in numbers.items():
        setattr(standing, name, value)
    await turn_to(db, standing, reckoning, period, now=now)
    await note(db, "round calendar set", "round_calendar", standing.id, **numbers)
    return standing


async def turn_to(
    db: AsyncSession, standing: RoundCalendar, reckoning: Reckoning, period: Period, *, now: datetime
) -> None:
    """Let a period be the next to be opened; one that a round of the bureau plans already is passed over."""
    planned = planned_until(await lock_rounds(db, standing.bureau_id))
    if planned >= period.order.first_day:
        period = reckoning.next_period(planned + timedelta(days=1), now=now)
    standing.next_first_day, standing.opens_at = period.order.first_day, period.opens_at
    db.add(standing)
    await db.flush()


def planned_until(rounds: Sequence[Round]) -> date:
    """The last day that any round plans or has planned; one that was called off planned nothing."""
    return max((each.last_day for each in rounds if each.state is not RoundState.CANCELLED), default=date.min)


async def stop_round_calendar(db: AsyncSession, reason: str, *, caller: Caller) -> None:
    """
    Let the rounds of the caller's bureau be opened by hand again.

    Raises:
        Refused: NOT_FOUND where they are; BAD_INPUT without a reason.
    """
    require(caller, Role.BUREAU)
    refuse_any(why_not_text(reason, "input", "reason"))
    own = select(RoundCalendar).where(col(RoundCalendar.bureau_id) == caller.tenant).with_for_update()
    standing = (await db.exec(own)).one_or_none()
    if standing is None:
        raise refuse(Code.NOT_FOUND, "Your bureau has no round calendar: its rounds are opened by hand (roundOpen).")
    await note(db, "round calendar stopped", "round_calendar", standing.id, reason=reason.strip())
    await db.delete(standing)
    await db.flush()


def refuse_senseless(rhythm: Rhythm) -> None:
    """
    Make sure that a rhythm is one.

    Raises:
        Refused: OUT_OF_RANGE, naming every field that is not.
    """
    if rhythm.months not in MONTHS:
        listed = ", ".join(str(each) for each in MONTHS)
        raise refuse(Code.OUT_OF_RANGE, f"A round plans {listed} months.", "input", "months")
    refuse_any(
        why_not_between(rhythm.collect_days, 1, 120, "input", "collectDays"),
        why_not_between(rhythm.consult_working_days, 1, 60, "input", "consultWorkingDays"),
        why_not_between(rhythm.settle_working_days, 1, 30, "input", "settleWorkingDays"),
        why_not_between(rhythm.time_limit_seconds, 1, LONGEST_SEARCH_SECONDS, "input", "timeLimitSeconds"),
    )


def refuse_overlap(reckoning: Reckoning, period: Period) -> None:
    """
    Make sure that a round is published before the next one opens, as a bureau has one round at a time.

    Raises:
        Refused: OUT_OF_RANGE.
    """
    following = reckoning.period(period.order.last_day + timedelta(days=1))
    if following.opens_at < period.order.publish_at:
        days = (period.order.publish_at - following.opens_at).days + 1
        message = f"Each round would open {days} days before the one before it is published: shorten its steps by that."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "collectDays")


async def open_due(db: AsyncSession, now: datetime) -> int:
    """Open the round of one bureau whose time has come, or see why not; says how many bureaus there were."""
    due = select(RoundCalendar).where(col(RoundCalendar.opens_at) <= now).order_by(col(RoundCalendar.opens_at)).limit(1)
    standing = (await db.exec(due.with_for_update(skip_locked=True))).one_or_none()
    if standing is None:
        return 0
    reckoning = await reckoning_of(db, rhythm_of(standing), standing.bureau_id)
    period = reckoning.period(standing.next_first_day)
    rounds = await lock_rounds(db, standing.bureau_id)
    is_busy = any(each.state in UNFINISHED for each in rounds)
    is_late = period.order.collect_until < now + SHORTEST_COLLECTING
    if is_busy and not is_late:
        standing.opens_at = now + TRY_AGAIN
        await db.flush()
        return 1
    if is_late:
        tell_skipped(db, standing, period, is_busy=is_busy, now=now)
    elif planned_until(rounds) < period.order.first_day:
        tell_opened(db, await next_round(db, period.order, rounds, bureau_id=standing.bureau_id), now=now)
    following = reckoning.next_period(period.order.last_day + timedelta(days=1), now=now)
    await turn_to(db, standing, reckoning, following, now=now)
    return 1


def rhythm_of(standing: RoundCalendar) -> Rhythm:
    """The numbers that a calendar was set with."""
    return Rhythm(**{name: getattr(standing, name) for name in NUMBERS})


def tell_opened(db: AsyncSession, opened: Round, *, now: datetime) -> None:
    """Say to the bureau that a round collects."""
    until = f"{opened.collect_until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    body = f"Round {opened.number} collects requests until {until}; it plans {opened.first_day} to {opened.last_day}."
    send(db, recipient=f"jurisdiction:{opened.bureau_id}", subject=OPENED, body=body, now=now)


def tell_skipped(db: AsyncSession, standing: RoundCalendar, period: Period, *, is_busy: bool, now: datetime) -> None:
    """Say to the bureau that a round has not opened, and why."""
    why = "the round before it was not finished" if is_busy else "nothing was at work when it was to open"
    body = f"The round from {period.order.first_day} on has not opened: {why}. Open it by hand (roundOpen) if you can."
    send(db, recipient=f"jurisdiction:{standing.bureau_id}", subject=SKIPPED, body=body, now=now)


def next_opening() -> SelectOfScalar[Any]:
    """When the next round opens by itself."""
    return select(func.min(col(RoundCalendar.opens_at)))


OPENINGS = Job("rounds open", open_due, next_opening)
