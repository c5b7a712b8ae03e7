"""Whoever is asked for an answer is told at once and reminded before it is due, in one message for all it is about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.rounds import Consent, Round
from models.sessions import Session
from models.vocabulary import ConsentState, RoundState
from scheduler.calendar import SHANGHAI
from scheduler.calendar_days import work_calendar
from scheduler.cancellation import sites_of
from scheduler.consultation import REFERENCE, asked_of
from scheduler.jobs import Job
from scheduler.outbox import send
from scheduler.policy import policy_of

# Told in one message; who is asked for more is told of the rest in the next.
BATCH = 200
MOST_NAMED = 10
ASKED, REMINDED = "Your answer is asked for (征求意见)", "Reminder: your answer is due (催办)"
MIDNIGHT_BELONGS_TO_THE_DAY_BEFORE = timedelta(microseconds=1)


async def tell_due(db: AsyncSession, now: datetime) -> int:
    """Tell one party of the questions that it is to be told or reminded of; says how many there were."""
    consents = await lock_untold(db, now)
    if not consents:
        return 0
    asked = select(Session).where(col(Session.id).in_([consent.session_id for consent in consents]))
    sessions = {session.id: session for session in (await db.exec(asked)).all()}
    is_reminder = consents[0].told_at is not None
    send(
        db,
        recipient=recipient_of(consents[0]),
        subject=REMINDED if is_reminder else ASKED,
        body=body_of(consents, await in_words(db, [sessions[consent.session_id] for consent in consents])),
        now=now,
    )
    for consent in consents:
        if is_reminder:
            consent.reminded_at, consent.tell_at = now, None
        else:
            bureau_id = sessions[consent.session_id].bureau_id
            consent.told_at, consent.tell_at = now, await reminder_of(db, consent, bureau_id, now=now)
    await db.flush()
    return len(consents)


async def lock_untold(db: AsyncSession, now: datetime) -> Sequence[Consent]:
    """
    One party's questions that are to be told now, or those that are to be reminded of.

    They are locked by themselves: what is being answered in this moment is passed over, and nobody waits for a notice.
    """
    due = untold().where(col(Consent.tell_at) <= now)
    first = (await db.exec(due.order_by(col(Consent.tell_at), col(Consent.id)).limit(1))).first()
    if first is None:
        return []
    party, key = asked_of(first)
    same = due.where(
        col(Consent.party) == party,
        col(getattr(Consent, REFERENCE[party])) == key,
        col(Consent.told_at).is_(None) == (first.told_at is None),
    )
    locked = same.order_by(col(Consent.due_at), col(Consent.id)).limit(BATCH)
    return (await db.exec(locked.with_for_update(of=Consent, skip_locked=True))).all()


def untold() -> SelectOfScalar[Consent]:
    """Open questions of rounds in consultation that a party is still to be told or reminded of."""
    return (
        select(Consent)
        .join(Session, col(Session.id) == col(Consent.session_id))
        .join(Round, col(Round.id) == col(Session.round_id))
        .where(
            col(Consent.state) == ConsentState.ASKED,
            col(Consent.tell_at).is_not(None),
            col(Round.state) == RoundState.CONSULTING,
        )
    )


async def reminder_of(db: AsyncSession, consent: Consent, bureau_id: int, *, now: datetime) -> datetime | None:
    """When to remind of a question: some working days before it is due; never where that is over already."""
    days = int((await policy_of(db, bureau_id)).consent_remind_working_days)
    morning = (await work_calendar(db, bureau_id)).morning_before(consent.due_at, days)
    return morning if morning > now else None


def recipient_of(consent: Consent) -> str:
    """The party that is asked, as the outbox addresses it."""
    party, key = asked_of(consent)
    return f"{REFERENCE[party].removesuffix('_id')}:{key}"


async def in_words(db: AsyncSession, sessions: Sequence[Session]) -> list[str]:
    """Each session by its half-day and site."""
    sites = await sites_of(db, sessions)
    return [f"{each.day} ({each.part.value}) at {sites[each.site_id].name}" for each in sessions]


def body_of(consents: Sequence[Consent], sessions: Sequence[str]) -> str:
    """What is asked, by when, and how to answer; the first questions by name."""
    due = (consents[0].due_at - MIDNIGHT_BELONGS_TO_THE_DAY_BEFORE).astimezone(SHANGHAI)
    many = (
        "1 session waits for your answer,"
        if len(consents) == 1
        else f"{len(consents)} sessions wait for your answer, the first"
    )
    said = [
        f"{many} until {due:%Y-%m-%d %H:%M}: {'; '.join(sessions[:MOST_NAMED])}{' …' if sessions[MOST_NAMED:] else ''}."
    ]
    if silent := sum(consent.in_place_of_id is not None for consent in consents):
        said.append(f"Of these, {silent} in place of an office or a town that was silent.")
    said.append("Agree (consentAgree), or object with a reason (consentObject).")
    return " ".join(said)


def next_notice() -> SelectOfScalar[Any]:
    """When the next party is to be told or reminded."""
    waiting = untold().subquery()
    return select(func.min(waiting.c.tell_at))


NOTICES = Job("consents asked and reminded", tell_due, next_notice)
