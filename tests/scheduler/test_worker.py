import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.database import Database
from models.journal import JobRun, OutboxMessage
from scheduler.clock import SetClock
from scheduler.jobs import Job
from scheduler.worker import JobFailed, JobStuck, Worker

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUICKLY = timedelta(milliseconds=20)

Step = Callable[[AsyncSession, datetime], Awaitable[int]]


async def owe(database: Database, *due_at: datetime) -> None:
    async with database.writing(actor="test", now=NINE) as db:
        db.add_all(OutboxMessage(recipient="r", subject="s", body="b", made_at=NINE, due_at=due) for due in due_at)


def next_message() -> SelectOfScalar[datetime | None]:
    return select(func.min(col(OutboxMessage.due_at))).where(col(OutboxMessage.delivered_at).is_(None))


async def deliver_one(db: AsyncSession, now: datetime) -> int:
    due = select(OutboxMessage).where(col(OutboxMessage.delivered_at).is_(None), col(OutboxMessage.due_at) <= now)
    message = (await db.exec(due.order_by(col(OutboxMessage.id)).limit(1).with_for_update(skip_locked=True))).first()
    if message is None:
        return 0
    message.delivered_at = now
    return 1


def job(step: Step = deliver_one, *, name: str = "post") -> Job:
    return Job(name=name, step=step, next_due=next_message)


async def runs_of(database: Database) -> list[JobRun]:
    async with database.reading() as db:
        return list((await db.exec(select(JobRun).order_by(col(JobRun.id)))).all())


async def delivered(database: Database) -> list[datetime | None]:
    async with database.reading() as db:
        in_order = select(OutboxMessage.delivered_at).order_by(col(OutboxMessage.due_at), col(OutboxMessage.id))
        return list(await db.exec(in_order))


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await reached():  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.02)


@pytest.mark.asyncio(loop_scope="session")
async def test_of_two_nodes_that_fire_at_the_same_moment_one_runs_the_job(database: Database) -> None:
    steps = 0
    fired = asyncio.Event()

    async def count(_db: AsyncSession, _now: datetime) -> int:
        nonlocal steps
        steps += 1
        fired.set()
        return 0

    await owe(database, NINE)  # stays due: what keeps the second firing away is the first one's row alone
    clock = SetClock(NINE)

    async with Worker(database, clock, [job(count)], pace=QUICKLY), Worker(database, clock, [job(count)], pace=QUICKLY):
        async with asyncio.timeout(10):
            await fired.wait()
        await asyncio.sleep(10 * QUICKLY.total_seconds())

    assert steps == 1
    (run,) = await runs_of(database)
    assert (run.job, run.fire_at, run.finished_at, run.done, run.failure) == ("post", NINE, NINE, 0, None)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_same_job_runs_again_at_the_next_moment(database: Database) -> None:
    await owe(database, NINE, NINE + MINUTE)
    clock = SetClock(NINE)

    async def both_delivered() -> bool:
        return None not in await delivered(database)

    async def first_is_over() -> bool:
        return [run.finished_at for run in await runs_of(database)] == [NINE]

    async with Worker(database, clock, [job()], pace=QUICKLY):
        await until(first_is_over)
        clock.advance_to(NINE + MINUTE)
        await until(both_delivered)

    assert await delivered(database) == [NINE, NINE + MINUTE]
    assert [run.fire_at for run in await runs_of(database)] == [NINE, NINE + MINUTE]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_failing_step_is_written_down_rolled_back_and_tried_again(database: Database) -> None:
    broken = True

    async def deliver(db: AsyncSession, now: datetime) -> int:
        done = await deliver_one(db, now)
        await db.flush()
        if broken:
            raise RuntimeError("the post office is closed\nwith a second line about 310117199001010000")
        return done

    await owe(database, NINE)
    clock = SetClock(NINE)

    async with Worker(database, clock, [job(deliver)], pace=QUICKLY):
        await until(lambda: _failed(database))
        assert await delivered(database) == [None]
        broken = False
        clock.advance_to(NINE + MINUTE)
        await until(lambda: _over(database))

    assert None not in await delivered(database)
    (run,) = await runs_of(database)
    assert (run.attempts, run.done, run.failure, run.finished_at) == (1, 1, None, NINE + MINUTE)


async def _failed(database: Database) -> bool:
    return [run.failure for run in await runs_of(database)] == ["RuntimeError: the post office is closed"]


async def _over(database: Database) -> bool:
    return all(run.finished_at for run in await runs_of(database))


@pytest.mark.asyncio(loop_scope="session")
async def test_after_the_clock_was_moved_exactly_what_is_due_runs(database: Database) -> None:
    await owe(database, NINE, NINE + MINUTE, NINE + 2 * MINUTE)
    clock = SetClock(NINE - MINUTE)

    async with Worker(database, clock, [job()], pace=None) as worker:
        assert await worker.run_due() == 0
        assert await worker.next_due() == NINE

        clock.advance_to(NINE + MINUTE)
        assert await worker.run_due() == 2
        assert await worker.next_due() == NINE + 2 * MINUTE

    assert await delivered(database) == [NINE + MINUTE, NINE + MINUTE, None]
    assert [run.done for run in await runs_of(database)] == [2]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_worker_may_be_told_twice_while_its_clock_stands(database: Database) -> None:
    clock = SetClock(NINE)

    async with Worker(database, clock, [job()], pace=None) as worker:
        await owe(database, NINE)
        first = await worker.run_due()
        await owe(database, NINE)
        second = await worker.run_due()

    assert (first, second) == (1, 1)
    assert len({run.fire_at for run in await runs_of(database)}) == 2


@pytest.mark.asyncio(loop_scope="session")
async def test_jobs_run_in_their_order_and_what_one_makes_due_runs_too(database: Database) -> None:
    order: list[str] = []

    async def answer(db: AsyncSession, now: datetime) -> int:
        done = await deliver_one(db, now)
        if done:
            order.append("post")
        if done and len(order) == 1:
            db.add(OutboxMessage(recipient="r", subject="s", body="b", made_at=now, due_at=now))
        return done

    await owe(database, NINE)

    async with Worker(database, SetClock(NINE), [job(answer)], pace=None) as worker:
        assert await worker.run_due() == 2

    assert order == ["post", "post"]


@pytest.mark.asyncio(loop_scope="session")
async def test_who_tells_a_worker_to_run_hears_of_a_failure(database: Database) -> None:
    async def deliver(_db: AsyncSession, _now: datetime) -> int:
        raise RuntimeError("the post office is closed")

    await owe(database, NINE)

    async with Worker(database, SetClock(NINE), [job(deliver)], pace=None) as worker:
        with pytest.raises(JobFailed, match="post: RuntimeError: the post office is closed"):
            await worker.run_due()

    assert [run.failure for run in await runs_of(database)] == ["RuntimeError: the post office is closed"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_job_that_is_due_and_does_nothing_is_named(database: Database) -> None:
    async def do_nothing(_db: AsyncSession, _now: datetime) -> int:
        return 0

    await owe(database, NINE)

    async with Worker(database, SetClock(NINE), [job(do_nothing)], pace=None) as worker:
        with pytest.raises(JobStuck, match="post"):
            await worker.run_due()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_worker_that_stops_finishes_the_step_and_starts_no_other(database: Database) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(db: AsyncSession, now: datetime) -> int:
        started.set()
        await may_end.wait()
        return await deliver_one(db, now)

    await owe(database, NINE, NINE)
    worker = Worker(database, SetClock(NINE), [job(slowly)], pace=QUICKLY)

    await worker.__aenter__()
    await started.wait()
    stopping = asyncio.create_task(worker.__aexit__())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    may_end.set()
    await stopping

    assert await delivered(database) == [NINE, None]
    assert [run.done for run in await runs_of(database)] == [1]
