"""What publication would do, before it happens: which sessions become public, and what each request gets."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.demand import Request
from models.rounds import Round
from models.vocabulary import PromiseState, RequestState, Role, RoundState
from scheduler.callers import Caller
from scheduler.publication import to_be_public
from scheduler.standing import standing_sessions
from scheduler.visibility import visible


@dataclass(frozen=True, slots=True)
class RequestChange:
    """A request before and after."""

    request_id: int
    before: RequestState
    after: RequestState
    people: int
    placed: int


@dataclass(frozen=True, slots=True)
class Diff:
    """What publishing what is agreed at this moment would do."""

    session_ids: tuple[int, ...]
    requests: tuple[RequestChange, ...]

    @property
    def people_told(self) -> int:
        """How many people are told of a place."""
        return sum(each.placed for each in self.requests)


async def diff_of(db: AsyncSession, round_id: int, *, caller: Caller, now: datetime) -> Diff | None:
    """The diff, for the bureau of a round in consultation; nothing for others."""
    own = visible(Round, caller).where(col(Round.id) == round_id, col(Round.state) == RoundState.CONSULTING)
    planned = (await db.exec(own)).one_or_none()
    if planned is None or caller.role is not Role.BUREAU:
        return None
    public = await to_be_public(db, planned, (await db.exec(standing_sessions(round_id))).all(), now=now)
    ids = tuple(session.id for session in public)
    seated = select(col(Promise.request_id), col(Promise.people)).where(
        col(Promise.session_id).in_(ids), col(Promise.state) == PromiseState.PLANNED
    )
    placed: Counter[int] = Counter()
    for request_id, people in (await db.exec(seated)).all():
        placed[request_id] += people
    asked = select(Request).where(col(Request.round_id) == round_id, col(Request.state) == RequestState.PLANNED)
    requests = (await db.exec(asked.order_by(col(Request.id)))).all()
    return Diff(ids, tuple(change_of(request, placed[request.id]) for request in requests))


def change_of(request: Request, placed: int) -> RequestChange:
    """What becomes of a request of which so many people get a place."""
    after = RequestState.PROMISED if placed else RequestState.OPEN
    return RequestChange(request.id, request.state, after, request.people, placed)
