"""What a firm may change until the roster freezes: give a place up, or send somebody else."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.sessions import Claim, Session
from models.vocabulary import BookingState, ResourceKind, Role
from scheduler.booking_rules import Names, refuse_for, refuse_unfit, why_not_session
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.places_taken import give_back, lock_session
from scheduler.policy import policy_of
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found
from scheduler.visibility import visible

BOOKING_ID = ("input", "bookingId")
CHANGED_MEANWHILE = Refusal(Code.WRONG_STATE, "The booking was changed at this moment: look at it again.")


async def cancel_booking(db: AsyncSession, booking_id: int, *, caller: Caller, now: datetime) -> Booking:
    """
    Give a place up before the roster freezes; it is open to everyone at once, and the person's time is free.

    The request it came from stays as it is: the firm asks anew if it needs another day.

    Raises:
        Refused: NOT_FOUND, WRONG_STATE for a place given up already, ROSTER_FROZEN.
    """
    require(caller, Role.ENTERPRISE)
    session, booking = await lock_booking(db, booking_id, caller=caller)
    refuse_for(why_not_standing(booking) or why_not_session(session, now=now), *BOOKING_ID)

    booking.state = BookingState.CANCELLED
    await db.flush()
    await give_back(db, session, booking.promise_id, booking.grant_id)
    await db.exec(delete(Claim).where(*claim_on(session, booking.worker_id)))
    await pass_on(db, session, now=now)
    return booking


async def substitute_booking(
    db: AsyncSession, booking_id: int, worker_id: int, *, caller: Caller, now: datetime
) -> Booking:
    """
    Send somebody else in one step: the place is kept, whoever else waits for one.

    Raises:
        Refused: NOT_FOUND, WRONG_STATE, ROSTER_FROZEN, TOO_MANY_CHANGES, or every reason against the newcomer.
    """
    require(caller, Role.ENTERPRISE)
    session = await session_of(db, booking_id, caller=caller)
    names = Names((worker_id,), ("input", "workerId"), is_list=False)
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)

    session, booking = await lock_booking(db, booking_id, caller=caller)
    refuse_for(why_not_standing(booking) or why_not_session(session, now=now), *BOOKING_ID)
    most = int((await policy_of(db, session.bureau_id)).most_changes)
    refuse_for(why_not_changed(booking, most), *BOOKING_ID)

    before = booking.worker_id
    # The moment of booking is the newcomer's own: age counts on application.
    booking.worker_id, booking.booked_at, booking.changes = worker_id, now, booking.changes + 1
    await db.flush()
    await db.exec(update(Claim).where(*claim_on(session, before)).values(resource_id=worker_id))
    await note(db, "substituted", "booking", booking.id, from_worker=before, to_worker=worker_id)
    return booking


async def session_of(db: AsyncSession, booking_id: int, *, caller: Caller) -> Session:
    """
    The session of a booking that the caller sees.

    Raises:
        Refused: NOT_FOUND.
    """
    seen = visible(Booking, caller).where(col(Booking.id) == booking_id)
    booking = (await db.exec(seen)).one_or_none()
    if booking is None:
        raise not_found("Booking", *BOOKING_ID)
    return (await db.exec(select(Session).where(col(Session.id) == booking.session_id))).one()


async def lock_booking(db: AsyncSession, booking_id: int, *, caller: Caller) -> tuple[Session, Booking]:
    """
    A booking that the caller sees and its session, both locked, the session first.

    Raises:
        Refused: NOT_FOUND; WRONG_STATE where it was moved to another session before the lock was had.
    """
    session = await lock_session(db, (await session_of(db, booking_id, caller=caller)).id)
    locked = select(Booking).where(col(Booking.id) == booking_id).with_for_update(key_share=True)
    booking = (await db.exec(locked.execution_options(populate_existing=True))).one()
    refuse_for(None if booking.session_id == session.id else CHANGED_MEANWHILE, *BOOKING_ID)
    return session, booking


async def reseat(
    db: AsyncSession, booking: Booking, here: Session, there: Session, *, grant_id: int | None = None
) -> None:
    """
    Put a booking into another session, whose place is counted already, and give its place in this one back.

    The person's time is claimed there instead. A place that was promised is not promised any more; one that came from a
    tier's share goes back to it, and the new one may come from another.
    """
    promise_id, from_grant = booking.promise_id, booking.grant_id
    booking.session_id, booking.promise_id, booking.grant_id = there.id, None, grant_id
    await db.flush()
    await db.exec(
        update(Claim)
        .where(*claim_on(here, booking.worker_id))
        .values(session_id=there.id, during=Range(there.starts_at, there.ends_at))
    )
    await give_back(db, here, promise_id, from_grant)


def claim_on(session: Session, worker_id: int) -> tuple[ColumnElement[bool], ...]:
    """What finds the session's claim on a worker's time."""
    return (
        col(Claim.session_id) == session.id,
        col(Claim.resource) == ResourceKind.WORKER,
        col(Claim.resource_id) == worker_id,
    )


def why_not_standing(booking: Booking) -> Refusal | None:
    """Only a place that stands is given up or passed on."""
    if booking.state is BookingState.CONFIRMED:
        return None
    return Refusal(Code.WRONG_STATE, "This place was given up already: book anew.")


def why_not_changed(booking: Booking, most: int) -> Refusal | None:
    """A place changes hands a few times only: names that keep changing are no names."""
    if booking.changes < most:
        return None
    return Refusal(Code.TOO_MANY_CHANGES, f"This place changed hands {most} times, the most there is: cancel it.")
