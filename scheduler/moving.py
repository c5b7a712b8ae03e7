"""Moving a booking to another session of the exam in one step: never without a place in between, nor with two."""

from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold
from models.sessions import Session
from models.vocabulary import HoldState, Role
from scheduler.booking_changes import (
    BOOKING_ID,
    CHANGED_MEANWHILE,
    reseat,
    session_of,
    why_not_changed,
    why_not_standing,
)
from scheduler.booking_rules import Names, refuse_for, refuse_unfit, why_not_session
from scheduler.callers import Caller, require
from scheduler.granted_places import draw_over
from scheduler.holding import SESSION_ID, Choice, hold_open, seen_session
from scheduler.journal import note
from scheduler.places_taken import lock_session
from scheduler.policy import policy_of
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal


async def move_booking(db: AsyncSession, booking_id: int, session_id: int, *, caller: Caller, now: datetime) -> Booking:
    """
    Move a named person's place to another session of the exam; the place that is left goes to who waits for it.

    It counts as a change of the booking. A place that was promised is not promised any more.

    Raises:
        Refused: NOT_FOUND, BAD_INPUT, WRONG_STATE, ROSTER_FROZEN, TOO_MANY_CHANGES; FULL or OVER_SHARE with the nearest
            alternatives; or every reason against the person in the other session.
    """
    require(caller, Role.ENTERPRISE)
    here = await session_of(db, booking_id, caller=caller)
    there = await seen_session(db, session_id, caller=caller)
    refuse_for(why_not_another(here, there) or why_not_session(there, now=now), *SESSION_ID)
    worker_id = (await db.exec(select(col(Booking.worker_id)).where(col(Booking.id) == booking_id))).one()
    names = Names((worker_id,), BOOKING_ID, is_list=False, leaving_id=here.id)
    await refuse_unfit(db, there, names, enterprise_id=caller.enterprise_id or 0, now=now)

    # Both sessions, in id order, before anything in them.
    for key in sorted((here.id, there.id)):
        await lock_session(db, key)
    locked = select(Booking).where(col(Booking.id) == booking_id).with_for_update(key_share=True)
    booking = (await db.exec(locked.execution_options(populate_existing=True))).one()
    is_as_seen = (booking.worker_id, booking.session_id) == (worker_id, here.id)
    refuse_for(why_not_movable(booking, here, is_as_seen=is_as_seen, now=now), *BOOKING_ID)
    most = int((await policy_of(db, here.bureau_id)).most_changes)
    refuse_for(why_not_changed(booking, most), *BOOKING_ID)

    hold = await hold_open(db, Choice(there.id, 1, path=SESSION_ID), caller=caller, now=now)
    await take_over(db, booking, hold, there, here)
    await pass_on(db, here, now=now)
    await note(db, "moved", "booking", booking.id, from_session=here.id, to_session=there.id)
    return booking


def why_not_another(here: Session, there: Session) -> Refusal | None:
    """One moves to another session of the same exam."""
    if here.id == there.id:
        return Refusal(Code.BAD_INPUT, "The place is in this session already: choose another one.")
    if here.exam_id != there.exam_id:
        return Refusal(Code.BAD_INPUT, "That session examines something else: book it, and cancel this place.")
    return None


def why_not_movable(booking: Booking, here: Session, *, is_as_seen: bool, now: datetime) -> Refusal | None:
    """The place still stands, with the person who was looked at, and its roster is open."""
    if not is_as_seen:
        return CHANGED_MEANWHILE
    return why_not_standing(booking) or why_not_session(here, now=now)


async def take_over(db: AsyncSession, booking: Booking, hold: Hold, there: Session, here: Session) -> None:
    """Put a booking into a place just held; it counts against the firm's share again, whoever moved it before."""
    await db.exec(update(Hold).where(col(Hold.id) == hold.id).values(named=hold.people, state=HoldState.USED))
    await db.refresh(there)
    there.held, there.taken = there.held - hold.people, there.taken + hold.people
    booking.changes, booking.is_relocated = booking.changes + 1, False
    await reseat(db, booking, here, there, grant_id=await draw_over(db, hold.id))
