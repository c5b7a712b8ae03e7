"""Records that have had their time are removed by age, and nothing younger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import IdempotencyKey, JobRun
from models.vocabulary import Role
from scheduler import pruning
from scheduler.clock import SetClock
from scheduler.jobs import Job
from scheduler.pruning import ANSWERS, RUNS, prunings
from scheduler.settings import Settings
from scheduler.worker import Worker
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

KEEP = Settings(home=Path("unused"), keep_answers_days=30, keep_runs_days=90)
MONDAY_AFTER_30_DAYS = datetime(2026, 4, 5, 16, tzinfo=UTC)  # midnight in Shanghai; NOW is the Monday of 2 March


async def asked(database: Database, *ages: timedelta) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        account = await make.make_account(db, role=Role.OPERATOR)
        for at, age in enumerate(ages):
            key = {"account_id": account.id, "key": str(at), "fingerprint": "f", "answer": {}}
            db.add(IdempotencyKey(**key, asked_at=NOW - age))


async def ran(database: Database, *runs: tuple[str, timedelta]) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        for job, age in runs:
            at = NOW - age
            db.add(JobRun(job=job, fire_at=at, due_at=at, started_at=at, finished_at=at))


async def due(database: Database, job: Job) -> datetime | None:
    async with database.reading() as db:
        return (await db.exec(job.next_due())).one()


async def test_an_answer_is_kept_to_its_last_day_and_removed_in_the_week_after(database: Database) -> None:
    answers, _ = prunings(KEEP)
    await asked(database, timedelta(days=30), timedelta(days=30, seconds=1), timedelta())

    done = [await answers.handle(database, lambda: NOW) for _ in range(2)]

    async with database.reading() as db:
        left = (await db.exec(select(col(IdempotencyKey.key)).order_by(col(IdempotencyKey.key)))).all()
    assert (done, list(left)) == ([1, 0], ["0", "2"])


async def test_pruning_falls_due_on_the_monday_after_and_never_without_old_rows(database: Database) -> None:
    answers, runs = prunings(KEEP)
    assert (await due(database, answers), await due(database, runs)) == (None, None)

    await asked(database, timedelta())

    assert await due(database, answers) == MONDAY_AFTER_30_DAYS


async def test_the_ledger_of_jobs_is_pruned_with_the_prunings_own_runs_which_are_no_reason_to_fire(
    database: Database,
) -> None:
    _, runs = prunings(KEEP)
    old, young = timedelta(days=91), timedelta(days=89)
    await ran(database, (RUNS, old), (ANSWERS, old), (RUNS, young), (ANSWERS, young))
    alone = await due(database, runs)
    await ran(database, ("planning", old), ("planning", young))

    done = [await runs.handle(database, lambda: NOW) for _ in range(2)]

    async with database.reading() as db:
        left = (await db.exec(select(col(JobRun.job), col(JobRun.fire_at)).order_by(col(JobRun.job)))).all()
    assert (alone, done) == (None, [3, 0])
    assert list(left) == [(job, NOW - young) for job in (ANSWERS, RUNS, "planning")]


async def test_runs_that_wait_for_somebody_and_each_jobs_last_one_are_never_pruned(database: Database) -> None:
    _, runs = prunings(KEEP)
    old = timedelta(days=100)
    await ran(database, ("retention", old), ("planning", timedelta()))
    async with database.writing(actor="test", now=NOW) as db:
        at = NOW - old
        db.add(JobRun(job="planning", fire_at=at, due_at=at, died_at=at, attempts=8, failure="out of memory"))

    assert (await due(database, runs), await runs.handle(database, lambda: NOW)) == (None, 0)


async def test_many_rows_go_in_several_short_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    await ran(database, *(("planning", timedelta(days=100, minutes=minute)) for minute in range(5)))
    await ran(database, ("planning", timedelta()))
    _, runs = prunings(KEEP)

    assert [await runs.handle(database, lambda: NOW) for _ in range(4)] == [2, 2, 1, 0]


async def test_a_worker_whose_clock_is_advanced_prunes_and_comes_to_rest(database: Database) -> None:
    clock = SetClock(NOW)
    await asked(database, timedelta())
    async with Worker(database, clock, prunings(KEEP), pace=None) as worker:
        moments = []
        while (moment := await worker.next_due()) is not None:
            clock.advance_to(moment)
            moments.append(moment)
            await worker.run_due()

    assert moments == [MONDAY_AFTER_30_DAYS]
