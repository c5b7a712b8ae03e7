"""Cancelling public sessions: everyone who had a place asks again by themselves, and is told."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Promise
from models.demand import Request, RequestPerson
from models.places import Site
from models.rounds import Consent
from models.sessions import Claim, Session, SessionStaff
from models.vocabulary import BookingState, ConsentState, HoldState, PromiseState, RequestState, Role, SessionState
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.displaced import chosen_places_of, open_places_of, queue_first
from scheduler.granted_places import end_shares
from scheduler.hold_ends import end_holds, standing_holds
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.places_taken import lock_session
from scheduler.policy import Policy, policy_of
from scheduler.queues import end_waits
from scheduler.refusals import Code, not_found, refuse
from scheduler.request_splits import again_for
from scheduler.typed import refuse_any, why_not_text
from scheduler.visibility import visible
from scheduler.windows import void_window

PUBLIC = (SessionState.PUBLISHED, SessionState.FROZEN)
UNDER_WAY = (PromiseState.HELD, PromiseState.USED)
SUBJECT = "A session is cancelled (考试场次取消)"
TOOK_PLACE = "The session was held already: it stands with its results."
IN_CONSULTATION = "The session is not public yet: object to it, or plan the round again."
GONE = "The session was called off already: nothing is left to cancel."
INSTEAD = {
    SessionState.PROPOSED: IN_CONSULTATION,
    SessionState.AGREED: IN_CONSULTATION,
    SessionState.DROPPED: GONE,
    SessionState.CANCELLED: GONE,
}


@dataclass
class Lost:
    """What a request loses: so many places, of which these workers were named into some."""

    people: int = 0
    worker_ids: list[int] = field(default_factory=list)


async def call_off(db: AsyncSession, session_id: int, reason: str, *, caller: Caller, now: datetime) -> Session:
    """
    Cancel one public session: the bureau any of its own, an exam body those that it conducts.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, BAD_INPUT for no reason; WRONG_STATE, with what else can be done.
    """
    require(caller, Role.BUREAU, Role.EXAM_BODY)
    seen = (await db.exec(visible(Session, caller).where(col(Session.id) == session_id))).one_or_none()
    if seen is None:
        raise not_found("Session", "input", "sessionId")
    refuse_any(why_not_text(reason, "input", "reason"))
    session = await lock_session(db, session_id)
    if session.state not in PUBLIC:
        raise refuse(Code.WRONG_STATE, INSTEAD.get(session.state, TOOK_PLACE), "input", "sessionId")
    await cancel_sessions(db, [session], reason=reason.strip(), now=now)
    return session


async def cancel_sessions(db: AsyncSession, sessions: Sequence[Session], *, reason: str, now: datetime) -> None:
    """
    Cancel public sessions of one bureau that are locked in id order.

    Bookings are cancelled, promises released and claims let go. What a request loses is asked for again: by the request
    itself where it has nothing left, else by a new one; an ended window is extended.

    Raises:
        Refused: WRONG_STATE for a session that is not public, or already held.
    """
    if any(session.state not in PUBLIC for session in sessions):
        raise refuse(Code.WRONG_STATE, "Only a public session that was not held yet can be cancelled.")
    if not sessions:
        return
    ids = [session.id for session in sessions]
    promises, bookings = await promises_in(db, ids), await bookings_in(db, ids)
    lost = lost_by_request(promises, bookings)
    await tell(db, sessions, promises, bookings, reason=reason, now=now)

    for booking in bookings:
        booking.state = BookingState.CANCELLED
    for promise in promises:
        promise.named = 0
        if promise.state in UNDER_WAY:
            promise.state = PromiseState.RELEASED
    for session in sessions:
        holds = await standing_holds(db, session)
        lost_here = open_places_of(row for row in bookings if row.session_id == session.id) + chosen_places_of(
            holds, now=now
        )
        await end_holds(db, session, holds, HoldState.RELEASED, waits_on=True)
        await end_waits(db, session, why=reason, now=now)
        await void_window(db, session, why=reason, now=now)
        await queue_first(db, session, lost_here, now=now)
        await end_shares(db, session)
        session.promised = session.taken = 0
        session.state = SessionState.CANCELLED
    await db.exec(delete(Claim).where(col(Claim.session_id).in_(ids)))
    await db.flush()
    for session_id in ids:
        await note(db, "cancelled", "session", session_id, reason=reason)
    await reopen_requests(db, lost, policy=await policy_of(db, sessions[0].bureau_id), now=now)


async def promises_in(db: AsyncSession, session_ids: Sequence[int]) -> Sequence[Promise]:
    """The promises of the sessions, locked: released ones too, as people may have been named into them before."""
    made = select(Promise).where(col(Promise.session_id).in_(session_ids)).order_by(col(Promise.id))
    return (await db.exec(made.with_for_update().execution_options(populate_existing=True))).all()


async def bookings_in(db: AsyncSession, session_ids: Sequence[int]) -> Sequence[Booking]:
    """The standing bookings of the sessions, locked."""
    standing = select(Booking).where(
        col(Booking.session_id).in_(session_ids), col(Booking.state) == BookingState.CONFIRMED
    )
    return (await db.exec(standing.order_by(col(Booking.id)).with_for_update())).all()


def lost_by_request(promises: Sequence[Promise], bookings: Sequence[Booking]) -> dict[int, Lost]:
    """How many places each request loses, and who was named into them."""
    lost: dict[int, Lost] = defaultdict(Lost)
    request_of = {promise.id: promise.request_id for promise in promises}
    for booking in bookings:
        if booking.promise_id is not None:
            lost[request_of[booking.promise_id]].worker_ids.append(booking.worker_id)
    for promise in promises:
        people = promise.people if promise.state in UNDER_WAY else promise.named
        if people:
            lost[promise.request_id].people += people
    return lost


async def reopen_requests(db: AsyncSession, lost: dict[int, Lost], *, policy: Policy, now: datetime) -> None:
    """Let what was lost be asked for again, request by request in id order."""
    wanted = select(Request).where(col(Request.id).in_(lost)).order_by(col(Request.id)).with_for_update()
    requests = (await db.exec(wanted.execution_options(populate_existing=True))).all()
    elsewhere = await placed_elsewhere(db, lost)
    for request in requests:
        loss = lost[request.id]
        again = await split_off(db, request, loss.people) if request.id in elsewhere else reopened(request, loss.people)
        again.latest_day = latest_day_again(request.latest_day, policy, today=now.astimezone(SHANGHAI).date())
        await db.flush()
        await name_again(db, request, again, loss)


async def placed_elsewhere(db: AsyncSession, lost: dict[int, Lost]) -> set[int]:
    """Those of the requests that still have places in other sessions."""
    placed = select(col(Promise.request_id)).where(
        col(Promise.request_id).in_(lost), col(Promise.state).in_(UNDER_WAY) | (col(Promise.named) > 0)
    )
    return set((await db.exec(placed)).all())


def reopened(request: Request, people: int) -> Request:
    """The request itself, open again for the people who lost their places."""
    request.state, request.round_id, request.people = RequestState.OPEN, None, people
    return request


async def split_off(db: AsyncSession, request: Request, people: int) -> Request:
    """A new request for the people who lost their places; the others keep theirs under the old one."""
    request.people -= people
    again = again_for(request, people)
    db.add(again)
    return again


def latest_day_again(latest_day: date, policy: Policy, *, today: date) -> date:
    """The last day of a request that must be planned again: later, where no publication would reach it any more."""
    if latest_day >= today + timedelta(days=policy.publish_lead_days):
        return latest_day
    return today + timedelta(days=policy.publish_lead_days + policy.next_subject_days)


async def name_again(db: AsyncSession, request: Request, again: Request, loss: Lost) -> None:
    """Put those who were named into lost places first on the request; earlier names fill what is left."""
    named = (await db.exec(select(RequestPerson).where(col(RequestPerson.request_id) == request.id))).all()
    earlier = [person.worker_id for person in sorted(named, key=lambda person: person.id)]
    if again is request:
        kept = list(dict.fromkeys([*loss.worker_ids, *earlier]))[: again.people]
        leaving = set(earlier) - set(kept)
    else:
        kept = loss.worker_ids
        leaving = set(kept) & set(earlier)
    await db.exec(
        delete(RequestPerson).where(
            col(RequestPerson.request_id) == request.id, col(RequestPerson.worker_id).in_(leaving)
        )
    )
    there = set(earlier) if again is request else set()
    db.add_all(RequestPerson(request_id=again.id, worker_id=worker_id) for worker_id in kept if worker_id not in there)
    await db.flush()


async def tell(
    db: AsyncSession,
    sessions: Sequence[Session],
    promises: Sequence[Promise],
    bookings: Sequence[Booking],
    *,
    reason: str,
    now: datetime,
) -> None:
    """Tell every firm with places in a session, its host, its examiners, the tiers consulted and its exam body."""
    owners, duties = await owners_of(db, promises), await duties_in(db, sessions)
    sites, tiers = await sites_of(db, sessions), await tiers_consulted(db, sessions)
    for session in sessions:
        site = sites[session.site_id]
        what = f"The session on {session.day} ({session.part.value}) at {site.name} is cancelled: {reason}."
        firms = {owners[p.request_id] for p in promises if p.session_id == session.id and p.state in UNDER_WAY}
        firms |= {booking.enterprise_id for booking in bookings if booking.session_id == session.id}
        for firm in sorted(firms):
            body = f"{what} Your requests are open again."
            send(db, recipient=f"enterprise:{firm}", subject=SUBJECT, body=body, now=now)
        others = [f"enterprise:{site.host_enterprise_id}"] if site.host_enterprise_id else []
        others += [f"examiner:{examiner_id}" for at, examiner_id in duties if at == session.id]
        others += [f"jurisdiction:{jurisdiction_id}" for at, jurisdiction_id in tiers if at == session.id]
        for recipient in [*others, f"exam_body:{session.exam_body_id}"]:
            send(db, recipient=recipient, subject=SUBJECT, body=what, now=now)


async def sites_of(db: AsyncSession, sessions: Sequence[Session]) -> dict[int, Site]:
    """The sites of the sessions, by key."""
    wanted = select(Site).where(col(Site.id).in_({session.site_id for session in sessions}))
    return {site.id: site for site in (await db.exec(wanted)).all()}


async def duties_in(db: AsyncSession, sessions: Sequence[Session]) -> Sequence[tuple[int, int]]:
    """Each session with each examiner on duty at it."""
    wanted = select(col(SessionStaff.session_id), col(SessionStaff.examiner_id))
    serving = wanted.where(col(SessionStaff.session_id).in_([session.id for session in sessions]))
    return (await db.exec(serving.order_by(col(SessionStaff.examiner_id)))).all()


async def tiers_consulted(db: AsyncSession, sessions: Sequence[Session]) -> Sequence[tuple[int, int | None]]:
    """Each session with each office, town and bureau that was consulted on it."""
    wanted = select(col(Consent.session_id), col(Consent.jurisdiction_id)).where(
        col(Consent.session_id).in_([session.id for session in sessions]),
        col(Consent.jurisdiction_id).is_not(None),
        col(Consent.state) != ConsentState.VOID,
    )
    return (await db.exec(wanted.order_by(col(Consent.jurisdiction_id)))).all()


async def owners_of(db: AsyncSession, promises: Sequence[Promise]) -> dict[int, int]:
    """The firm of each promise's request."""
    wanted = select(col(Request.id), col(Request.enterprise_id)).where(
        col(Request.id).in_({promise.request_id for promise in promises})
    )
    return dict((await db.exec(wanted)).all())
