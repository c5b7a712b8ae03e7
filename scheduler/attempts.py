"""One try at the next run of a job that waits, by the kind of its work."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.journal import JobRun
from scheduler import job_runs
from scheduler.clock import Clock
from scheduler.jobs import AnyJob, Job, LongJob, TimedJob
from scheduler.leases import Claim, FencedOff, claim, fenced, kept

LEASE = timedelta(seconds=30)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a try came to: how many rows it met, whether the run is over, and what went wrong."""

    done: int = 0
    is_over: bool = True
    error: Exception | None = None


async def attempt(database: Database, clock: Clock, job: AnyJob) -> Attempt | None:
    """Try the next run of a job; None if none waits, or others are at it."""
    if isinstance(job, LongJob):
        return await _under_a_lease(database, clock, job)
    return await _in_a_transaction(database, clock, job)


async def _in_a_transaction(database: Database, clock: Clock, job: Job | TimedJob) -> Attempt | None:
    """Claim, effect and completion in one; a sweep that did something is taken up again for the next step."""
    now, run_id = clock(), None
    try:
        async with database.writing(actor=f"job:{job.name}", now=now) as db:
            if (run := await job_runs.lock_next(db, job.name, now=now)) is None:
                return None
            run_id = run.id
            return await _effected(db, job, run, clock)
    except Exception as error:
        if run_id is None:
            raise
        async with database.writing(actor=f"job:{job.name}", now=now) as db:
            still_open = select(JobRun).where(col(JobRun.id) == run_id, job_runs.waits(now=now))
            if (failed := (await db.exec(still_open.with_for_update())).one_or_none()) is not None:
                job_runs.fail(failed, error, now=now)
        return Attempt(error=error)


async def _effected(db: AsyncSession, job: Job | TimedJob, run: JobRun, clock: Clock) -> Attempt:
    now = clock()
    run.started_at = run.started_at or now
    is_timed = isinstance(job, TimedJob)
    done = await (job.effect(db, run.fire_at) if isinstance(job, TimedJob) else job.step(db, now))
    run.done += done
    if is_over := is_timed or not done:
        await job_runs.finish(db, run, job, now=now)
    return Attempt(done, is_over=is_over)


async def _under_a_lease(database: Database, clock: Clock, job: LongJob) -> Attempt | None:
    actor, now = f"job:{job.name}", clock()
    async with database.writing(actor=actor, now=now) as db:
        mine = await claim(db, JobRun, col(JobRun.job) == job.name, job_runs.waits(now=now), lasts=LEASE)
    if not mine:
        return None
    try:
        done = await kept(database, mine, job.run(database, clock), lasts=LEASE)
    except FencedOff as off:
        return Attempt(error=off)
    except Exception as error:  # noqa: BLE001 - as above
        return await _written_down(database, clock, job, mine[0], error=error)
    return await _written_down(database, clock, job, mine[0], done=done)


async def _written_down(
    database: Database, clock: Clock, job: LongJob, mine: Claim, *, done: int = 0, error: Exception | None = None
) -> Attempt:
    now = clock()
    try:
        async with database.writing(actor=f"job:{job.name}", now=now) as db:
            run: JobRun = await fenced(db, mine)
            run.started_at = run.started_at or now
            run.done += done
            if error is not None:
                job_runs.fail(run, error, now=now)
            elif not done:
                await job_runs.finish(db, run, job, now=now)
    except FencedOff as off:
        return Attempt(error=off)
    return Attempt(done, is_over=not done, error=error)
