"""
The ledger of what jobs ran: a firing writes a row, unique per job and moment; nodes take open rows and try them.

A run that fails is tried again, later each time, and is dead in the end: it then waits for somebody to have it tried.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from sqlmodel import select as select_rows
from sqlmodel.ext.asyncio.session import AsyncSession

from models.journal import JobRun
from scheduler.jobs import AnyJob, TimedJob
from scheduler.leases import is_free

MOST_ATTEMPTS = 8
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
# What is due still is: a sweep whose run is dead fires anew, but no oftener than somebody could look at it.
AFTER_A_DEATH = timedelta(hours=1)
_LONGEST_FAILURE = 500
_UNTRIED = {"claim": 0, "attempts": 0, "done": 0}


async def moments(db: AsyncSession, jobs: Sequence[AnyJob]) -> list[datetime | None]:
    """When each of the jobs has something to do next; all sweeps are asked in one statement."""
    sweeps = [job for job in jobs if not isinstance(job, TimedJob)]
    timed = [job for job in jobs if isinstance(job, TimedJob)]
    due: dict[str, datetime | None] = {}
    if sweeps:
        asked = select(*(job.next_due().scalar_subquery() for job in sweeps))
        answered = (await (await db.connection()).execute(asked)).one()
        due |= dict(zip((job.name for job in sweeps), answered, strict=True))
    if timed:
        last = await last_firings(db, timed)
        due |= {job.name: job.after(last[job.name]) if job.name in last else None for job in timed}
    return [due[job.name] for job in jobs]


async def occupied(db: AsyncSession, *, now: datetime) -> set[str]:
    """The sweeps that need no firing: a run is open that anybody may take, or has just died."""
    dead_lately = col(JobRun.died_at) > now - AFTER_A_DEATH
    standing = or_(col(JobRun.died_at).is_(None) & is_free(JobRun), dead_lately)
    return set((await db.exec(select_rows(col(JobRun.job)).where(col(JobRun.finished_at).is_(None), standing))).all())


async def last_firings(db: AsyncSession, jobs: Sequence[TimedJob]) -> dict[str, datetime]:
    """The last moment at which each of the timed jobs fired."""
    names = [job.name for job in jobs]
    fired = select_rows(col(JobRun.job), func.max(col(JobRun.fire_at))).where(col(JobRun.job).in_(names))
    return dict((await db.exec(fired.group_by(col(JobRun.job)))).all())


async def fire(db: AsyncSession, job: str, moments: Sequence[datetime], *, due_at: datetime | None = None) -> int:
    """Write firings down, to be tried at once; says how many no other node had written."""
    if not moments:
        return 0
    rows = [{"job": job, "fire_at": moment, "due_at": due_at or moment} | _UNTRIED for moment in moments]
    fired = insert(JobRun).values(rows).on_conflict_do_nothing().returning(col(JobRun.id))
    return len((await (await db.connection()).execute(fired)).all())


async def begin(db: AsyncSession, job: str, *, now: datetime) -> None:
    """Write down where the walk of a new timed job begins; moments before that were never promised."""
    beginning = {"job": job, "fire_at": now, "due_at": now, "finished_at": now} | _UNTRIED
    await (await db.connection()).execute(insert(JobRun).values(beginning).on_conflict_do_nothing())


def waits(*, now: datetime) -> ColumnElement[bool]:
    """The condition on a run that is to be tried now."""
    is_open = col(JobRun.finished_at).is_(None) & col(JobRun.died_at).is_(None)
    return is_open & (col(JobRun.due_at) <= now)


async def to_try(db: AsyncSession, *, now: datetime) -> set[str]:
    """The jobs of which a run waits that nobody holds."""
    names = select_rows(col(JobRun.job)).where(waits(now=now), is_free(JobRun)).distinct()
    return set((await db.exec(names)).all())


async def lock_next(db: AsyncSession, job: str, *, now: datetime) -> JobRun | None:
    """The next run of a job that waits, locked for the transaction that has its effect; None if another node has it."""
    next_run = select_rows(JobRun).where(col(JobRun.job) == job, waits(now=now))
    return (await db.exec(next_run.order_by(col(JobRun.fire_at)).limit(1).with_for_update(skip_locked=True))).first()


async def finish(db: AsyncSession, run: JobRun, job: AnyJob, *, now: datetime) -> None:
    """Close a run that got through. A sweep has then also done what its earlier, dead runs were to do."""
    run.finished_at, run.failure = now, None
    if not isinstance(job, TimedJob):
        earlier = (col(JobRun.job) == run.job, col(JobRun.fire_at) < run.fire_at, col(JobRun.died_at).is_not(None))
        await db.exec(update(JobRun).where(*earlier).values(finished_at=now, died_at=None))
    await db.flush()


def fail(run: JobRun, error: Exception, *, now: datetime) -> None:
    """Write down why a run failed, and when it is tried again: later each time, and in the end not by itself."""
    run.attempts += 1
    run.failure = in_words(error)
    if run.attempts >= MOST_ATTEMPTS:
        run.died_at = now
    else:
        run.due_at = now + min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (run.attempts - 1))


def open_again(run: JobRun, *, now: datetime) -> None:
    """Let a dead run be tried again at once, as often as a new one; what went wrong last stays to be read."""
    run.died_at, run.due_at, run.attempts = None, now, 0


async def to_be_seen(db: AsyncSession) -> list[JobRun]:
    """The dead runs, the open ones, and the last of each job that ended, in this order."""
    ended = col(JobRun.finished_at).is_not(None)
    last = select(col(JobRun.job), func.max(col(JobRun.fire_at))).where(ended).group_by(col(JobRun.job))
    is_last = tuple_(col(JobRun.job), col(JobRun.fire_at)).in_(last)
    seen = select_rows(JobRun).where(or_(~ended, is_last))
    order = (col(JobRun.died_at).is_(None), col(JobRun.finished_at).is_not(None), col(JobRun.job), col(JobRun.fire_at))
    return list((await db.exec(seen.order_by(*order))).all())


def state_of(run: JobRun) -> str:
    """Where a run stands: `ran`, `due` or `dead`."""
    if run.finished_at is not None:
        return "ran"
    return "due" if run.died_at is None else "dead"


def in_words(error: Exception) -> str:
    """What went wrong, without the row that it went wrong on: statements and details may name people."""
    cause: object = error.orig if isinstance(error, DBAPIError) else error
    first_line = next(iter(str(cause).strip().splitlines()), "")
    return f"{type(cause).__name__}: {first_line}"[:_LONGEST_FAILURE]
