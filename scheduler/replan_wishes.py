"""When the ground that a plan stands on changes, its round wants to be planned again."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Round
from models.vocabulary import RoundState


async def want_replans(db: AsyncSession, round_ids: Collection[int]) -> None:
    """Let those of the rounds that are being consulted on be planned again."""
    await wish(db, col(Round.id).in_(round_ids), col(Round.state) == RoundState.CONSULTING)


async def want_replans_within(db: AsyncSession, bureau_id: int, *, from_day: date, before_day: date) -> None:
    """Let rounds that are being planned for these days be planned once more: their problem was read before."""
    await wish(
        db,
        col(Round.bureau_id) == bureau_id,
        col(Round.state) == RoundState.PLANNING,
        col(Round.first_day) < before_day,
        col(Round.last_day) >= from_day,
    )


async def wish(db: AsyncSession, *conditions: object) -> None:
    """Mark the rounds; the job of re-plans sees to them once they are in consultation."""
    await db.exec(update(Round).where(*conditions).values(replan_wanted=True))  # type: ignore[arg-type]
