"""How many of a session's open places one firm may take: a few firms must not book a session out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold
from models.sessions import Session
from models.vocabulary import BookingState
from scheduler.hold_ends import STANDING
from scheduler.policy import policy_of


@dataclass(frozen=True, slots=True)
class Share:
    """What a firm has of a session beside what a round promised it, and the most it may have."""

    has: int
    most: int
    percent: float

    @property
    def left(self) -> int:
        """How many more it may take."""
        return max(self.most - self.has, 0)


async def share_of(db: AsyncSession, session: Session, enterprise_id: int, *, now: datetime) -> Share:
    """A firm's share of a session: named and held places count, promised ones do not."""
    return (await shares_in(db, session, [enterprise_id], now=now))[enterprise_id]


async def shares_in(
    db: AsyncSession, session: Session, enterprise_ids: Sequence[int], *, now: datetime
) -> dict[int, Share]:
    """The shares of several firms in a session, in a constant number of statements."""
    found = await shares_of(db, [session], enterprise_ids, now=now)
    return {enterprise_id: found[session.id, enterprise_id] for enterprise_id in enterprise_ids}


async def shares_of(
    db: AsyncSession, sessions: Sequence[Session], enterprise_ids: Sequence[int], *, now: datetime
) -> dict[tuple[int, int], Share]:
    """The shares of firms in sessions of one bureau, by session and firm, in a constant number of statements."""
    if not sessions:
        return {}
    booked = select(col(Booking.session_id), col(Booking.enterprise_id), func.count(col(Booking.id))).where(
        col(Booking.session_id).in_([session.id for session in sessions]),
        col(Booking.enterprise_id).in_(enterprise_ids),
        col(Booking.state) == BookingState.CONFIRMED,
        col(Booking.promise_id).is_(None),
        col(Booking.is_relocated).is_(False),
    )
    held = select(col(Hold.session_id), col(Hold.enterprise_id), func.sum(col(Hold.people) - col(Hold.named))).where(
        col(Hold.session_id).in_([session.id for session in sessions]),
        col(Hold.enterprise_id).in_(enterprise_ids),
        col(Hold.state).in_(STANDING),
        col(Hold.held_until) > now,
    )
    has: Counter[tuple[int, int]] = Counter()
    for session_id, enterprise_id, people in (
        *(await db.exec(booked.group_by(col(Booking.session_id), col(Booking.enterprise_id)))).all(),
        *(await db.exec(held.group_by(col(Hold.session_id), col(Hold.enterprise_id)))).all(),
    ):
        has[session_id, enterprise_id] += people
    percent = (await policy_of(db, sessions[0].bureau_id)).most_share_percent
    return {
        (session.id, enterprise_id): Share(
            has[session.id, enterprise_id], ceil(session.places * percent / 100), percent
        )
        for session in sessions
        for enterprise_id in enterprise_ids
    }
