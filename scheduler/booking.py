"""Booking by name: a firm names its people into places promised to it, held for it, or open."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold, Promise
from models.sessions import Session
from models.vocabulary import PromiseState, Role
from scheduler.booking_rules import (
    Names,
    refuse_for,
    refuse_unfit,
    refuse_wrong_number,
    why_not_hold,
    why_not_promise,
    why_not_session,
)
from scheduler.callers import Caller, require
from scheduler.granted_places import name_drawn
from scheduler.hold_ends import serve_if_named
from scheduler.holding import HOLD_ID, SESSION_ID, Choice, hold_open, own_hold, seen_session
from scheduler.places_taken import Taking, lock_session, settle, take_places
from scheduler.refusals import Refused, not_found
from scheduler.visibility import visible


async def confirm_bookings(
    db: AsyncSession, promise_id: int, worker_ids: Sequence[int], *, caller: Caller, now: datetime
) -> Sequence[Booking]:
    """
    Name people into promised places: all of them, or nobody.

    Raises:
        Refused: The promise or the session is not open for it; or every reason against everybody named.
    """
    require(caller, Role.ENTERPRISE)
    names = Names(tuple(worker_ids))
    refuse_wrong_number(names)
    promise = await own_promise(db, promise_id, caller=caller)
    session = (await db.exec(select(Session).where(col(Session.id) == promise.session_id))).one()
    refuse_closed(session, promise, len(names.worker_ids), now=now)
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)

    taking = Taking(session.id, caller.enterprise_id or 0, tuple(sorted(names.worker_ids)), promise.id)
    taken = await take_places(db, taking, now=now)
    if not taken:
        raise await outrun(db, promise, len(names.worker_ids), now=now)

    promise = await reread(db, promise)
    if promise.state is PromiseState.USED:
        await settle(db, promise.request_id, now=now)
    return await bookings_of(db, taken)


async def own_promise(db: AsyncSession, promise_id: int, *, caller: Caller) -> Promise:
    """
    A promise made to the caller's firm.

    Raises:
        Refused: NOT_FOUND.
    """
    found = (await db.exec(visible(Promise, caller).where(col(Promise.id) == promise_id))).one_or_none()
    if found is None:
        raise not_found("Promise", "input", "promiseId")
    return found


def refuse_closed(session: Session, promise: Promise, people: int, *, now: datetime) -> None:
    """
    Make sure that the session and the promise take these names at this moment.

    Raises:
        Refused: What stands against it.
    """
    refuse_for(why_not_session(session, now=now), "input", "promiseId")
    refuse_for(why_not_promise(promise, people, now=now), "input", "promiseId")


async def outrun(db: AsyncSession, promise: Promise, people: int, *, now: datetime) -> Refused:
    """Why the places were gone at the moment of taking: somebody was faster, so read again under the lock."""
    session = await lock_session(db, promise.session_id)
    reason = why_not_session(session, now=now) or why_not_promise(await reread(db, promise), people, now=now)
    if reason is None:
        message = f"session {session.id} took nobody although nothing stands against it"
        raise RuntimeError(message)
    return Refused(replace(reason, path=("input", "promiseId")))


async def reread(db: AsyncSession, promise: Promise) -> Promise:
    """The promise as it stands now."""
    again = select(Promise).where(col(Promise.id) == promise.id).execution_options(populate_existing=True)
    return (await db.exec(again)).one()


async def confirm_hold(
    db: AsyncSession, hold_id: int, worker_ids: Sequence[int], *, caller: Caller, now: datetime
) -> Sequence[Booking]:
    """
    Name people into held places: all of them, or nobody; after a refusal the hold stands as it was.

    Raises:
        Refused: The hold or the session is not open for it; or every reason against everybody named.
    """
    hold, names = await own_hold(db, hold_id, caller=caller), Names(tuple(worker_ids))
    refuse_wrong_number(names)
    session = (await db.exec(select(Session).where(col(Session.id) == hold.session_id))).one()
    refuse_for(why_not_session(session, now=now) or why_not_hold(hold, len(names.worker_ids), now=now), *HOLD_ID)
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)
    return await name_into(db, hold, names, now=now)


async def name_into(db: AsyncSession, hold: Hold, names: Names, *, now: datetime) -> Sequence[Booking]:
    """
    Take held places for people against whom nothing stands.

    Raises:
        Refused: The session froze, or the hold ended, meanwhile.
    """
    taking = Taking(hold.session_id, hold.enterprise_id, tuple(sorted(names.worker_ids)), hold_id=hold.id)
    if taken := await take_places(db, taking, now=now):
        await name_drawn(db, hold.id, taken)
        if hold.waiting_id is not None:
            await serve_if_named(db, hold)
        return await bookings_of(db, taken)
    session = await lock_session(db, hold.session_id)
    again = select(Hold).where(col(Hold.id) == hold.id).execution_options(populate_existing=True)
    ended = (await db.exec(again)).one()
    refuse_for(why_not_session(session, now=now) or why_not_hold(ended, len(names.worker_ids), now=now), *HOLD_ID)
    message = f"session {session.id} took nobody although nothing stands against it"
    raise RuntimeError(message)


async def create_bookings(
    db: AsyncSession, session_id: int, worker_ids: Sequence[int], *, caller: Caller, now: datetime
) -> Sequence[Booking]:
    """
    Hold open places of a published session and name people into them in one step: all of them, or nobody.

    Raises:
        Refused: FULL with the nearest alternatives, OVER_SHARE; the session is not open for it; or every reason against
            everybody named.
    """
    require(caller, Role.ENTERPRISE)
    names = Names(tuple(worker_ids))
    refuse_wrong_number(names)
    session = await seen_session(db, session_id, caller=caller)
    refuse_for(why_not_session(session, now=now), *SESSION_ID)
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)

    choice = Choice(session.id, len(names.worker_ids), path=names.path)
    hold = await hold_open(db, choice, caller=caller, now=now)
    return await name_into(db, hold, names, now=now)


async def bookings_of(db: AsyncSession, booking_ids: Sequence[int]) -> Sequence[Booking]:
    """The bookings with these keys, in id order."""
    return (await db.exec(select(Booking).where(col(Booking.id).in_(booking_ids)).order_by(col(Booking.id)))).all()
