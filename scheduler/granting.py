"""Granting places of a session down the tiers: bureau to town, town to office, until a date; and handing them back."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.grants import PlaceGrant
from models.places import Jurisdiction
from models.sessions import Session
from models.vocabulary import GrantState, Role
from scheduler.booking_rules import in_words, refuse_for, why_not_first_come, why_not_session
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.granted_places import go_back, grants_in
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.visibility import visible

SESSION_ID, JURISDICTION_ID = ("input", "sessionId"), ("input", "jurisdictionId")
GRANT_ID, PLACES, UNTIL = ("input", "placeGrantId"), ("input", "places"), ("input", "until")
SUBJECT = "Places are granted to you (名额下放)"


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """So many places of a session for a jurisdiction directly below the caller's, until a moment."""

    session_id: int
    jurisdiction_id: int
    places: int
    until: datetime


async def grant_places(db: AsyncSession, order: GrantOrder, *, caller: Caller, now: datetime) -> PlaceGrant:
    """
    Grant open places to a town, or places of the caller's own share to an office; whoever waits has its turn before.

    A share that stands already grows, and stands until the later date.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE, ROSTER_FROZEN, RANKED_WINDOW for the session; OUT_OF_RANGE for
            places or date; WRONG_STATE for a town that has no share.
    """
    require(caller, Role.BUREAU, Role.TOWN)
    seen = visible(Session, caller).where(col(Session.id) == order.session_id, col(Session.bureau_id) == caller.tenant)
    if (await db.exec(seen)).one_or_none() is None:
        raise not_found("Session", *SESSION_ID)
    await refuse_not_below(db, order.jurisdiction_id, caller=caller)
    session = await lock_session(db, order.session_id)
    refuse_for(why_not_session(session, now=now) or why_not_first_come(session, now=now), *SESSION_ID)
    refuse_for(why_not_date(session, order.until, now=now), *UNTIL)

    await release_lapsed(db, session, now=now)
    await pass_on(db, session, now=now)
    standing = await standing_by_tier(db, session)
    own = standing.get(caller.jurisdiction_id or 0)
    if caller.role is Role.TOWN:
        refuse_for(why_not_own(own), *SESSION_ID)
    left = own.unused if own else session.unclaimed
    refuse_for(why_not_places(order.places, left), *PLACES)
    before = standing.get(order.jurisdiction_id)
    refuse_for(why_not_until(order.until, own=own, before=before), *UNTIL)
    return await give(db, session, order, own, before, now=now)


async def refuse_not_below(db: AsyncSession, jurisdiction_id: int, *, caller: Caller) -> None:
    """
    Places go one tier down at a time: a bureau's to its towns, a town's to its offices.

    Raises:
        Refused: NOT_FOUND, the same for a foreign one and for none.
    """
    below = select(col(Jurisdiction.id)).where(
        col(Jurisdiction.id) == jurisdiction_id, col(Jurisdiction.parent_id) == caller.jurisdiction_id
    )
    if (await db.exec(below)).one_or_none() is None:
        message = (
            "No jurisdiction directly below yours has this id: a bureau grants to its towns, a town to its offices."
        )
        raise refuse(Code.NOT_FOUND, message, *JURISDICTION_ID)


async def standing_by_tier(db: AsyncSession, session: Session) -> dict[int, PlaceGrant]:
    """The shares that stand in a locked session, by the jurisdiction that has them."""
    grants = (await grants_in(db, session)).values()
    return {grant.jurisdiction_id: grant for grant in grants if grant.state is GrantState.STANDING}


def why_not_date(session: Session, until: datetime, *, now: datetime) -> Refusal | None:
    """A share stands until some time to come, and no longer than names are taken."""
    if now < until <= session.roster_freezes_at:
        return None
    message = f"Grant until a moment after now, and until the roster freezes ({in_words(session.roster_freezes_at)})."
    return Refusal(Code.OUT_OF_RANGE, message)


def why_not_own(own: PlaceGrant | None) -> Refusal | None:
    """A town grants what was granted to it."""
    if own is not None:
        return None
    message = "Your town has no share of this session: ask the bureau to grant you places first."
    return Refusal(Code.WRONG_STATE, message)


def why_not_places(places: int, left: int) -> Refusal | None:
    """One place at least, and no more than there are."""
    if 1 <= places <= left:
        return None
    if left == 0:
        return Refusal(Code.OUT_OF_RANGE, "No place is left to grant: wait until some are given up or handed back.")
    return Refusal(Code.OUT_OF_RANGE, f"Grant 1 to {left} places: that is what is left.")


def why_not_until(until: datetime, *, own: PlaceGrant | None, before: PlaceGrant | None) -> Refusal | None:
    """A share ends no later than the one it comes from, and is never cut short."""
    if own is not None and until > own.until:
        return Refusal(Code.OUT_OF_RANGE, f"Your own share stands until {in_words(own.until)}: grant until then.")
    if before is not None and until < before.until:
        message = f"They have a share until {in_words(before.until)} already: grant more until then, or longer."
        return Refusal(Code.OUT_OF_RANGE, message)
    return None


async def give(  # what of which session, out of which share, to which, and when
    db: AsyncSession,
    session: Session,
    order: GrantOrder,
    own: PlaceGrant | None,
    before: PlaceGrant | None,
    *,
    now: datetime,
) -> PlaceGrant:
    """Move places from the open ones, or from a town's share, to the tier below, and tell it."""
    if own is None:
        session.shared += order.places
    else:
        own.granted_on += order.places
    grant = before or PlaceGrant(
        session_id=session.id,
        jurisdiction_id=order.jurisdiction_id,
        parent_id=own.id if own else None,
        given=0,
        until=order.until,
        state=GrantState.STANDING,
        granted_at=now,
    )
    grant.given, grant.until = grant.given + order.places, order.until
    db.add(grant)
    await db.flush()
    await note(db, "granted", "place_grant", grant.id, places=order.places, until=order.until.isoformat())
    body = (
        f"{order.places} places on {session.day} ({session.part.value}) are granted to you until"
        f" {in_words(order.until)}: for your firms alone. Hand back what you do not need; the rest returns by itself."
    )
    send(db, recipient=f"jurisdiction:{order.jurisdiction_id}", subject=SUBJECT, body=body, now=now)
    return grant


async def hand_back(db: AsyncSession, grant_id: int, places: int, *, caller: Caller, now: datetime) -> PlaceGrant:
    """
    Give unused places of the caller's own share back to the tier above; a town's are open to all again.

    Raises:
        Refused: NOT_ALLOWED for another tier's share, NOT_FOUND; WRONG_STATE for one that has ended; OUT_OF_RANGE.
    """
    require(caller, *OFFICIALS)
    seen = (await db.exec(visible(PlaceGrant, caller).where(col(PlaceGrant.id) == grant_id))).one_or_none()
    if seen is None:
        raise not_found("PlaceGrant", *GRANT_ID)
    if seen.jurisdiction_id != caller.jurisdiction_id:
        raise refuse(Code.NOT_ALLOWED, "Only the tier that has the share hands places of it back: ask it.", *GRANT_ID)
    session = await lock_session(db, seen.session_id)
    await release_lapsed(db, session, now=now)
    grants = await grants_in(db, session)
    grant = grants[grant_id]
    refuse_for(why_not_standing(grant), *GRANT_ID)
    refuse_for(why_not_unused(places, grant), *PLACES)

    go_back(session, grants, grant, places)
    await db.flush()
    await note(db, "handed back", "place_grant", grant.id, places=places)
    await pass_on(db, session, now=now)
    return grant


def why_not_standing(grant: PlaceGrant) -> Refusal | None:
    """A share is handed back while it stands."""
    if grant.state is GrantState.STANDING:
        return None
    return Refusal(Code.WRONG_STATE, "This share has ended: what was unused of it returned by itself.")


def why_not_unused(places: int, grant: PlaceGrant) -> Refusal | None:
    """Only what nobody booked, and was not granted on, is handed back."""
    if 1 <= places <= grant.unused:
        return None
    if grant.unused == 0:
        return Refusal(Code.OUT_OF_RANGE, "Nothing of this share is unused: there is nothing to hand back.")
    return Refusal(Code.OUT_OF_RANGE, f"Hand back 1 to {grant.unused} places: that is what is unused.")
