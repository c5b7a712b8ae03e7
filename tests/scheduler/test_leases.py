"""Work outside a transaction: one process at a time has a row, and whoever slept past its lease cannot commit."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import func, update
from sqlmodel import col, select

from models.database import Database
from models.journal import JobRun
from scheduler import leases
from scheduler.leases import Claim, FencedOff, claim, fenced, kept
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def run(database: Database) -> JobRun:
    async with database.writing(actor="test", now=NOW) as db:
        made = JobRun(job="post", fire_at=NOW, due_at=NOW)
        db.add(made)
        return made


async def take(database: Database, *, lasts: timedelta = MINUTE, most: int = 1) -> list[Claim]:
    async with database.writing(actor="test", now=NOW) as db:
        return await claim(db, JobRun, col(JobRun.finished_at).is_(None), lasts=lasts, most=most)


async def complete(database: Database, held: Claim, *, done: int) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        row = await fenced(db, held)
        row.done, row.finished_at = done, NOW


async def oversleep(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await db.exec(update(JobRun).values(leased_until=func.clock_timestamp() - MINUTE))


async def rows(database: Database) -> list[JobRun]:
    async with database.reading() as db:
        return list((await db.exec(select(JobRun).order_by(col(JobRun.id)))).all())


async def test_a_claimed_row_is_nobody_elses_until_its_lease_runs_out(database: Database, run: JobRun) -> None:
    (first,) = await take(database)
    meanwhile = await take(database)
    await oversleep(database)
    (second,) = await take(database)

    assert meanwhile == []
    assert (first, second) == (Claim(JobRun, run.id, 1), Claim(JobRun, run.id, 2, took_over=True))


@pytest.mark.usefixtures("run")
async def test_of_many_who_claim_at_once_one_gets_the_row(database: Database) -> None:
    taken = await asyncio.gather(*(take(database) for _ in range(6)))

    assert sorted(len(each) for each in taken) == [0, 0, 0, 0, 0, 1]


@pytest.mark.usefixtures("run")
async def test_whoever_slept_past_its_lease_cannot_commit_once_another_has_the_row(database: Database) -> None:
    (sleeper,) = await take(database)
    await oversleep(database)
    (successor,) = await take(database)

    with pytest.raises(FencedOff):
        await complete(database, sleeper, done=1)
    await complete(database, successor, done=2)
    with pytest.raises(FencedOff):
        await complete(database, sleeper, done=3)

    (row,) = await rows(database)
    assert (row.done, row.leased_until) == (2, None)


@pytest.mark.usefixtures("run")
async def test_nobody_completes_twice(database: Database) -> None:
    (held,) = await take(database)
    await complete(database, held, done=1)

    with pytest.raises(FencedOff):
        await complete(database, held, done=2)

    assert [row.done for row in await rows(database)] == [1]


@pytest.mark.usefixtures("run")
async def test_a_row_whose_lease_ran_out_is_still_its_holders_while_nobody_wants_it(database: Database) -> None:
    (held,) = await take(database)
    await oversleep(database)

    await complete(database, held, done=1)

    assert [row.done for row in await rows(database)] == [1]


@pytest.mark.usefixtures("run")
async def test_a_heartbeat_keeps_a_lease_longer_than_it_lasts(database: Database) -> None:
    lasts = timedelta(seconds=1.5)
    (held,) = await take(database, lasts=lasts)

    async def work() -> list[Claim]:
        await asyncio.sleep(2.5)
        return await take(database)

    assert await kept(database, [held], work(), lasts=lasts) == []


@pytest.mark.usefixtures("run")
async def test_work_whose_lease_was_lost_is_called_off(database: Database) -> None:
    lasts = timedelta(seconds=0.3)
    (held,) = await take(database, lasts=lasts)
    called_off = asyncio.Event()

    async def work() -> None:
        try:
            await oversleep(database)
            await take(database)
            await asyncio.sleep(60)
        finally:
            called_off.set()

    with pytest.raises(FencedOff):
        await kept(database, [held], work(), lasts=lasts)

    assert called_off.is_set()


async def test_what_was_given_back_is_not_leased_again_by_a_late_heartbeat(database: Database, run: JobRun) -> None:
    (held,) = await take(database)
    await complete(database, held, done=1)

    assert await leases.renewed(database, [held], lasts=MINUTE)

    assert [(row.id, row.leased_until) for row in await rows(database)] == [(run.id, None)]
