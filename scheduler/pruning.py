"""What has had its time is removed by age: answers kept by key, and the ledger of what jobs ran."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import IdempotencyKey, JobRun
from scheduler.jobs import Job
from scheduler.settings import Settings

BATCH = 5_000
# Nothing hangs on the hour: what is over is removed once a week, on the Monday after.
EVERY = timedelta(weeks=1)
ANSWERS, RUNS = "answers pruned", "job runs pruned"


def prunings(settings: Settings) -> tuple[Job, Job]:
    """The jobs that remove what the settings keep no longer."""
    # A pruning's own rows go with the others', but are no reason to fire again: else it would go on for ever.
    others = col(JobRun.job).not_in((ANSWERS, RUNS))
    return (
        pruning(ANSWERS, IdempotencyKey, "asked_at", keep=timedelta(days=settings.keep_answers_days)),
        pruning(RUNS, JobRun, "fire_at", others, only=is_history(), keep=timedelta(days=settings.keep_runs_days)),
    )


def is_history() -> ColumnElement[bool]:
    """
    The condition on a run that may go: it is finished, and its job has fired again since.

    Open and dead runs wait for somebody, and a timed job's walk goes on from its last one.
    """
    later = aliased(JobRun)
    again = select(later.id).where(col(later.job) == col(JobRun.job), col(later.fire_at) > col(JobRun.fire_at))
    return col(JobRun.finished_at).is_not(None) & again.correlate(JobRun).exists()


def pruning(
    name: str, table: type[Any], moment: str, *reasons: Any, only: ColumnElement[bool] | None = None, keep: timedelta
) -> Job:
    """
    A job that removes a table's rows a while after their moment.

    With `only`, of those rows alone; with `reasons`, only such rows make it due.
    """
    removed = true() if only is None else only
    key, at = col(table.id), col(getattr(table, moment))

    async def prune(db: AsyncSession, now: datetime) -> int:
        old = (
            select(key).where(at < now - keep, removed).order_by(at, key).limit(BATCH).with_for_update(skip_locked=True)
        )
        keys = (await db.exec(old)).all()
        await db.exec(delete(table).where(key.in_(keys)))
        return len(keys)

    def next_due() -> SelectOfScalar[Any]:
        first = select(func.min(at)).where(removed, *reasons).scalar_subquery()
        return select(func.date_trunc("week", first + literal(keep), "Asia/Shanghai") + literal(EVERY))

    return Job(name=name, step=prune, next_due=next_due)
