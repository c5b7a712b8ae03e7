"""Ranked windows: a bureau has a session's open places applied for until a date, and what becomes of a window."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sessions import Session
from models.vocabulary import ApplicationState, Role, WindowState
from models.windows import Application, RankedWindow
from scheduler.booking_rules import full, in_words, refuse_for, why_not_session
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.queues import pass_on
from scheduler.ranking import commitment
from scheduler.refusals import Code, Refusal, not_found
from scheduler.visibility import visible

SESSION_ID, APPLY_UNTIL = ("input", "sessionId"), ("input", "applyUntil")
SEED_BYTES = 32


async def open_window(
    db: AsyncSession, session_id: int, apply_until: datetime, *, caller: Caller, now: datetime
) -> RankedWindow:
    """
    Have a published session's open places applied for until a date; whoever waits for some has its turn before.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE, ROSTER_FROZEN, FULL; OUT_OF_RANGE for the date.
    """
    require(caller, Role.BUREAU)
    seen = visible(Session, caller).where(col(Session.id) == session_id, col(Session.bureau_id) == caller.tenant)
    if (await db.exec(seen)).one_or_none() is None:
        raise not_found("Session", *SESSION_ID)
    session = await lock_session(db, session_id)
    refuse_for(why_not_session(session, now=now) or why_not_windowless(session), *SESSION_ID)
    refuse_for(why_not_until(session, apply_until, now=now), *APPLY_UNTIL)
    await release_lapsed(db, session, now=now)
    await pass_on(db, session, now=now)
    refuse_for(why_not_unshared(session), *SESSION_ID)
    if session.held + session.taken >= session.places:
        refuse_for(full(0, 1), *SESSION_ID)
    return await start(db, session, apply_until, now=now)


def why_not_windowless(session: Session) -> Refusal | None:
    """A session has one window at a time."""
    if session.ranked_until is None:
        return None
    until = in_words(session.ranked_until)
    return Refusal(Code.WRONG_STATE, f"A ranked window of this session is open already, until {until}: look at it.")


def why_not_unshared(session: Session) -> Refusal | None:
    """A place is a tier's to book, or everybody's to apply for."""
    if not session.shared:
        return None
    message = f"{session.shared} places are shared over the tiers: rank the rest once they are used or returned."
    return Refusal(Code.WRONG_STATE, message)


def why_not_until(session: Session, apply_until: datetime, *, now: datetime) -> Refusal | None:
    """Applications end after now, and before it is decided whether enough people come for the session to be held."""
    if now < apply_until < session.confirm_due_at:
        return None
    until = in_words(session.confirm_due_at)
    message = f"Let applications end after now, and before it is decided whether the session is held, {until}."
    return Refusal(Code.OUT_OF_RANGE, message)


async def start(db: AsyncSession, session: Session, apply_until: datetime, *, now: datetime) -> RankedWindow:
    """
    Open a window on a locked session.

    Its seed is drawn before anybody can have applied, and the trail keeps its hash: nobody chooses it afterwards.
    """
    seed = secrets.token_hex(SEED_BYTES)
    window = RankedWindow(
        session_id=session.id,
        state=WindowState.OPEN,
        opened_at=now,
        apply_until=apply_until,
        seed=seed,
        seed_hash=commitment(seed),
    )
    db.add(window)
    session.ranked_until = apply_until
    await db.flush()
    await note(db, "opened", "ranked_window", window.id, seed_hash=window.seed_hash)
    return window


async def lock_open_window(db: AsyncSession, session: Session) -> RankedWindow:
    """The window that stands on a locked session, locked too."""
    standing = select(RankedWindow).where(
        col(RankedWindow.session_id) == session.id, col(RankedWindow.state) == WindowState.OPEN
    )
    locked = standing.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await db.exec(locked)).one()


async def standing_applications(db: AsyncSession, window: RankedWindow) -> Sequence[Application]:
    """The applications of a locked window that were not withdrawn, locked in id order."""
    standing = select(Application).where(
        col(Application.window_id) == window.id, col(Application.state) == ApplicationState.APPLIED
    )
    locked = standing.order_by(col(Application.id)).with_for_update(key_share=True)
    return (await db.exec(locked.execution_options(populate_existing=True))).all()


async def void_window(db: AsyncSession, session: Session, *, why: str, now: datetime) -> None:
    """End a locked session's window, if one stands, without a result, and tell whoever applied."""
    if session.ranked_until is None:
        return
    window = await lock_open_window(db, session)
    for application in await standing_applications(db, window):
        application.state = ApplicationState.VOID
        body = (
            f"Your application for {application.people} places on {session.day} ({session.part.value}) has no result:"
            f" {why}. Choose another session."
        )
        recipient = f"enterprise:{application.enterprise_id}"
        send(db, recipient=recipient, subject="The ranked window is void (摇号排序取消)", body=body, now=now)
    window.state, session.ranked_until = WindowState.VOID, None
    await db.flush()
