"""Runs of jobs that were given up: looked at, and tried again by hand."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import JobRun
from models.vocabulary import Role
from scheduler.callers import Caller, require
from scheduler.job_runs import open_again
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, Refused, not_found
from scheduler.visibility import visible

MOST_AT_ONCE = 100
IDS = ("input", "jobRunIds")


def dead_runs(caller: Caller) -> SelectOfScalar[JobRun]:
    """
    The runs that wait for somebody to have them tried again.

    Raises:
        Refused: NOT_ALLOWED.
    """
    require(caller, Role.AUDITOR, Role.OPERATOR)
    return visible(JobRun, caller).where(col(JobRun.died_at).is_not(None))


async def retry(db: AsyncSession, run_ids: Collection[int], *, caller: Caller, now: datetime) -> list[JobRun]:
    """
    Have dead runs tried again, as often as new ones are.

    Raises:
        Refused: NOT_ALLOWED; OUT_OF_RANGE for none or too many; NOT_FOUND, and WRONG_STATE for one that is not dead.
    """
    require(caller, Role.OPERATOR)
    if not 1 <= len(run_ids) <= MOST_AT_ONCE:
        raise Refused(Refusal(Code.OUT_OF_RANGE, f"Name 1 to {MOST_AT_ONCE} runs at a time.", IDS))
    locked = select(JobRun).where(col(JobRun.id).in_(run_ids)).order_by(col(JobRun.id)).with_for_update()
    runs = list((await db.exec(locked)).all())
    if len(runs) < len(set(run_ids)):
        raise not_found("JobRun", *IDS)
    if any(run.died_at is None for run in runs):
        raise Refused(Refusal(Code.WRONG_STATE, "One of these is not dead: leave out what ran or is due.", IDS))
    for run in runs:
        open_again(run, now=now)
        await note(db, "retried", "job_run", run.id)
    await db.flush()
    return runs
