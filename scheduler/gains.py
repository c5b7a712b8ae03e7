"""Who gained people by a re-plan: an office that agreed to five of its people has not agreed to eight."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.demand import Request
from models.parties import Enterprise
from models.sessions import Session
from models.vocabulary import PromiseState


@dataclass(frozen=True, slots=True)
class Seated:
    """People of one request in one session, and the office of their firm."""

    office_id: int
    people: int


Seats = Mapping[tuple[int, int], Seated]
"""By session and request."""


async def seats_of_round(db: AsyncSession, round_id: int) -> Seats:
    """Who is planned into the round's sessions."""
    rows = await db.exec(
        select(col(Promise.session_id), col(Promise.request_id), col(Promise.people), col(Enterprise.office_id))
        .join(Session, col(Session.id) == col(Promise.session_id))
        .join(Request, col(Request.id) == col(Promise.request_id))
        .join(Enterprise, col(Enterprise.id) == col(Request.enterprise_id))
        .where(col(Session.round_id) == round_id, col(Promise.state) == PromiseState.PLANNED)
    )
    return {(session_id, request_id): Seated(office, people) for session_id, request_id, people, office in rows.all()}


def gained_offices(before: Seats, after: Seats) -> dict[int, set[int]]:
    """For each session, the offices with more people of some firm in it than before."""
    gained: dict[int, set[int]] = defaultdict(set)
    for (session_id, request_id), now in after.items():
        was = before.get((session_id, request_id))
        if was is None or now.people > was.people:
            gained[session_id].add(now.office_id)
    return gained
