"""
Below the minimum class at its deadline a session decides itself: it is confirmed, merged with another, or cancelled.

Enough people, or a word of the bureau or the exam body that it is held whatever their number: it takes place. Else all
go together to the nearest session that takes every one of them. Where there is none it is called off, and they come
first in the queue. Everybody concerned is told.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.places import Site
from models.sessions import Session
from models.vocabulary import HoldState, Role, SessionState
from scheduler.booking_rules import refuse_for, why_not_session
from scheduler.callers import Caller, require
from scheduler.cancellation import bookings_in, cancel_sessions, duties_in
from scheduler.catalogue import exam_in_force
from scheduler.hold_ends import standing_holds
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.making_room import Left, Notice, look_after, make_room
from scheduler.outbox import send
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found
from scheduler.relocating import Group, groups_of, lock_with_others, move, nearest_first, people_of, takes_all
from scheduler.visibility import visible

SESSION_ID = ("input", "sessionId")
TAKES_PLACE = "The session takes place (开考确认)"
MERGED = "Two sessions are merged (合并考试)"


async def confirm_session(db: AsyncSession, session_id: int, *, caller: Caller, now: datetime) -> Session:
    """
    Say that a published session is held whatever the number of its people.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE or ROSTER_FROZEN for one that is not to be decided any more.
    """
    require(caller, Role.BUREAU, Role.EXAM_BODY)
    seen = (await db.exec(visible(Session, caller).where(col(Session.id) == session_id))).one_or_none()
    if seen is None:
        raise not_found("Session", *SESSION_ID)
    session = await lock_session(db, session_id)
    refuse_for(why_not_session(session, now=now) or why_not_undecided(session), *SESSION_ID)
    await confirm(db, session, "it is held whatever the number", now=now)
    return session


def why_not_undecided(session: Session) -> Refusal | None:
    """A session is confirmed once."""
    if session.confirmed_at is None:
        return None
    return Refusal(Code.WRONG_STATE, "The session is confirmed already: it takes place unless it is cancelled.")


async def decide_due(db: AsyncSession, now: datetime) -> int:
    """Decide on one session whose deadline has come; says how many there were."""
    due = select(col(Session.id)).where(*undecided(), col(Session.confirm_due_at) <= now)
    key = (await db.exec(due.order_by(col(Session.confirm_due_at), col(Session.id)).limit(1))).one_or_none()
    if key is None:
        return 0
    session, others = await lock_with_others(db, key, now=now)
    # Another node may have decided before the lock was had.
    if session.state is SessionState.PUBLISHED and session.confirmed_at is None:
        await decide(db, session, others, now=now)
    return 1


async def decide(db: AsyncSession, session: Session, others: Sequence[Session], *, now: datetime) -> None:
    """Confirm, merge or cancel a locked session."""
    await release_lapsed(db, session, now=now)
    in_force = await exam_in_force(db, session.exam_id, bureau_id=session.bureau_id, on=session.day)
    least, people = max(in_force.exam_rule.least_people, 1), await expected(db, session)
    if people >= least:
        await confirm(db, session, f"{people} people are expected", now=now)
        await pass_on(db, session, now=now)
        return
    why = f"{people} people of at least {least} (不足最低开考人数)"
    groups = await groups_of(db, await bookings_in(db, [session.id]))
    if there := await session_for_all(db, session, groups, others, now=now):
        await merge(db, session, groups, there, why, now=now)
    else:
        await cancel_sessions(db, [session], reason=why, now=now)


async def expected(db: AsyncSession, session: Session) -> int:
    """How many people may still come: named ones, and those whom firms have places set aside for and time to name."""
    kept = sum(hold.people for hold in await standing_holds(db, session) if hold.state is HoldState.KEPT)
    return session.claimed - kept


async def session_for_all(
    db: AsyncSession, session: Session, groups: Sequence[Group], others: Sequence[Session], *, now: datetime
) -> Session | None:
    """The session that takes everybody: of those that no group finds too far, the one nearest to all together."""
    ways = [[there.id for there in await nearest_first(db, group, others)] for group in groups]
    near = [there for there in others if ways and all(there.id in way for way in ways)]
    for there in sorted(near, key=lambda one: (sum(way.index(one.id) for way in ways), one.starts_at, one.id)):
        fits = there.unclaimed >= session.taken
        if fits and all(
            [await takes_all(db, each, await people_of(db, each), session, there, now=now) for each in groups]
        ):
            return there
    return None


async def merge(
    db: AsyncSession, session: Session, groups: Sequence[Group], there: Session, why: str, *, now: datetime
) -> None:
    """Move everybody at once, let the rest ask again or wait first, and call the emptied session off."""
    moved = [await move(db, booking, session, there) for group in groups for booking in group.bookings]
    left = await make_room(db, session, session.claimed, [], now=now) if session.claimed else Left()
    left.moved += moved
    site = (await db.exec(select(col(Site.name)).where(col(Site.id) == there.site_id))).one()
    where = f"{there.day} ({there.part.value}) at {site}"
    what = f"The session on {session.day} ({session.part.value}) is merged with the one on {where}: {why}."
    await look_after(db, session, left, Notice(MERGED, what), now=now)
    await cancel_sessions(db, [session], reason=f"merged with the session on {where}, {why}", now=now)
    await note(db, "merged", "session", session.id, into=there.id, people=len(moved))
    more = f"{len(moved)} people join on {where}."
    await tell_staff(db, there, MERGED, more, now=now)


async def confirm(db: AsyncSession, session: Session, why: str, *, now: datetime) -> None:
    """Write down that a locked session takes place, and tell its firms, its examiners and its exam body."""
    session.confirmed_at = now
    await db.flush()
    await note(db, "confirmed", "session", session.id, reason=why)
    what = f"The session on {session.day} ({session.part.value}) takes place: {why}."
    firms = {booking.enterprise_id for booking in await bookings_in(db, [session.id])}
    for firm in sorted(firms):
        send(db, recipient=f"enterprise:{firm}", subject=TAKES_PLACE, body=what, now=now)
    await tell_staff(db, session, TAKES_PLACE, what, now=now)


async def tell_staff(db: AsyncSession, session: Session, subject: str, body: str, *, now: datetime) -> None:
    """Tell a session's examiners and its exam body."""
    examiners = [f"examiner:{examiner_id}" for _, examiner_id in await duties_in(db, [session])]
    for recipient in [*examiners, f"exam_body:{session.exam_body_id}"]:
        send(db, recipient=recipient, subject=subject, body=body, now=now)


def undecided() -> tuple[Any, ...]:
    """What finds the sessions that are still to be decided on."""
    return col(Session.state) == SessionState.PUBLISHED, col(Session.confirmed_at).is_(None)


def next_decision() -> SelectOfScalar[Any]:
    """When the next session is to be decided on."""
    return select(func.min(col(Session.confirm_due_at))).where(*undecided())


DECISIONS = Job("minimum classes decide", decide_due, next_decision)
