"""
The places of a session: named by one statement, given back, and released when what set them aside lapses.

Whoever changes them locks in this order: workers, session, its promises and holds, requests, bookings. So the
session's row alone decides who was first, and no two of these writes wait for each other in a circle.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, func, text
from sqlalchemy import select as sa_select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Promise
from models.demand import Request
from models.sessions import Session
from models.vocabulary import HoldState, PromiseState, RequestState, SessionState
from scheduler.calendar import SHANGHAI
from scheduler.granted_places import bring_back_one, return_expired, shared_places
from scheduler.hold_ends import STANDING, end_holds, standing_holds
from scheduler.outbox import send

UNDER_WAY = (PromiseState.PLANNED, PromiseState.HELD)
RELEASED = "Promised places released (预留考位已释放)"
NOT_NAMED_IN_TIME = "were not named in time and are open to everyone now: book them while there are any"


@dataclass(frozen=True, slots=True)
class Taking:
    """Named people of one firm for places set aside for it: promised by a round, or held while it chose names."""

    session_id: int
    enterprise_id: int
    worker_ids: tuple[int, ...]
    promise_id: int | None = None
    hold_id: int | None = None


# The session's row is locked before what is set aside is looked at, and both are judged as they stand under that lock:
# a reader's snapshot may be older than a release that it waited for. Claims go in by worker, so that two firms' lists
# never wait for each other crosswise.
TAKE = """
WITH place AS (
    SELECT id FROM session
     WHERE id = :session_id AND state = 'PUBLISHED' AND roster_freezes_at > :now
       FOR NO KEY UPDATE
), kept AS (
    UPDATE promise
       SET named = named + :people, state = CASE WHEN named + :people = people THEN 'USED' ELSE promise.state END
      FROM place
     WHERE promise.id = CAST(:promise_id AS bigint) AND promise.session_id = place.id
       AND promise.state = 'HELD' AND held_until > :now AND people - named >= :people
 RETURNING promise.id
), held AS (
    UPDATE hold
       SET named = named + :people, state = CASE WHEN named + :people = people THEN 'USED' ELSE hold.state END
      FROM place
     WHERE hold.id = CAST(:hold_id AS bigint) AND hold.session_id = place.id
       AND hold.state = 'HELD' AND held_until > :now AND people - named >= :people
 RETURNING hold.id
), changed AS (
    UPDATE session
       SET taken = taken + :people,
           promised = promised - CASE WHEN kept.id IS NULL THEN 0 ELSE :people END,
           held = session.held - CASE WHEN held.id IS NULL THEN 0 ELSE :people END
      FROM place LEFT JOIN kept ON true LEFT JOIN held ON true
     WHERE session.id = place.id AND (kept.id IS NULL) <> (held.id IS NULL)
 RETURNING session.id, starts_at, ends_at
), booked AS (
    INSERT INTO booking (session_id, worker_id, enterprise_id, promise_id, state, attendance, booked_at, changes,
                         is_relocated)
    SELECT changed.id, worker_id, :enterprise_id, CAST(:promise_id AS bigint), 'CONFIRMED', 'EXPECTED', :now, 0, false
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
    Name all of these people into places set aside and claim their time, in one statement; the bookings' keys, or none.

    None means that the session, the promise or the hold does not take them at this moment: read on to say why.
    """
    statement = text(TAKE).bindparams(
        bindparam("worker_ids", list(taking.worker_ids), type_=ARRAY(BigInteger)),
        session_id=taking.session_id,
        enterprise_id=taking.enterprise_id,
        promise_id=taking.promise_id,
        hold_id=taking.hold_id,
        people=len(taking.worker_ids),
        now=now,
    )
    connection = await db.connection()
    return list((await connection.execute(statement)).scalars())


class PlacesNow(NamedTuple):
    """How a session's places that nobody is named into stand at a moment."""

    open: int
    promised: int
    held: int
    shared: int


def open_places(now: datetime) -> ColumnElement[int]:
    """How many places of a session are open to whoever comes first, as a column: what lapsed counts unswept."""
    return case((col(Session.ranked_until).is_(None), unclaimed_places(now)), else_=0)


def unclaimed_places(now: datetime) -> ColumnElement[int]:
    """How many places of a session are open or to be ranked, as a column."""
    return col(Session.places) - col(Session.taken) - promised_places(now) - held_places(now) - shared_places(now)


def bookable_places(now: datetime, enterprise_id: int | None) -> ColumnElement[int]:
    """How many places of a session a firm may book, as a column: open ones, and those of its tiers' shares."""
    if enterprise_id is None:
        return open_places(now)
    return open_places(now) + shared_places(now, enterprise_id=enterprise_id)


def is_bookable(now: datetime, enterprise_id: int | None = None) -> ColumnElement[bool]:
    """Whether a session takes anybody's names, or a firm's, at a moment: public, its roster open, and places left."""
    is_public = col(Session.state) == SessionState.PUBLISHED
    return and_(is_public, col(Session.roster_freezes_at) > now, bookable_places(now, enterprise_id) > 0)


def promised_places(now: datetime) -> ColumnElement[int]:
    """How many nameless places of a session are promised at a moment, as a column."""
    return col(Session.promised) - lapsed_of(Promise, (PromiseState.HELD,), now)


def held_places(now: datetime) -> ColumnElement[int]:
    """How many nameless places of a session are held at a moment, as a column."""
    return col(Session.held) - lapsed_of(Hold, STANDING, now)


async def places_at(db: AsyncSession, session_ids: Sequence[int], *, now: datetime) -> dict[int, PlacesNow]:
    """How the places of these sessions stand at a moment, in one statement."""
    columns = (open_places(now), promised_places(now), held_places(now), shared_places(now))
    counted = sa_select(col(Session.id), *columns).where(col(Session.id).in_(session_ids))
    rows = (await (await db.connection()).execute(counted)).all()
    return {session_id: PlacesNow(*places) for session_id, *places in rows}


def lapsed_of(table: type[Promise] | type[Hold], standing: Sequence[StrEnum], now: datetime) -> ColumnElement[int]:
    """The nameless places of a session that were set aside until a moment that is past, as a column."""
    return (
        select(func.coalesce(func.sum(col(table.people) - col(table.named)), 0))
        .where(col(table.session_id) == col(Session.id), col(table.state).in_(standing), col(table.held_until) <= now)
        .correlate(Session)
        .scalar_subquery()
    )


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
    """Release what was set aside in a locked session, or shared, until a moment that is past; says how many."""
    promises = [promise for promise in await held_promises(db, session) if promise.held_until <= now]
    holds = [hold for hold in await standing_holds(db, session) if hold.held_until <= now]
    await end_holds(db, session, holds, HoldState.LAPSED)
    await release(db, session, promises, why=NOT_NAMED_IN_TIME, now=now)
    return len(promises) + len(holds) + await return_expired(db, session, now=now)


async def release(db: AsyncSession, session: Session, promises: Sequence[Promise], *, why: str, now: datetime) -> None:
    """Give the nameless places of locked promises back and tell their firms why; what is named stays booked."""
    nameless: Counter[int] = Counter()
    for promise in promises:
        nameless[promise.request_id] += promise.people - promise.named
        session.promised -= promise.people - promise.named
        promise.state = PromiseState.RELEASED
    await db.flush()
    for request_id, people in sorted(nameless.items()):
        request = await settle(db, request_id, now=now)
        if people:
            tell_released(db, session, request, f"{people} {why}", now=now)


def tell_released(db: AsyncSession, session: Session, request: Request, what: str, *, now: datetime) -> None:
    """Say to a firm that places promised to it are not its own any more, and what it can do."""
    is_asked_again = request.state is RequestState.OPEN
    further = "The request waits for the next round." if is_asked_again else "Ask anew for whoever still needs a place."
    body = f"Of the places promised to you on {session.day} ({session.part.value}), {what}. {further}"
    recipient = f"enterprise:{request.enterprise_id}"
    send(db, recipient=recipient, subject=RELEASED, body=body, now=now)


async def settle(db: AsyncSession, request_id: int, *, now: datetime) -> Request:
    """
    Close a promised request once none of its promises is under way any more, and give it as it stands.

    Somebody named: it is settled. Nobody: it is open again for the next round, or lapses where its window is over.
    """
    locked = select(Request).where(col(Request.id) == request_id).with_for_update(key_share=True)
    request = (await db.exec(locked.execution_options(populate_existing=True))).one()
    made = (await db.exec(select(Promise).where(col(Promise.request_id) == request_id))).all()
    if request.state is not RequestState.PROMISED or any(promise.state in UNDER_WAY for promise in made):
        return request
    if any(promise.named for promise in made):
        request.state = RequestState.SETTLED
    elif request.latest_day > now.astimezone(SHANGHAI).date():
        request.state, request.round_id = RequestState.OPEN, None
    else:
        request.state = RequestState.LAPSED
    await db.flush()
    return request


async def give_back(db: AsyncSession, session: Session, promise_id: int | None, grant_id: int | None) -> None:
    """
    Open one taken place of a locked session to everyone, or to the tier whose share it came from.

    Its promise, if any, is smaller by it.
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
    await bring_back_one(db, session, grant_id)
