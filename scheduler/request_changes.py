"""What becomes of a request after it is there: accepted, declined, withdrawn, lapsed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, cast, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Promise
from models.demand import Request
from models.sessions import Session
from models.vocabulary import PromiseState, RequestState, Role
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.jobs import Job
from scheduler.outbox import send
from scheduler.places_taken import lock_session
from scheduler.queues import pass_on
from scheduler.refusals import Code, not_found, refuse
from scheduler.replan_wishes import lock_unfinished_rounds, want_replans
from scheduler.visibility import visible

BATCH = 100
LAPSED = "Your request has lapsed (申报已过期)"
STANDING = (PromiseState.PLANNED, PromiseState.HELD, PromiseState.USED)


async def lock_request(db: AsyncSession, request_id: int, *, caller: Caller) -> Request:
    """
    The caller's own request, locked.

    Raises:
        Refused: NOT_FOUND.
    """
    require(caller, Role.ENTERPRISE)
    own = visible(Request, caller).where(col(Request.id) == request_id).with_for_update()
    request = (await db.exec(own)).one_or_none()
    if request is None:
        raise not_found("request", "input", "requestId")
    return request


def require_state(request: Request, *states: RequestState) -> None:
    """
    Let only these states pass.

    Raises:
        Refused: WRONG_STATE, saying where the request stands.
    """
    if request.state not in states:
        raise refuse(
            Code.WRONG_STATE,
            f"The request is {request.state.value.lower()}: this goes only while it is "
            f"{' or '.join(state.value.lower() for state in states)}.",
            "input",
            "requestId",
        )


async def accept_request(
    db: AsyncSession, request_id: int, *, window: tuple[date | None, date | None], caller: Caller, now: datetime
) -> Request:
    """Accept a request that the rules proposed; the days may be narrowed or moved within its window."""
    request = await lock_request(db, request_id, caller=caller)
    require_state(request, RequestState.PROPOSED)
    earliest, latest = window[0] or request.earliest_day, window[1] or request.latest_day
    if not request.earliest_day <= earliest <= latest <= request.latest_day:
        raise refuse(
            Code.OUT_OF_RANGE,
            f"Choose days from {request.earliest_day} to {request.latest_day}.",
            "input",
            "latestDay",
        )
    if latest < now.astimezone(SHANGHAI).date():
        raise refuse(Code.WINDOW_PAST, "These days are over: choose later ones.", "input", "latestDay")
    request.earliest_day, request.latest_day, request.state = earliest, latest, RequestState.OPEN
    await db.flush()
    return request


async def decline_request(db: AsyncSession, request_id: int, *, caller: Caller) -> Request:
    """Decline a request that the rules proposed."""
    request = await lock_request(db, request_id, caller=caller)
    require_state(request, RequestState.PROPOSED)
    request.state = RequestState.DECLINED
    await db.flush()
    return request


async def withdraw_request(db: AsyncSession, request_id: int, *, caller: Caller, now: datetime) -> Request:
    """
    Take a request back; places set aside for it go to whoever waits, or are open again.

    Raises:
        Refused: ALREADY_BOOKED while somebody named on it holds a place.
    """
    require(caller, Role.ENTERPRISE)
    # The round, its sessions and promises before the request, as everyone who changes places locks them.
    rounds = await lock_unfinished_rounds(db, caller.bureau_id)
    promises = await lock_promises(db, request_id, caller=caller)
    request = await lock_request(db, request_id, caller=caller)
    require_state(request, RequestState.OPEN, RequestState.PLANNED, RequestState.PROMISED)
    if any(promise.named for promise in promises):
        raise refuse(
            Code.ALREADY_BOOKED, "People of this request hold places: cancel those first.", "input", "requestId"
        )
    await drop_promises(db, promises)
    for session_id in sorted({promise.session_id for promise in promises}):
        await pass_on(db, await lock_session(db, session_id), now=now)
    want_replans(rounds, [request.round_id])
    request.state = RequestState.WITHDRAWN
    await db.flush()
    return request


async def lock_promises(db: AsyncSession, request_id: int, *, caller: Caller) -> Sequence[Promise]:
    """The promises to a request of the caller's that are standing or were named into, their sessions locked first."""
    own = visible(Request, caller).where(col(Request.id) == request_id).with_only_columns(col(Request.id))
    made = select(Promise).where(
        col(Promise.request_id).in_(own), col(Promise.state).in_(STANDING) | (col(Promise.named) > 0)
    )
    sessions = select(Session).where(col(Session.id).in_(made.with_only_columns(col(Promise.session_id))))
    await db.exec(sessions.order_by(col(Session.id)).with_for_update())
    return (await db.exec(made.order_by(col(Promise.id)).with_for_update())).all()


async def drop_promises(db: AsyncSession, promises: Sequence[Promise]) -> None:
    """Free the places of locked promises that nobody was named into."""
    for promise in promises:
        freed = update(Session).where(col(Session.id) == promise.session_id)
        await db.exec(freed.values(promised=col(Session.promised) - promise.people))
        planned = promise.state is PromiseState.PLANNED
        promise.state = PromiseState.DROPPED if planned else PromiseState.RELEASED
    await db.flush()


async def lapse_requests(db: AsyncSession, now: datetime) -> int:
    """Let requests lapse whose last day is over, and tell their firms why nothing came of them."""
    today = now.astimezone(SHANGHAI).date()
    over = (
        select(Request)
        .where(col(Request.state).in_((RequestState.PROPOSED, RequestState.OPEN)), col(Request.latest_day) < today)
        .order_by(col(Request.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    requests = (await db.exec(over)).all()
    for request in requests:
        send(db, recipient=f"enterprise:{request.enterprise_id}", subject=LAPSED, body=why_lapsed(request), now=now)
        request.state = RequestState.LAPSED
    await db.flush()
    return len(requests)


def why_lapsed(request: Request) -> str:
    """What became of a request whose days are over, and what its firm can do."""
    asked = f"The request for {request.people} people from {request.earliest_day} to {request.latest_day} has lapsed"
    if request.state is RequestState.PROPOSED:
        return f"{asked}: it was proposed to you and not accepted in time. Ask anew (requestSubmit) if it is needed."
    helps = f" What would have helped: {request.unplaced_detail}" if request.unplaced_detail else ""
    further = "Ask anew (requestSubmit) with other days, or book open places (bookingCreate)."
    return f"{asked}: no round found places for them.{helps} {further}"


def next_lapse() -> SelectOfScalar[Any]:
    """The midnight in Shanghai after the earliest last day of a waiting request."""
    day_after = func.min(col(Request.latest_day)) + 1
    return select(func.timezone("Asia/Shanghai", cast(day_after, TIMESTAMP))).where(
        col(Request.state).in_((RequestState.PROPOSED, RequestState.OPEN))
    )


LAPSING = Job("request lapses", lapse_requests, next_lapse)
