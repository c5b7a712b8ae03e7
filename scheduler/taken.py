"""What the sessions of other rounds already take of sites, examiners and people: a round plans around it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.rounds import Round
from models.sessions import Session, SessionStaff
from models.vocabulary import BookingState, SessionState
from scheduler.calendar import Block

GONE = (SessionState.DROPPED, SessionState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Taken:
    """What other rounds' sessions already take of sites, examiners and people, by half-day."""

    rooms: Counter[tuple[int, str]]
    examiners: set[tuple[int, str]]
    workers: set[tuple[int, str]]


async def taken_by_others(db: AsyncSession, planned: Round) -> Taken:
    """What the standing sessions of other rounds take within the horizon."""
    others = (
        col(Session.round_id) != planned.id,
        col(Session.state).not_in(GONE),
        col(Session.day).between(planned.first_day, planned.last_day),
    )
    sessions = (await db.exec(select(Session).where(*others))).all()
    block_of = {session.id: Block(session.day, session.part).id for session in sessions}
    staff = await db.exec(select(SessionStaff).where(col(SessionStaff.session_id).in_(block_of)))
    booked = await db.exec(
        select(Booking).where(col(Booking.session_id).in_(block_of), col(Booking.state) == BookingState.CONFIRMED)
    )
    return Taken(
        rooms=Counter((session.site_id, block_of[session.id]) for session in sessions),
        examiners={(row.examiner_id, block_of[row.session_id]) for row in staff.all()},
        workers={(row.worker_id, block_of[row.session_id]) for row in booked.all()},
    )


def busy_blocks(worker_ids: Iterable[int], taken: Taken) -> list[str]:
    """The half-days on which somebody named sits elsewhere."""
    people = set(worker_ids)
    return sorted({block for worker_id, block in taken.workers if worker_id in people})
