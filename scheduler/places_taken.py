"""
The places of a session: taken by one statement, given back, and released when their promise lapses.

Whoever changes them locks in this order: the workers, the session, its promises, their requests, the bookings. So the
session's row alone decides who was first, and no two of these writes wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.demand import Request
from models.sessions import Session
from models.vocabulary import PromiseState, RequestState
from scheduler.calendar import SHANGHAI

UNDER_WAY = (PromiseState.PLANNED, PromiseState.HELD)


@dataclass(frozen=True, slots=True)
class Taking:
    """Named people of one firm for places of a session: promised ones, or open ones where no promise is given."""

    session_id: int
    enterprise_id: int
    worker_ids: tuple[int, ...]
    promise_id: int | None = None


# The session's row is locked before the promise is looked at, and both are judged as they stand under that lock: a
# reader's snapshot may be older than a release that it waited for. Claims go in by worker, so that two firms' lists
# never wait for each other crosswise.
TAKE = """
WITH place AS (
    SELECT id FROM session
     WHERE id = :session_id AND state = 'PUBLISHED' AND roster_freezes_at > :now
       AND (CAST(:promise_id AS bigint) IS NOT NULL OR places - promised - taken >= :people)
       FOR NO KEY UPDATE
), kept AS (
    UPDATE promise
       SET named = named + :people, state = CASE WHEN named + :people = people THEN 'USED' ELSE promise.state END
      FROM place
     WHERE promise.id = CAST(:promise_id AS bigint) AND promise.session_id = place.id
       AND promise.state = 'HELD' AND held_until > :now AND people - named >= :people
 RETURNING promise.id
), changed AS (
    UPDATE session
       SET taken = taken + :people, promised = promised - CASE WHEN kept.id IS NULL THEN 0 ELSE :people END
      FROM place LEFT JOIN kept ON true
     WHERE session.id = place.id AND kept.id IS NOT DISTINCT FROM CAST(:promise_id AS bigint)
 RETURNING session.id, starts_at, ends_at
), booked AS (
    INSERT INTO booking (session_id, worker_id, enterprise_id, promise_id, state, attendance, booked_at, changes)
    SELECT changed.id, worker_id, :enterprise_id, CAST(:promise_id AS bigint), 'CONFIRMED', 'EXPECTED', :now, 0
      FROM changed, unnest(:worker_ids) AS worker_id
     ORDER BY worker_id
 RETURNING id, worker_id
), claimed AS (
    INSERT INTO claim (session_id, resource, resource_id, during)
    SELECT changed.id, 'WORKER', booked.worker_id, tstzrange(starts_at, ends_at)
      FROM changed, booked
     ORDER BY booked.worker_id
)
SELECT id FROM booked ORDER BY id
"""


async def take_places(db: AsyncSession, taking: Taking, *, now: datetime) -> list[int]:
    """
    Take places for all of these people and claim their time, in one statement; the bookings' keys, or none at all.

    None means that the session is not open for it at this moment or has too few places left: read on to say which.
    """
    statement = text(TAKE).bindparams(
        bindparam("worker_ids", list(taking.worker_ids), type_=ARRAY(BigInteger)),
        session_id=taking.session_id,
        enterprise_id=taking.enterprise_id,
        promise_id=taking.promise_id,
        people=len(taking.worker_ids),
        now=now,
    )
    connection = await db.connection()
    return list((await connection.execute(statement)).scalars())


def open_places(now: datetime) -> ColumnElement[int]:
    """How many places of a session are open, as a column: those of lapsed promises count although nobody swept yet."""
    lapsed = (
        select(func.coalesce(func.sum(col(Promise.people) - col(Promise.named)), 0))
        .where(
            col(Promise.session_id) == col(Session.id),
            col(Promise.state) == PromiseState.HELD,
            col(Promise.held_until) <= now,
        )
        .correlate(Session)
        .scalar_subquery()
    )
    return col(Session.places) - col(Session.promised) - col(Session.taken) + lapsed


async def lock_session(db: AsyncSession, session_id: int) -> Session:
    """The session as it stands under its lock."""
    locked = select(Session).where(col(Session.id) == session_id).with_for_update(key_share=True)
    return (await db.exec(locked.execution_options(populate_existing=True))).one()


async def held_promises(db: AsyncSession, session: Session) -> Sequence[Promise]:
    """The promises of a locked session that still hold places, locked too."""
    held = select(Promise).where(col(Promise.session_id) == session.id, col(Promise.state) == PromiseState.HELD)
    locked = held.order_by(col(Promise.id)).with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await db.exec(locked)).all()


async def release_lapsed(db: AsyncSession, session: Session, *, now: datetime) -> int:
    """Release the promises of a locked session whose time is over, and say how many."""
    lapsed = [promise for promise in await held_promises(db, session) if promise.held_until <= now]
    await release(db, session, lapsed, now=now)
    return len(lapsed)


async def release(db: AsyncSession, session: Session, promises: Sequence[Promise], *, now: datetime) -> None:
    """Open the nameless places of locked promises to everyone; what is named stays booked."""
    for promise in promises:
        session.promised -= promise.people - promise.named
        promise.state = PromiseState.RELEASED
    await db.flush()
    for request_id in sorted({promise.request_id for promise in promises}):
        await settle(db, request_id, now=now)


async def settle(db: AsyncSession, request_id: int, *, now: datetime) -> None:
    """
    Close a promised request once none of its promises is under way any more.

    Somebody named: it is settled. Nobody: it is open again for the next round, or lapses where its window is over.
    """
    locked = select(Request).where(col(Request.id) == request_id).with_for_update(key_share=True)
    request = (await db.exec(locked.execution_options(populate_existing=True))).one()
    made = (await db.exec(select(Promise).where(col(Promise.request_id) == request_id))).all()
    if request.state is not RequestState.PROMISED or any(promise.state in UNDER_WAY for promise in made):
        return
    if any(promise.named for promise in made):
        request.state = RequestState.SETTLED
    elif request.latest_day > now.astimezone(SHANGHAI).date():
        request.state, request.round_id = RequestState.OPEN, None
    else:
        request.state = RequestState.LAPSED
    await db.flush()


async def give_back(db: AsyncSession, session: Session, promise_id: int | None) -> None:
    """
    Open one taken place of a locked session to everyone; its promise, if any, is smaller by it.

    The last place to leave a promise releases it. The request stays as it is: the firm gave the place up itself.
    """
    session.taken -= 1
    if promise_id is not None:
        locked = select(Promise).where(col(Promise.id) == promise_id).with_for_update(key_share=True)
        promise = (await db.exec(locked.execution_options(populate_existing=True))).one()
        promise.named -= 1
        if promise.state is PromiseState.USED and promise.named == 0:
            promise.state = PromiseState.RELEASED
        elif promise.state is not PromiseState.RELEASED:
            promise.people -= 1
    await db.flush()
