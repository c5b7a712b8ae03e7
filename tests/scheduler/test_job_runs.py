"""Firings: missed ones are made up for, failing ones tried again, dead ones kept to be seen."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database, Pool
from models.journal import JobRun, OutboxMessage
from scheduler.attempts import attempt
from scheduler.clock import Clock, SetClock
from scheduler.job_runs import AFTER_A_DEATH, MOST_ATTEMPTS, fire
from scheduler.jobs import CatchUp, Job, LongJob, TimedJob, every, on
from scheduler.worker import Worker
from tests.scheduler.test_worker import NINE, QUICKLY, deliver_one, delivered, next_message, owe, runs_of, until

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def count_message(db: AsyncSession, fire_at: datetime) -> int:
    """An effect that shows how often it was had: a row for each moment."""
    db.add(OutboxMessage(recipient="r", subject=fire_at.isoformat(), body="b", made_at=fire_at, due_at=fire_at))
    await db.flush()
    return 1


def timed(catch_up: CatchUp, *, span: timedelta = HOUR) -> TimedJob:
    return TimedJob("hourly", every(span), count_message, catch_up)


async def met(database: Database) -> list[str]:
    async with database.reading() as db:
        return list((await db.exec(select(col(OutboxMessage.subject)).order_by(col(OutboxMessage.id)))).all())


def at(*hours: int) -> list[str]:
    return [datetime(2027, 3, 1, hour, tzinfo=UTC).isoformat() for hour in hours]


async def fired(database: Database, job: str, fire_at: datetime = NINE) -> None:
    async with database.writing(actor="test", now=fire_at) as db:
        await fire(db, job, [fire_at])


@pytest.mark.parametrize(("catch_up", "missed"), [(CatchUp.ALL, at(10, 11, 12)), (CatchUp.LATEST, at(12))])
async def test_moments_at_which_no_node_was_there_are_made_up_for_by_the_jobs_policy(
    database: Database, catch_up: CatchUp, missed: list[str]
) -> None:
    async with Worker(database, SetClock(NINE), [timed(catch_up)], pace=QUICKLY):
        pass
    later = SetClock(NINE + 3 * HOUR)

    async def caught_up() -> bool:
        return await met(database) == missed

    async with Worker(database, later, [timed(catch_up)], pace=QUICKLY):
        await until(caught_up)


async def test_a_job_that_never_fired_owes_nothing_of_the_past(database: Database) -> None:
    async with Worker(database, SetClock(NINE), [timed(CatchUp.ALL)], pace=None) as worker:
        assert (await worker.run_due(), await worker.next_due()) == (0, NINE + HOUR)


async def test_a_moment_has_its_effect_once_whichever_nodes_fire_it(database: Database) -> None:
    clock = SetClock(NINE)
    nodes = [Worker(database, clock, [timed(CatchUp.ALL)], pace=QUICKLY) for _ in range(3)]

    async def all_met() -> bool:
        return len(await met(database)) >= 12

    async with nodes[0], nodes[1], nodes[2]:
        clock.advance_to(NINE + 12 * HOUR)
        await until(all_met)

    hours = [(NINE + n * HOUR).isoformat() for n in range(1, 13)]
    assert sorted(await met(database)) == hours


async def test_a_long_absence_is_walked_in_pieces() -> None:
    job = TimedJob("often", every(timedelta(seconds=1)), count_message, CatchUp.ALL)

    moments = job.moments(NINE, NINE + DAY)

    assert (len(moments), moments[0], moments[-1]) == (
        1_000,
        NINE + timedelta(seconds=1),
        NINE + timedelta(seconds=1_000),
    )
    assert job.moments(moments[-1], NINE + DAY)[0] == moments[-1] + timedelta(seconds=1)


async def test_triggers_made_at_different_times_fire_at_the_same_moments() -> None:
    for moment in (NINE, NINE + timedelta(seconds=0.7), NINE + DAY):
        assert timed(CatchUp.ALL, span=timedelta(seconds=5)).after(moment).second % 5 == 0  # type: ignore[union-attr]
    assert timed(CatchUp.ALL).after(NINE) == NINE + HOUR


async def test_a_calendar_trigger_fires_once_on_the_day_that_clocks_change() -> None:
    # Europe's clocks skip 02:00 to 03:00 on 28 March 2027 and repeat it on 31 October.
    assert ZoneInfo("Europe/Berlin").utcoffset(datetime(2027, 3, 28, 4)) == 2 * HOUR  # noqa: DTZ001
    job = TimedJob("nightly", on(hour=2, minute=30), count_message, CatchUp.ALL)

    for day in (datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 10, 31, tzinfo=UTC)):
        assert job.moments(day, day + DAY) == [day + timedelta(hours=2, minutes=30)]


async def test_a_run_that_fails_is_put_off_longer_each_time_and_is_dead_in_the_end(database: Database) -> None:
    async def fail(_db: AsyncSession, _now: datetime) -> int:
        raise RuntimeError("the post office is closed")

    job, clock = Job("post", fail, next_message), SetClock(NINE)
    await fired(database, "post")
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        assert await attempt(database, clock, job) is not None
        assert await attempt(database, clock, job) is None
        (run,) = await runs_of(database)
        pauses.append((run.due_at - clock()).total_seconds())
        clock.advance_to(run.due_at)

    assert pauses[:-1] == [5, 10, 20, 40, 80, 160, 320]
    assert (run.attempts, run.died_at, run.finished_at) == (MOST_ATTEMPTS, clock(), None)
    assert run.failure == "RuntimeError: the post office is closed"


async def test_what_is_due_is_fired_anew_an_hour_after_its_run_died_and_makes_up_for_it(database: Database) -> None:
    async with database.writing(actor="test", now=NINE) as db:
        db.add(JobRun(job="post", fire_at=NINE, due_at=NINE, died_at=NINE, attempts=8, failure="RuntimeError: no"))
    await owe(database, NINE)
    clock = SetClock(NINE + AFTER_A_DEATH - timedelta(minutes=1))

    async with Worker(database, clock, [Job("post", deliver_one, next_message)], pace=QUICKLY):
        await asyncio.sleep(10 * QUICKLY.total_seconds())
        assert await delivered(database) == [None]
        clock.advance_to(NINE + AFTER_A_DEATH)
        await until(lambda: _all_over(database))

    first, second = await runs_of(database)
    assert (first.died_at, first.finished_at, first.failure) == (None, NINE + AFTER_A_DEATH, "RuntimeError: no")
    assert (second.done, second.failure) == (1, None)


async def _all_over(database: Database) -> bool:
    return all(run.finished_at for run in await runs_of(database))


async def test_a_node_that_dies_leaves_its_run_to_the_others_at_once(database: Database) -> None:
    await owe(database, NINE)
    clock, started = SetClock(NINE), asyncio.Event()

    async def hang(db: AsyncSession, now: datetime) -> int:
        await deliver_one(db, now)
        await db.flush()
        started.set()
        await asyncio.sleep(60)
        return 1

    await fired(database, "post")
    dead = asyncio.create_task(attempt(database, clock, Job("post", hang, next_message)))
    await started.wait()
    assert await attempt(database, clock, Job("post", deliver_one, next_message)) is None
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)

    tried = await attempt(database, clock, Job("post", deliver_one, next_message))

    assert tried is not None
    assert (tried.done, await delivered(database)) == (1, [NINE])


async def test_a_node_that_freezes_in_a_transaction_is_cut_off_and_cannot_commit(
    database_url: str, database: Database
) -> None:
    await owe(database, NINE)
    await fired(database, "post")
    freezing = Database(database_url, pool=Pool(idle_in_transaction_seconds=0.3))
    started, thawed = asyncio.Event(), asyncio.Event()

    async def freeze(db: AsyncSession, now: datetime) -> int:
        done = await deliver_one(db, now)
        await db.flush()
        started.set()
        await thawed.wait()
        return done

    frozen = asyncio.create_task(attempt(freezing, SetClock(NINE), Job("post", freeze, next_message)))
    await started.wait()

    async def taken_up() -> bool:
        return await attempt(database, SetClock(NINE), Job("post", deliver_one, next_message)) is not None

    await until(taken_up)
    thawed.set()
    tried = await frozen
    await freezing.close()

    assert tried is not None
    assert isinstance(tried.error, DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError)
    assert await delivered(database) == [NINE]


async def test_a_long_jobs_run_is_given_up_to_whoever_takes_it_over(database: Database) -> None:
    started, woken = asyncio.Event(), asyncio.Event()

    async def oversleep(_database: Database, _clock: Clock) -> int:
        started.set()
        await woken.wait()
        return 7

    async def nothing(_database: Database, _clock: Clock) -> int:
        return 0

    await fired(database, "post")
    sleeper = asyncio.create_task(attempt(database, SetClock(NINE), LongJob("post", oversleep, next_message)))
    await started.wait()
    async with database.writing(actor="test", now=NINE) as db:
        await db.exec(text("UPDATE job_run SET leased_until = now() - interval '1 second'"))  # type: ignore[call-overload]
    assert await attempt(database, SetClock(NINE), LongJob("post", nothing, next_message)) is not None
    woken.set()
    await sleeper

    (run,) = await runs_of(database)
    assert (run.claim, run.done, run.failure, run.finished_at) == (2, 0, None, NINE)
