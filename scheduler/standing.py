"""What a round's plan has led to so far: its sessions in consultation, who sits in them, who serves, who objects."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.rounds import Consent
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentState, PromiseState, SessionState
from scheduler.allocation.parts import PinnedSession, Placement
from scheduler.calendar import Block
from scheduler.problem_keys import key_in_problem

STANDING = (SessionState.PROPOSED, SessionState.AGREED)


@dataclass(frozen=True, slots=True)
class Standing:
    """A session in consultation, in the allocator's ids."""

    session: PinnedSession
    seats: tuple[Placement, ...]
    staff: tuple[str, ...]
    is_objected: bool


def standing_sessions(round_id: int) -> Any:
    """The sessions of a round that are being consulted on."""
    standing = select(Session).where(col(Session.round_id) == round_id, col(Session.state).in_(STANDING))
    return standing.order_by(col(Session.id))


async def standing_of(db: AsyncSession, round_id: int) -> list[Standing]:
    """The round's sessions in consultation as the allocator reads them."""
    sessions: Sequence[Session] = (await db.exec(standing_sessions(round_id))).all()
    ids = [session.id for session in sessions]
    promises, staff = await promises_by_session(db, ids), await staff_by_session(db, ids)
    objected = await objected_sessions(db, ids)
    return [
        Standing(
            session=spot_of(session),
            seats=tuple(seat_of(session, promise) for promise in promises.get(session.id, ())),
            staff=tuple(key_in_problem("examiner", examiner_id) for examiner_id in staff.get(session.id, ())),
            is_objected=session.id in objected,
        )
        for session in sessions
    ]


async def promises_by_session(db: AsyncSession, session_ids: Sequence[int]) -> Mapping[int, list[Promise]]:
    """The planned promises of each session."""
    rows = await db.exec(
        select(Promise)
        .where(col(Promise.session_id).in_(session_ids), col(Promise.state) == PromiseState.PLANNED)
        .order_by(col(Promise.request_id))
    )
    found: dict[int, list[Promise]] = defaultdict(list)
    for promise in rows.all():
        found[promise.session_id].append(promise)
    return found


async def staff_by_session(db: AsyncSession, session_ids: Sequence[int]) -> Mapping[int, list[int]]:
    """The examiners on duty at each session."""
    rows = await db.exec(
        select(SessionStaff)
        .where(col(SessionStaff.session_id).in_(session_ids))
        .order_by(col(SessionStaff.examiner_id))
    )
    found: dict[int, list[int]] = defaultdict(list)
    for row in rows.all():
        found[row.session_id].append(row.examiner_id)
    return found


async def objected_sessions(db: AsyncSession, session_ids: Sequence[int]) -> set[int]:
    """The sessions to which somebody objects."""
    objected = select(col(Consent.session_id)).where(
        col(Consent.session_id).in_(session_ids), col(Consent.state) == ConsentState.OBJECTED
    )
    return set((await db.exec(objected)).all())


def spot_of(session: Session) -> PinnedSession:
    """Where and when a session is, and of what."""
    return PinnedSession(
        site=key_in_problem("site", session.site_id),
        item=key_in_problem("exam", session.exam_id),
        block=Block(session.day, session.part).id,
    )


def seat_of(session: Session, promise: Promise) -> Placement:
    """People of a request in a session."""
    spot = spot_of(session)
    request = key_in_problem("request", promise.request_id)
    return Placement(request=request, site=spot.site, block=spot.block, people=promise.people)
