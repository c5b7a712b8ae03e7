"""
When the ground that a plan stands on changes, its round wants to be planned again.

Whoever changes the ground locks the bureau's unfinished rounds first and looks at their sessions after that: a plan is
written and published under the same lock, so that none slips in between the look and the change. A plan that is being
solved meanwhile is compared with what stands in the tables when it is written, and needs no wish.
"""

from collections.abc import Collection, Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Round
from scheduler.rounds import UNFINISHED


async def lock_unfinished_rounds(db: AsyncSession, bureau_id: int | None) -> Sequence[Round]:
    """The bureau's rounds that are not published yet, as they stand under their lock."""
    own = select(Round).where(col(Round.bureau_id) == bureau_id, col(Round.state).in_(UNFINISHED))
    locked = own.order_by(col(Round.id)).with_for_update().execution_options(populate_existing=True)
    return (await db.exec(locked)).all()


def want_replans(rounds: Sequence[Round], concerned: Collection[int | None]) -> None:
    """Let those of the locked rounds be planned again whose sessions are concerned; the job of re-plans sees to it."""
    for planned in rounds:
        if planned.id in concerned:
            planned.replan_wanted = True
