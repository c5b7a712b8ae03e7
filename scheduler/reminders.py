"""Reminders: places set aside that still have no names, and results that are late."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Promise
from models.demand import Request
from models.places import Site
from models.sessions import Session
from models.vocabulary import PromiseState, SessionState
from scheduler.calendar import SHANGHAI
from scheduler.jobs import Job
from scheduler.outbox import send

BATCH = 100
NAMES_MISSING = "Reminder: name your people (请尽快填报名单)"
RESULTS_LATE = "Results are overdue (成绩逾期未报)"
AWAITING_RESULTS = (SessionState.FROZEN, SessionState.HELD)
A_BIT = timedelta(microseconds=1)  # places are held before this moment, not at it


async def remind_of_names(db: AsyncSession, now: datetime) -> int:
    """Remind firms of promised places that lapse soon and have no names yet; says how many promises there were."""
    due = unreminded().where(col(Promise.remind_at) <= now).order_by(col(Promise.id)).limit(BATCH)
    promises = (await db.exec(due.with_for_update(skip_locked=True))).all()
    about = (
        select(Promise, col(Request.enterprise_id), Session, col(Site.name))
        .join(Request, col(Request.id) == col(Promise.request_id))
        .join(Session, col(Session.id) == col(Promise.session_id))
        .join(Site, col(Site.id) == col(Session.site_id))
        .where(col(Promise.id).in_([promise.id for promise in promises]))
        .order_by(col(Promise.id))
    )
    for promise, enterprise_id, session, site in (await db.exec(about)).all():
        until = (promise.held_until - A_BIT).astimezone(SHANGHAI)
        body = (
            f"Of the places held for you on {session.day} ({session.part.value}) at {site}, "
            f"{promise.people - promise.named} without a name yet: "
            f"name your people until {until:%Y-%m-%d %H:%M}, or what has no name is released."
        )
        send(db, recipient=f"enterprise:{enterprise_id}", subject=NAMES_MISSING, body=body, now=now)
        promise.remind_at = None
    await db.flush()
    return len(promises)


def unreminded() -> SelectOfScalar[Promise]:
    """Promises whose firm is still to be reminded; what is named in full has no reminder any more."""
    return select(Promise).where(col(Promise.state) == PromiseState.HELD, col(Promise.remind_at).is_not(None))


async def remind_of_results(db: AsyncSession, now: datetime) -> int:
    """Tell the exam body and the bureau of sessions whose results are overdue, once; says how many there were."""
    late = overdue().where(col(Session.results_due_at) <= now).order_by(col(Session.id)).limit(BATCH)
    sessions = (await db.exec(late.with_for_update(skip_locked=True, key_share=True))).all()
    for session in sessions:
        due = (session.results_due_at - A_BIT).astimezone(SHANGHAI)
        body = f"The results of the session on {session.day} ({session.part.value}) were due on {due:%Y-%m-%d}."
        for recipient in (f"exam_body:{session.exam_body_id}", f"jurisdiction:{session.bureau_id}"):
            send(db, recipient=recipient, subject=RESULTS_LATE, body=body, now=now)
        session.results_reminded_at = now
    await db.flush()
    return len(sessions)


def overdue() -> SelectOfScalar[Session]:
    """Sessions that may still have results and of whose lateness nobody was told."""
    return select(Session).where(col(Session.state).in_(AWAITING_RESULTS), col(Session.results_reminded_at).is_(None))


def next_naming() -> SelectOfScalar[Any]:
    """When the next firm is to be reminded of names."""
    waiting = unreminded().subquery()
    return select(func.min(waiting.c.remind_at))


def next_overdue() -> SelectOfScalar[Any]:
    """When the next results become overdue."""
    waiting = overdue().subquery()
    return select(func.min(waiting.c.results_due_at))


NAMING = Job("names reminded", remind_of_names, next_naming)
OVERDUE = Job("results reminded", remind_of_results, next_overdue)
