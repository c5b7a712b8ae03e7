"""Applying in a ranked window: a firm names its people, as a group or one by one, and may withdraw until the date."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sessions import Session
from models.vocabulary import ApplicationState, Role, WindowState
from models.windows import Applicant, Application, RankedWindow
from scheduler.alternatives import Sought, nearest
from scheduler.booking_rules import (
    Names,
    in_words,
    refuse_for,
    refuse_unfit,
    refuse_wrong_number,
    why_not_session,
    why_not_size,
)
from scheduler.callers import Caller, require
from scheduler.refusals import Alternative, Code, Refusal, Refused, not_found
from scheduler.shares import Share, share_of
from scheduler.visibility import visible

WINDOW_ID, WORKER_IDS, APPLICATION_ID = ("input", "windowId"), ("input", "workerIds"), ("input", "applicationId")
KEY_BYTES = 16
WITHOUT_PLACE = (ApplicationState.QUEUED, ApplicationState.UNFIT, ApplicationState.VOID)


@dataclass(frozen=True, slots=True)
class Bid:
    """People for places in a window: together or not at all, or each alone, as many as there are places for."""

    window_id: int
    worker_ids: tuple[int, ...]
    together: bool


async def apply(db: AsyncSession, bid: Bid, *, caller: Caller, now: datetime) -> Sequence[Application]:
    """
    Apply for places: one application for a group, one for each person otherwise.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE, NOT_FOUND; TOO_LATE or WRONG_STATE for a window that is over; OVER_SHARE; or
            every reason against everybody named, ALREADY_APPLIED among them.
    """
    require(caller, Role.ENTERPRISE)
    names = Names(bid.worker_ids)
    refuse_wrong_number(names)
    window, session = await seen_window(db, bid.window_id, caller=caller)
    refuse_for(why_not_session(session, now=now) or why_not_open(window, now=now), *WINDOW_ID)
    await refuse_unfit(db, session, names, enterprise_id=caller.enterprise_id or 0, now=now)

    # Whoever ranks or ends the window has this lock, and so has whoever else applies for the firm.
    window = await lock_window(db, window.id)
    refuse_for(why_not_open(window, now=now), *WINDOW_ID)
    await refuse_applied(db, session, names)
    await refuse_too_many(db, window, session, len(names.worker_ids), caller=caller, now=now)
    groups = [bid.worker_ids] if bid.together else [(worker_id,) for worker_id in bid.worker_ids]
    return [await write(db, window, group, caller=caller, now=now) for group in groups]


async def seen_window(db: AsyncSession, window_id: int, *, caller: Caller) -> tuple[RankedWindow, Session]:
    """
    A window of the caller's bureau, and its session.

    Raises:
        Refused: NOT_FOUND.
    """
    seen = visible(RankedWindow, caller).where(col(RankedWindow.id) == window_id)
    window = (await db.exec(seen)).one_or_none()
    found = select(Session).where(
        col(Session.id) == (window.session_id if window else None), col(Session.bureau_id) == caller.bureau_id
    )
    session = (await db.exec(found)).one_or_none()
    if window is None or session is None:
        raise not_found("RankedWindow", *WINDOW_ID)
    return window, session


async def lock_window(db: AsyncSession, window_id: int) -> RankedWindow:
    """The window as it stands under its lock."""
    locked = select(RankedWindow).where(col(RankedWindow.id) == window_id).with_for_update(key_share=True)
    return (await db.exec(locked.execution_options(populate_existing=True))).one()


def why_not_open(window: RankedWindow, *, now: datetime) -> Refusal | None:
    """Applications are taken, and taken back, until the date, whether or not anybody has ranked them yet."""
    if window.state is WindowState.VOID:
        return Refusal(Code.WRONG_STATE, "The window ended without a result: choose another session.")
    if window.state is WindowState.RANKED or window.apply_until <= now:
        message = f"Applications ended at {in_words(window.apply_until)}: see the result, and what is open after it."
        return Refusal(Code.TOO_LATE, message)
    return None


async def refuse_applied(db: AsyncSession, session: Session, names: Names) -> None:
    """
    Make sure that nobody stands in two applications for the exam; the workers are locked.

    Raises:
        Refused: ALREADY_APPLIED, for each who does.
    """
    applied = (
        select(col(Applicant.worker_id))
        .join(Application, col(Application.id) == col(Applicant.application_id))
        .join(RankedWindow, col(RankedWindow.id) == col(Application.window_id))
        .join(Session, col(Session.id) == col(RankedWindow.session_id))
        .where(
            col(Applicant.worker_id).in_(names.worker_ids),
            col(Application.state) == ApplicationState.APPLIED,
            col(Session.exam_id) == session.exam_id,
        )
    )
    standing = set((await db.exec(applied)).all())
    twice = [
        Refusal(
            Code.ALREADY_APPLIED,
            "This person stands in an application for this exam already: withdraw that one, or wait for its result.",
            names.path_of(at),
            worker_id,
        )
        for at, worker_id in enumerate(names.worker_ids)
        if worker_id in standing
    ]
    if twice:
        raise Refused(*twice)


async def refuse_too_many(
    db: AsyncSession, window: RankedWindow, session: Session, people: int, *, caller: Caller, now: datetime
) -> None:
    """
    Make sure that the firm could have all that it applies for: the ranking itself knows no firms.

    Raises:
        Refused: OUT_OF_RANGE, OVER_SHARE.
    """
    own = select(func.coalesce(func.sum(col(Application.people)), 0)).where(
        col(Application.window_id) == window.id,
        col(Application.enterprise_id) == caller.enterprise_id,
        col(Application.state) == ApplicationState.APPLIED,
    )
    applied: int = (await db.exec(own)).one()
    share = await share_of(db, session, caller.enterprise_id or 0, now=now)
    refuse_for(why_not_size(session, people) or why_not_within(share, applied, people), *WORKER_IDS)


def why_not_within(share: Share, applied: int, people: int) -> Refusal | None:
    """A firm's applications, all of them granted, stay within its share of the session."""
    if applied + people <= share.left:
        return None
    message = (
        f"A firm takes {share.most} places ({share.percent:g} %) of this session at most; you have {share.has} and"
        f" applied for {applied}: name fewer people, or apply for another session."
    )
    return Refusal(Code.OVER_SHARE, message)


async def write(
    db: AsyncSession, window: RankedWindow, worker_ids: Sequence[int], *, caller: Caller, now: datetime
) -> Application:
    """Write one application, under a key that says nothing about whose it is."""
    row = Application(
        window_id=window.id,
        enterprise_id=caller.enterprise_id or 0,
        key=secrets.token_hex(KEY_BYTES),
        people=len(worker_ids),
        state=ApplicationState.APPLIED,
        applied_at=now,
    )
    db.add(row)
    await db.flush()
    db.add_all(Applicant(application_id=row.id, worker_id=worker_id) for worker_id in worker_ids)
    await db.flush()
    return row


async def withdraw(db: AsyncSession, application_id: int, *, caller: Caller, now: datetime) -> Application:
    """
    Take an application back before the date.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE for one that is over, TOO_LATE after the date.
    """
    require(caller, Role.ENTERPRISE)
    seen = (await db.exec(visible(Application, caller).where(col(Application.id) == application_id))).one_or_none()
    if seen is None:
        raise not_found("Application", *APPLICATION_ID)
    window = await lock_window(db, seen.window_id)
    again = select(Application).where(col(Application.id) == application_id).with_for_update(key_share=True)
    row = (await db.exec(again.execution_options(populate_existing=True))).one()
    refuse_for(why_not_applied(row) or why_not_open(window, now=now), *APPLICATION_ID)
    row.state = ApplicationState.WITHDRAWN
    await db.flush()
    return row


async def alternatives_to(
    db: AsyncSession, application_id: int, *, caller: Caller, now: datetime
) -> tuple[Alternative, ...]:
    """Where else there are places for people of the caller's firm who applied and got none."""
    seen = visible(Application, caller).where(col(Application.id) == application_id)
    row = (await db.exec(seen)).one_or_none()
    if caller.role is not Role.ENTERPRISE or row is None or row.state not in WITHOUT_PLACE:
        return ()
    held = select(Session).join(RankedWindow, col(RankedWindow.session_id) == col(Session.id))
    session = (await db.exec(held.where(col(RankedWindow.id) == row.window_id))).one()
    return await nearest(db, session, Sought(row.people, (), caller), now=now)


def why_not_applied(row: Application) -> Refusal | None:
    """Only what was not ranked yet is withdrawn."""
    if row.state is ApplicationState.APPLIED:
        return None
    if row.state is ApplicationState.PLACED:
        return Refusal(Code.WRONG_STATE, "Your people have places: cancel their bookings instead.")
    if row.state is ApplicationState.QUEUED:
        return Refusal(Code.WRONG_STATE, "The window was ranked and you wait in the queue: leave that instead.")
    return Refusal(Code.WRONG_STATE, "This application is over: nothing is left to withdraw.")
