"""Rosters: places nobody was named for are released at their date, and at the freeze the names, if any, are final."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, union_all
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Hold, Promise
from models.grants import PlaceGrant
from models.sessions import Session
from models.vocabulary import GrantState, HoldState, PromiseState, SessionState
from scheduler.cancellation import cancel_sessions
from scheduler.final_rosters import tell_final
from scheduler.granted_places import return_expired
from scheduler.hold_ends import STANDING, end_holds, standing_holds
from scheduler.jobs import Job
from scheduler.places_taken import held_promises, release, release_lapsed
from scheduler.queues import end_waits, pass_on
from scheduler.windows import void_window

# One session a transaction: its requests are locked in id order, and two nodes never wait for each other's.
BATCH = 1
FROZEN = "its roster is frozen (名单已冻结)"
NOT_NAMED = "were not named before the roster was final (名单冻结)"
NOBODY_COMES = "nobody is booked when its roster freezes (名单冻结时无人报名)"


async def freeze_roster(db: AsyncSession, session: Session, *, now: datetime) -> None:
    """
    Make the names of a locked, published session final; places set aside and still nameless are released first.

    Without a single name the session is called off: its room and its examiners are free for others.
    """
    await end_holds(db, session, await standing_holds(db, session), HoldState.LAPSED)
    await return_expired(db, session, now=now)
    await end_waits(db, session, why=FROZEN, now=now)
    await void_window(db, session, why=FROZEN, now=now)
    await release(db, session, await held_promises(db, session), why=NOT_NAMED, now=now)
    if session.taken:
        # Whoever stands on a final roster was told to come, also where nobody decided in time.
        session.confirmed_at = session.confirmed_at or now
        session.state = SessionState.FROZEN
        await db.flush()
        await tell_final(db, session, now=now)
    else:
        await cancel_sessions(db, [session], reason=NOBODY_COMES, now=now)


async def freeze_if_due(db: AsyncSession, session: Session, *, now: datetime) -> None:
    """Freeze a locked session whose moment has come although no job met it yet."""
    if session.state is SessionState.PUBLISHED and session.roster_freezes_at <= now:
        await freeze_roster(db, session, now=now)


async def freeze_due(db: AsyncSession, now: datetime) -> int:
    """Freeze a roster whose moment has come; says how many."""
    due = select(Session).where(col(Session.state) == SessionState.PUBLISHED, col(Session.roster_freezes_at) <= now)
    locked = due.order_by(col(Session.id)).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    sessions = (await db.exec(locked)).all()
    for session in sessions:
        await freeze_roster(db, session, now=now)
    return len(sessions)


def next_freeze() -> SelectOfScalar[Any]:
    """When the next roster freezes."""
    return select(func.min(col(Session.roster_freezes_at))).where(col(Session.state) == SessionState.PUBLISHED)


async def release_due(db: AsyncSession, now: datetime) -> int:
    """Release the promises and holds, and return the shares, whose time is over in a session; says of how many."""
    lapsed = union_all(
        select(col(Promise.session_id)).where(col(Promise.state) == PromiseState.HELD, col(Promise.held_until) <= now),
        select(col(Hold.session_id)).where(col(Hold.state).in_(STANDING), col(Hold.held_until) <= now),
        select(col(PlaceGrant.session_id)).where(
            col(PlaceGrant.state) == GrantState.STANDING, col(PlaceGrant.until) <= now
        ),
    )
    locked = (
        select(Session)
        .where(col(Session.id).in_(lapsed))
        .order_by(col(Session.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True, key_share=True)
    )
    sessions = (await db.exec(locked)).all()
    for session in sessions:
        await release_lapsed(db, session, now=now)
        await pass_on(db, session, now=now)
    return len(sessions)


def next_release() -> SelectOfScalar[Any]:
    """When the next promise or hold lapses, or a share returns."""
    promise = select(func.min(col(Promise.held_until))).where(col(Promise.state) == PromiseState.HELD)
    hold = select(func.min(col(Hold.held_until))).where(col(Hold.state).in_(STANDING))
    share = select(func.min(col(PlaceGrant.until))).where(col(PlaceGrant.state) == GrantState.STANDING)
    return select(func.least(promise.scalar_subquery(), hold.scalar_subquery(), share.scalar_subquery()))


RELEASES = Job("places lapse", release_due, next_release)
FREEZES = Job("rosters freeze", freeze_due, next_freeze)
