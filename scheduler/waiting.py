"""Waiting for places (候补): a firm joins a queue, changes what it waits for without losing its turn, or leaves."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Interval, cast, func, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Hold, Waiting
from models.catalogue import Exam
from models.parties import Enterprise
from models.sessions import Session
from models.vocabulary import HoldState, Role, SessionState, WaitingState
from scheduler.awarding import rank_if_due
from scheduler.booking_rules import (
    STAFF_RECUSED,
    recused_from,
    refuse_for,
    refuse_wrong_people,
    why_not_first_come,
    why_not_session,
    why_not_share,
    why_not_size,
)
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.hold_ends import STANDING, end_holds
from scheduler.holding import PEOPLE, SESSION_ID, seen_session
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.places_taken import bookable_places, lock_session, release_lapsed
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.shares import Share, share_of
from scheduler.typed import refuse_any, why_not_between
from scheduler.visibility import visible

WAITING_ID = ("input", "waitingId")
FARTHEST_KM, FURTHEST = 500, timedelta(days=366)
SESSIONS_LOOKED_AT = 10
BATCH = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """So many places together: of a session, or of any session of an exam at most so far away and until a day."""

    people: int
    session_id: int | None = None
    exam_id: int | None = None
    most_km: float | None = None
    until_day: date | None = None


async def join(db: AsyncSession, wish: Wish, *, caller: Caller, now: datetime) -> Waiting:
    """
    Join the queue; where places are open that nobody before it can use, they are offered at once.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE, NOT_FOUND, OVER_SHARE; ALREADY_WAITING for the same session or exam.
    """
    require(caller, Role.ENTERPRISE)
    refuse_wrong_people(wish.people, *PEOPLE)
    row = await row_of(db, wish, caller=caller, now=now)
    await refuse_waiting(db, row)
    db.add(row)
    await db.flush()
    await serve(db, row, now=now)
    return row


async def row_of(db: AsyncSession, wish: Wish, *, caller: Caller, now: datetime) -> Waiting:
    """
    What a wish comes to, if it can be waited for.

    Raises:
        Refused: What stands against it.
    """
    if (wish.session_id is None) == (wish.exam_id is None):
        raise refuse(Code.BAD_INPUT, "Wait for a session, or for any session of an exam.", *SESSION_ID)
    if wish.session_id is None:
        exam = (await db.exec(visible(Exam, caller).where(col(Exam.id) == wish.exam_id))).one_or_none()
        if exam is None:
            raise not_found("Exam", "input", "examId")
        refuse_any(why_not_far(wish.most_km), why_not_until(wish.until_day, now=now))
        exam_id, until_day = exam.id, wish.until_day
    else:
        session = await lock_session(db, (await seen_session(db, wish.session_id, caller=caller)).id)
        await rank_if_due(db, session, now=now)
        refuse_for(why_not_session(session, now=now) or why_not_first_come(session, now=now), *SESSION_ID)
        await refuse_hopeless(db, session, wish.people, caller=caller, now=now)
        exam_id, until_day = session.exam_id, session.day
    firm = (await db.exec(select(Enterprise).where(col(Enterprise.id) == caller.enterprise_id))).one()
    return Waiting(
        bureau_id=caller.tenant,
        enterprise_id=firm.id,
        exam_id=exam_id,
        session_id=wish.session_id,
        people=wish.people,
        latitude=firm.latitude,
        longitude=firm.longitude,
        most_km=wish.most_km if wish.session_id is None else None,
        until_day=until_day or now.astimezone(SHANGHAI).date(),
        state=WaitingState.WAITING,
        asked_at=now,
    )


async def refuse_hopeless(db: AsyncSession, session: Session, people: int, *, caller: Caller, now: datetime) -> None:
    """
    Make sure that a group can be served at all, once places are freed.

    Raises:
        Refused: OUT_OF_RANGE, OVER_SHARE, STAFF_RECUSED.
    """
    if caller.enterprise_id in await recused_from(db, session):
        raise refuse(Code.STAFF_RECUSED, STAFF_RECUSED, *SESSION_ID)
    share = await share_of(db, session, caller.enterprise_id or 0, now=now)
    whole = Share(0, share.most, share.percent)
    refuse_for(why_not_size(session, people) or why_not_share(whole, people), *PEOPLE)


def why_not_far(most_km: float | None) -> Refusal | None:
    """A distance is given, and a sensible one."""
    if most_km is None:
        return Refusal(Code.BAD_INPUT, "Say how far your people go at most, in km.", ("input", "mostKm"))
    return why_not_between(most_km, 1, FARTHEST_KM, "input", "mostKm")


def why_not_until(until_day: date | None, *, now: datetime) -> Refusal | None:
    """A last day is given that is to come, within a year."""
    today = now.astimezone(SHANGHAI).date()
    if until_day is None:
        return Refusal(Code.BAD_INPUT, "Say until which day you wait.", ("input", "untilDay"))
    if not today < until_day <= today + FURTHEST:
        message = f"Wait until a day after {today}, and until {today + FURTHEST} at most."
        return Refusal(Code.OUT_OF_RANGE, message, ("input", "untilDay"))
    return None


async def refuse_waiting(db: AsyncSession, row: Waiting) -> None:
    """
    Make sure that the firm does not wait for this already.

    Raises:
        Refused: ALREADY_WAITING.
    """
    same = select(col(Waiting.id)).where(
        col(Waiting.enterprise_id) == row.enterprise_id,
        col(Waiting.exam_id) == row.exam_id,
        col(Waiting.session_id).is_not_distinct_from(row.session_id),
        col(Waiting.state).in_((WaitingState.WAITING, WaitingState.OFFERED)),
    )
    if (await db.exec(same)).first() is not None:
        message = "Your firm waits for this already: change what is in the queue; its position stays."
        raise refuse(Code.ALREADY_WAITING, message, *(SESSION_ID if row.session_id else ("input", "examId")))


async def serve(db: AsyncSession, row: Waiting, *, now: datetime) -> None:
    """Look at once at what is open for a waiting firm: its session, or the next sessions with enough open places."""
    wanted = (
        select(col(Session.id))
        .where(
            col(Session.exam_id) == row.exam_id,
            col(Session.bureau_id) == row.bureau_id,
            col(Session.state) == SessionState.PUBLISHED,
            col(Session.roster_freezes_at) > now,
            col(Session.day) <= row.until_day,
            col(Session.id) == row.session_id
            if row.session_id
            else bookable_places(now, row.enterprise_id) >= row.people,
        )
        .order_by(col(Session.starts_at), col(Session.id))
        .limit(SESSIONS_LOOKED_AT)
    )
    # All of them are locked, in id order, before anybody in a queue is: those who free places lock in this order too.
    sessions = [await lock_session(db, session_id) for session_id in sorted((await db.exec(wanted)).all())]
    for session in sorted(sessions, key=lambda one: (one.starts_at, one.id)):
        if row.state is WaitingState.WAITING:
            await release_lapsed(db, session, now=now)
            await pass_on(db, session, now=now)


async def lock_waiting(
    db: AsyncSession, waiting_id: int, *, caller: Caller
) -> tuple[Waiting, Hold | None, Session | None]:
    """
    A waiting firm of the caller's, with the places set aside for it and their session, all locked, the session first.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND.
    """
    require(caller, Role.ENTERPRISE)
    seen = (await db.exec(visible(Waiting, caller).where(col(Waiting.id) == waiting_id))).one_or_none()
    if seen is None:
        raise not_found("Waiting", *WAITING_ID)
    standing = select(Hold).where(col(Hold.waiting_id) == waiting_id, col(Hold.state).in_(STANDING))
    aside = (await db.exec(standing)).one_or_none()
    bound = aside.session_id if aside else seen.session_id
    session = await lock_session(db, bound) if bound else None
    again = standing.with_for_update(key_share=True).execution_options(populate_existing=True)
    hold = (await db.exec(again)).one_or_none()
    if hold and (session is None or hold.session_id != session.id):
        raise refuse(Code.IN_PROGRESS, "Places are being offered to you at this moment: look again.", *WAITING_ID)
    locked = select(Waiting).where(col(Waiting.id) == waiting_id).with_for_update(key_share=True)
    row = (await db.exec(locked.execution_options(populate_existing=True))).one()
    return row, hold, session


async def change(db: AsyncSession, waiting_id: int, wish: Wish, *, caller: Caller, now: datetime) -> Waiting:
    """
    Change for how many, how far and until when a firm waits; its position stays.

    Raises:
        Refused: NOT_FOUND, WRONG_STATE, or what stands against the new wish.
    """
    row, hold, session = await lock_waiting(db, waiting_id, caller=caller)
    refuse_for(why_not_waiting(row), *WAITING_ID)
    refuse_wrong_people(wish.people, *PEOPLE)
    if row.session_id is None:
        refuse_any(why_not_far(wish.most_km), why_not_until(wish.until_day, now=now))
        row.most_km, row.until_day = wish.most_km, wish.until_day or row.until_day
    elif session is not None:
        await refuse_hopeless(db, session, wish.people, caller=caller, now=now)
    before, row.people = row.people, wish.people
    if hold and session:
        # Kept for another number: the queue decides anew, and the firm stands where it stood.
        await end_holds(db, session, [hold], HoldState.RELEASED)
    await db.flush()
    await note(db, "changed", "waiting", row.id, people_before=before, people=row.people)
    if session:
        await pass_on(db, session, now=now)
    return row


async def leave(db: AsyncSession, waiting_id: int, *, caller: Caller, now: datetime) -> Waiting:
    """
    Leave the queue; what was offered to the firm or kept for it goes to the next.

    Raises:
        Refused: NOT_FOUND, WRONG_STATE.
    """
    row, hold, session = await lock_waiting(db, waiting_id, caller=caller)
    if row.state is WaitingState.WAITING:
        row.state = WaitingState.LEFT
    elif row.state is not WaitingState.OFFERED:
        refuse_for(why_not_waiting(row), *WAITING_ID)
    await db.flush()
    if hold and session:
        await end_holds(db, session, [hold], HoldState.RELEASED)
        await pass_on(db, session, now=now)
    await db.refresh(row)
    return row


def why_not_waiting(row: Waiting) -> Refusal | None:
    """Only who still waits changes what it waits for."""
    if row.state is WaitingState.WAITING:
        return None
    if row.state is WaitingState.OFFERED:
        return Refusal(Code.WRONG_STATE, "Places are offered to you: name your people into them, or give them back.")
    return Refusal(Code.WRONG_STATE, "This waiting is over: join the queue anew.")


async def lapse_waits(db: AsyncSession, now: datetime) -> int:
    """End the waiting whose last day is over."""
    today = now.astimezone(SHANGHAI).date()
    over = select(Waiting).where(col(Waiting.state) == WaitingState.WAITING, col(Waiting.until_day) < today)
    locked = over.order_by(col(Waiting.id)).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    rows = (await db.exec(locked)).all()
    for row in rows:
        row.state = WaitingState.LAPSED
    await db.flush()
    return len(rows)


def next_lapse() -> SelectOfScalar[Any]:
    """When the next last day is over, in Shanghai."""
    after = func.min(col(Waiting.until_day)) + cast(literal("1 day"), Interval)
    return select(func.timezone("Asia/Shanghai", after)).where(col(Waiting.state) == WaitingState.WAITING)


LAPSES = Job("waits lapse", lapse_waits, next_lapse)
