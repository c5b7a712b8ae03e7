"""The ledger of what jobs ran: claimed by one node per job and moment, closed with a count or a failure."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.journal import JobRun
from scheduler.jobs import AnyJob

_LONGEST_FAILURE = 500


async def moments(db: AsyncSession, jobs: Sequence[AnyJob]) -> list[datetime | None]:
    """When each of the jobs has something to do next, in one statement."""
    if not jobs:
        return []
    connection = await db.connection()
    return list((await connection.execute(select(*(job.next_due().scalar_subquery() for job in jobs)))).one())


async def claim(db: AsyncSession, job: str, *, fire_at: datetime, now: datetime) -> int | None:
    """Take a firing for this node; None if another node has it."""
    connection = await db.connection()
    row = insert(JobRun).values(job=job, fire_at=fire_at, started_at=now, done=0)
    claimed = await connection.execute(row.on_conflict_do_nothing().returning(col(JobRun.id)))
    return claimed.scalar_one_or_none()


async def close(db: AsyncSession, run_id: int, *, done: int, failure: str | None, now: datetime) -> None:
    """Write down what a firing came to."""
    await db.exec(update(JobRun).where(col(JobRun.id) == run_id).values(finished_at=now, done=done, failure=failure))


def in_words(error: Exception) -> str:
    """What went wrong, without the row that it went wrong on: statements and details may name people."""
    cause: object = error.orig if isinstance(error, DBAPIError) else error
    first_line = next(iter(str(cause).strip().splitlines()), "")
    return f"{type(cause).__name__}: {first_line}"[:_LONGEST_FAILURE]
