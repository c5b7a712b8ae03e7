"""A bureau sets a rhythm once, and its rounds open by themselves, one after the other, in working days."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import OutboxMessage
from models.places import Jurisdiction
from models.rounds import Round, RoundCalendar
from models.vocabulary import Role, RoundState
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller
from scheduler.refusals import Code, Refused
from scheduler.round_calendars import (
    OPENED,
    OPENINGS,
    SKIPPED,
    Rhythm,
    open_due,
    set_round_calendar,
    stop_round_calendar,
)
from tests import factories as make

pytestmark = pytest.mark.asyncio

# From 1 March 2026 on: April is published on 22 March, and so forth.
NOW = make.NOW
MONTHLY = Rhythm(months=1, collect_days=10, consult_working_days=5, settle_working_days=1)


async def make_bureau(database: Database) -> tuple[Jurisdiction, Caller]:
    async with database.writing(actor="test", now=NOW) as db:
        bureau = await make.make_bureau(db)
        account = await make.make_account(db, role=Role.BUREAU, jurisdiction_id=bureau.id)
        return bureau, await make.caller_of(db, account)


async def set_rhythm(
    database: Database, caller: Caller, rhythm: Rhythm = MONTHLY, now: datetime = NOW
) -> RoundCalendar:
    async with database.writing(actor="test", now=now) as db:
        return await set_round_calendar(db, rhythm, caller=caller, now=now)


async def open_until_nothing_is_due(database: Database, now: datetime) -> None:
    while True:
        async with database.writing(actor="test", now=now) as db:
            if not await open_due(db, now):
                return


async def rounds_of(database: Database) -> list[Round]:
    async with database.reading() as db:
        return list((await db.exec(select(Round).order_by(col(Round.number)))).all())


async def subjects(database: Database) -> list[str]:
    async with database.reading() as db:
        return list((await db.exec(select(col(OutboxMessage.subject)).order_by(col(OutboxMessage.id)))).all())


async def next_opening(database: Database) -> datetime:
    async with database.reading() as db:
        moment: datetime = (await db.exec(OPENINGS.next_due())).one()
        return moment


async def finish(database: Database, state: RoundState = RoundState.CANCELLED) -> None:
    """Let the rounds that collect be over."""
    async with database.writing(actor="test", now=NOW) as db:
        for planned in (await db.exec(select(Round).where(col(Round.state) == RoundState.COLLECTING))).all():
            path = [RoundState.PLANNING, RoundState.CONSULTING, state]
            for step in path if state is RoundState.PUBLISHED else [state]:
                planned.state = step
                await db.flush()


async def test_a_round_is_reckoned_back_from_the_first_day_it_plans(database: Database) -> None:
    _, bureau = await make_bureau(database)

    standing = await set_rhythm(database, bureau)
    await open_until_nothing_is_due(database, standing.opens_at)

    (opened,) = await rounds_of(database)
    assert (opened.first_day, opened.last_day) == (date(2026, 4, 1), date(2026, 4, 30))
    wall = [moment.astimezone(SHANGHAI).isoformat()[:16] for moment in (
        standing.opens_at, opened.collect_until, opened.consult_until, opened.publish_at
    )]  # fmt: skip
    # 22 March is a Sunday: the working days before it are Friday the 20th, and five before that Friday the 13th.
    assert wall == ["2026-03-03T08:30", "2026-03-13T08:30", "2026-03-20T08:30", "2026-03-22T09:00"]
    assert await subjects(database) == [OPENED]


async def test_rounds_follow_one_another_without_anybody_opening_them(database: Database) -> None:
    _, bureau = await make_bureau(database)
    await set_rhythm(database, bureau)

    for _ in range(12):
        await open_until_nothing_is_due(database, await next_opening(database))
        await finish(database, RoundState.PUBLISHED)

    rounds = await rounds_of(database)
    assert [each.first_day.month for each in rounds] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3]
    assert all(a.last_day + timedelta(days=1) == b.first_day for a, b in pairwise(rounds))


async def test_a_quarter_begins_with_january_april_july_or_october(database: Database) -> None:
    _, bureau = await make_bureau(database)

    standing = await set_rhythm(database, bureau, Rhythm(3, 30, 10, 2), now=NOW + timedelta(days=30))

    assert standing.next_first_day == date(2026, 7, 1)


async def test_a_round_waits_for_the_one_before_it_and_is_left_out_when_it_waits_too_long(database: Database) -> None:
    _, bureau = await make_bureau(database)
    standing = await set_rhythm(database, bureau)
    await open_until_nothing_is_due(database, standing.opens_at)
    may = await next_opening(database)

    await open_until_nothing_is_due(database, may)
    waits_until = await next_opening(database)
    await open_until_nothing_is_due(database, may + timedelta(days=10))

    assert waits_until == may + timedelta(days=1)
    assert len(await rounds_of(database)) == 1
    assert await subjects(database) == [OPENED, SKIPPED]
    assert (await next_opening(database)).astimezone(SHANGHAI).month == 5  # June's


async def test_nobody_awake_at_the_opening_costs_only_what_can_no_longer_be_collected(database: Database) -> None:
    _, bureau = await make_bureau(database)
    standing = await set_rhythm(database, bureau)

    await open_until_nothing_is_due(database, standing.opens_at + timedelta(days=5))
    (late,) = await rounds_of(database)

    assert late.first_day == date(2026, 4, 1)
    await finish(database)
    await open_until_nothing_is_due(database, (await next_opening(database)) + timedelta(days=40))
    assert await subjects(database) == [OPENED, SKIPPED, OPENED]  # May is lost, June is in time


async def test_a_month_that_a_round_plans_already_is_passed_over(database: Database) -> None:
    bureau, caller = await make_bureau(database)
    async with database.writing(actor="test", now=NOW) as db:
        await make.make_round(db, bureau=bureau, state=RoundState.PUBLISHED, last_day=date(2026, 5, 10))

    standing = await set_rhythm(database, caller)

    assert standing.next_first_day == date(2026, 6, 1)


@pytest.mark.parametrize(
    ("rhythm", "field"),
    [
        (Rhythm(5, 10, 5, 1), "months"),
        (Rhythm(1, 0, 5, 1), "collectDays"),
        (Rhythm(1, 10, 61, 1), "consultWorkingDays"),
        (Rhythm(1, 10, 5, 0), "settleWorkingDays"),
        (Rhythm(1, 10, 5, 1, time_limit_seconds=0), "timeLimitSeconds"),
        (Rhythm(1, 30, 5, 1), "collectDays"),  # April would not be public when May opens
    ],
)
async def test_a_rhythm_that_cannot_be_kept_is_refused(database: Database, rhythm: Rhythm, field: str) -> None:
    _, bureau = await make_bureau(database)

    with pytest.raises(Refused) as refused:
        await set_rhythm(database, bureau, rhythm)

    assert [(reason.code, reason.path) for reason in refused.value.reasons] == [(Code.OUT_OF_RANGE, ("input", field))]
    async with database.reading() as db:
        assert (await db.exec(select(RoundCalendar))).all() == []


async def test_only_the_bureau_sets_its_rhythm(database: Database) -> None:
    bureau, _ = await make_bureau(database)
    async with database.writing(actor="test", now=NOW) as db:
        town = await make.make_town(db, bureau=bureau)
        caller = await make.caller_of(db, await make.make_account(db, role=Role.TOWN, jurisdiction_id=town.id))

    with pytest.raises(Refused) as refused:
        await set_rhythm(database, caller)

    assert [reason.code for reason in refused.value.reasons] == [Code.NOT_ALLOWED]


async def test_a_rhythm_is_changed_and_stopped(database: Database) -> None:
    _, bureau = await make_bureau(database)
    await set_rhythm(database, bureau)

    changed = await set_rhythm(database, bureau, Rhythm(2, 12, 5, 1))
    async with database.writing(actor="test", now=NOW) as db:
        await stop_round_calendar(db, "holidays", caller=bureau)

    assert (changed.months, changed.collect_days, changed.next_first_day) == (2, 12, date(2026, 5, 1))
    with pytest.raises(Refused) as refused:
        async with database.writing(actor="test", now=NOW) as db:
            await stop_round_calendar(db, "holidays", caller=bureau)
    assert [reason.code for reason in refused.value.reasons] == [Code.NOT_FOUND]
