"""How many of a session's open places one firm may take: a few firms must not book a session out."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold
from models.sessions import Session
from models.vocabulary import BookingState, HoldState
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
    booked = select(func.count(col(Booking.id))).where(
        col(Booking.session_id) == session.id,
        col(Booking.enterprise_id) == enterprise_id,
        col(Booking.state) == BookingState.CONFIRMED,
        col(Booking.promise_id).is_(None),
    )
    held = select(func.coalesce(func.sum(col(Hold.people) - col(Hold.named)), 0)).where(
        col(Hold.session_id) == session.id,
        col(Hold.enterprise_id) == enterprise_id,
        col(Hold.state) == HoldState.HELD,
        col(Hold.held_until) > now,
    )
    percent = (await policy_of(db, session.bureau_id)).most_share_percent
    has = (await db.exec(booked)).one() + (await db.exec(held)).one()
    return Share(has, ceil(session.places * percent / 100), percent)
