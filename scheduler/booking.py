"""Booking by name: a firm names its people into the places promised to it, or takes open ones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Promise
from models.sessions import Session
from models.vocabulary import PromiseState, Role
from scheduler.booking_rules import (
    Names,
    full,
    refuse_for,
    refuse_unfit,
    refuse_wrong_number,
    why_not_promise,
    why_not_session,
)
from scheduler.callers import Caller, require
from scheduler.places_taken import Taking, lock_session, release_lapsed, settle, take_places
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


async def create_bookings(
    db: AsyncSession, session_id: int, worker_ids: Sequence[int], *, caller: Caller, now: datetime
) -> Sequence[Booking]:
    """
    Take open places of a published session for people by name: all of them, or nobody.

    Raises:
        Refused: FULL with the places left and the nearest alternatives; the session is not open for it; or every
            reason against everybody named.
    """
    require(caller, Role.ENTERPRISE)
    names = Names(tuple(worker_ids))
    refuse_wrong_number(names)
    session = (await db.exec(visible(Session, caller).where(col(Session.id) == session_id))).one_or_none()
    if session is None or session.bureau_id != caller.bureau_id:
        raise not_found("Session", "input", "sessionId")
    refuse_for(why_not_session(session, now=now), "input", "sessionId")
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)

    taking = Taking(session.id, caller.enterprise_id or 0, tuple(sorted(names.worker_ids)))
    return await bookings_of(db, await take_open(db, taking, caller=caller, now=now))


async def take_open(db: AsyncSession, taking: Taking, *, caller: Caller, now: datetime) -> list[int]:
    """
    Take open places; where they do not suffice, release what has lapsed and try once more.

    Raises:
        Refused: FULL, or what the session turned into meanwhile.
    """
    if taken := await take_places(db, taking, now=now):
        return taken
    session = await lock_session(db, taking.session_id)
    refuse_for(why_not_session(session, now=now), "input", "sessionId")
    if await release_lapsed(db, session, now=now) and (taken := await take_places(db, taking, now=now)):
        return taken
    raise await full(db, session, len(taking.worker_ids), caller=caller, now=now)


async def bookings_of(db: AsyncSession, booking_ids: Sequence[int]) -> Sequence[Booking]:
    """The bookings with these keys, in id order."""
    return (await db.exec(select(Booking).where(col(Booking.id).in_(booking_ids)).order_by(col(Booking.id)))).all()
