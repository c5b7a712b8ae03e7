"""What changed days ago has been told: its rows are removed by age, in the order in which they are read."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, literal, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.changes import Change
from scheduler.jobs import Job
from scheduler.pruning import BATCH, EVERY

# Whoever follows the feed reads within a second, and looks at everything anew after being away.
KEEP = timedelta(days=2)
_PLACE = (col(Change.xid), col(Change.id))


async def prune_changes(db: AsyncSession, now: datetime) -> int:
    """Remove the oldest rows, up to the first that is not old."""
    oldest = select(Change).order_by(*_PLACE).limit(BATCH).with_for_update(skip_locked=True)
    rows = (await db.exec(oldest)).all()
    old = [(row.xid, row.id) for row in rows if row.at < now - KEEP]
    if old:
        await db.exec(delete(Change).where(tuple_(*_PLACE).in_(old)))
    return len(old)


def next_pruning() -> SelectOfScalar[Any]:
    """The Monday after the oldest row has had its time."""
    first = select(col(Change.at)).order_by(*_PLACE).limit(1).scalar_subquery()
    return select(func.date_trunc("week", first + literal(KEEP), "Asia/Shanghai") + literal(EVERY))


CHANGES = Job("changes pruned", prune_changes, next_pruning)
