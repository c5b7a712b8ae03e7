"""A public session gets another number of places: whoever must leave is looked after, more go to the queue."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Site, SiteOffer
from models.sessions import Session
from models.vocabulary import Role, SessionState
from scheduler.booking_rules import in_words, refuse_for
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.cancellation import INSTEAD, TOOK_PLACE
from scheduler.granted_places import take_back
from scheduler.journal import note
from scheduler.making_room import Left, Notice, look_after, make_room
from scheduler.outbox import send
from scheduler.places_taken import release_lapsed
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.relocating import lock_with_others
from scheduler.typed import refuse_any, why_not_between, why_not_text
from scheduler.visibility import visible

SESSION_ID, PLACES = ("input", "sessionId"), ("input", "places")
MOST_PLACES = 1000
SUBJECT = "A session has another number of places (考位变更)"


@dataclass(frozen=True, slots=True)
class PlacesOrder:
    """How many places a session is to have, and why."""

    session_id: int
    places: int
    reason: str


async def set_places(db: AsyncSession, order: PlacesOrder, *, caller: Caller, now: datetime) -> Session:
    """
    Give a published session another number of places: fewer make people leave by the rule, more go to the queue.

    For officials on their own ground, and for the exam body that conducts the session.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, BAD_INPUT for no reason; OUT_OF_RANGE for none, or more than the site offers;
            WRONG_STATE or ROSTER_FROZEN, with what else can be done.
    """
    require(caller, *OFFICIALS, Role.EXAM_BODY)
    seen = (await db.exec(visible(Session, caller).where(col(Session.id) == order.session_id))).one_or_none()
    if seen is None:
        raise not_found("Session", *SESSION_ID)
    await refuse_foreign_ground(db, seen, caller)
    refuse_any(why_not_text(order.reason, "input", "reason"), why_not_between(order.places, 1, MOST_PLACES, *PLACES))
    session, others = await lock_with_others(db, seen.id, now=now)
    refuse_for(why_not_changed(session, now=now), *SESSION_ID)
    refuse_for(why_not_more(order.places, session, await offered(db, session)), *PLACES)

    await release_lapsed(db, session, now=now)
    before, leaving = session.places, session.claimed - order.places
    left = await make_room(db, session, leaving, others, now=now) if leaving > 0 else Left()
    if (missing := order.places - session.claimed - session.shared) < 0:
        await take_back(db, session, -missing, now=now)
    session.places = order.places
    await db.flush()
    reason = order.reason.strip()
    what = (
        f"The session on {session.day} ({session.part.value}) has {order.places} places instead of {before}: {reason}."
    )
    await look_after(db, session, left, Notice(SUBJECT, what), now=now)
    send(db, recipient=f"exam_body:{session.exam_body_id}", subject=SUBJECT, body=what, now=now)
    said = {"reason": reason, "before": before, "places": order.places, "relocated": len(left.moved)}
    await note(db, "places set", "session", session.id, **said)
    await pass_on(db, session, now=now)
    return session


async def refuse_foreign_ground(db: AsyncSession, session: Session, caller: Caller) -> None:
    """
    Officials change sessions on their own ground; a body sees none but those it conducts.

    Raises:
        Refused: NOT_ALLOWED.
    """
    if caller.role not in OFFICIALS:
        return
    ground = (await db.exec(select(col(Site.jurisdiction_id)).where(col(Site.id) == session.site_id))).one()
    if ground not in caller.territory:
        message = "The session is on another jurisdiction's ground: ask whoever looks after the site, or the bureau."
        raise refuse(Code.NOT_ALLOWED, message, *SESSION_ID)


def why_not_changed(session: Session, *, now: datetime) -> Refusal | None:
    """Places are changed from publication until the roster freezes."""
    if session.state is SessionState.FROZEN or (
        session.state is SessionState.PUBLISHED and session.roster_freezes_at <= now
    ):
        since = in_words(session.roster_freezes_at)
        message = f"The roster is final since {since}: hold the session with those on it, or cancel it."
        return Refusal(Code.ROSTER_FROZEN, message)
    if session.state is SessionState.PUBLISHED:
        return None
    return Refusal(Code.WRONG_STATE, INSTEAD.get(session.state, TOOK_PLACE))


async def offered(db: AsyncSession, session: Session) -> int:
    """The places that the session's site offers of its exam; none where the offer was taken back."""
    offer = select(col(SiteOffer.places)).where(
        col(SiteOffer.site_id) == session.site_id, col(SiteOffer.exam_id) == session.exam_id
    )
    return (await db.exec(offer)).one_or_none() or 0


def why_not_more(places: int, session: Session, offer: int) -> Refusal | None:
    """No more places than the site offers, unless the session has them already."""
    if places <= max(offer, session.places):
        return None
    return Refusal(Code.OUT_OF_RANGE, f"The site offers {offer} places of this exam: change its offer first.")
