"""What is late at a moment, read from the rows: jobs, messages, and places whose time to be set aside is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Promise
from models.journal import OutboxMessage
from models.vocabulary import PromiseState
from scheduler.hold_ends import STANDING
from scheduler.job_runs import moments
from scheduler.jobs import AnyJob


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    What is late; times in seconds, 0 where nothing is.

    Attributes:
        job_lags: How long each job's earliest due row has waited.
        places_past_expiry: What promises and holds past their time still stand for, until they are swept.
    """

    job_lags: Mapping[str, float]
    outbox_lag: float
    messages_due: int
    messages_dead: int
    places_past_expiry: int


async def backlog(db: AsyncSession, jobs: Sequence[AnyJob], *, now: datetime) -> Backlog:
    """Read what is late, in two statements."""
    due_at = await moments(db, jobs)
    row = (await (await db.connection()).execute(_counted(now))).one()
    return Backlog(
        job_lags={job.name: _late(at, now) for job, at in zip(jobs, due_at, strict=True)},
        outbox_lag=_late(row.oldest, now),
        messages_due=row.due,
        messages_dead=row.dead,
        places_past_expiry=row.promised + row.held,
    )


def _late(due_at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - due_at).total_seconds()) if due_at else 0.0


def _counted(now: datetime) -> Any:
    undelivered = col(OutboxMessage.delivered_at).is_(None)
    is_tried = col(OutboxMessage.is_dead).is_(False) & col(OutboxMessage.is_withheld).is_(False)
    is_due = is_tried & (col(OutboxMessage.due_at) <= now)
    messages = select(
        func.min(case((is_due, col(OutboxMessage.due_at)))).label("oldest"),
        func.count().filter(is_due).label("due"),
        func.count().filter(col(OutboxMessage.is_dead)).label("dead"),
    ).where(undelivered)
    return messages.add_columns(
        _past(Promise, (PromiseState.HELD,), now).label("promised"), _past(Hold, STANDING, now).label("held")
    )


def _past(table: type[Promise] | type[Hold], standing: Sequence[Any], now: datetime) -> Any:
    nameless = func.coalesce(func.sum(col(table.people) - col(table.named)), 0)
    return select(nameless).where(col(table.state).in_(standing), col(table.held_until) <= now).scalar_subquery()
