"""What becomes of silence: the next tier up answers in a silent office's or town's place, and that is recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.rounds import Consent, Round
from models.sessions import Session
from models.vocabulary import ConsentParty, ConsentState, RoundState, SessionState
from scheduler.consultation import NEXT_TIER, answer_by, asked_of, new_consent, settle, standing_consents
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.tiers import Tree, tree_of

BATCH = 100
TURN_OVER = "Your turn to answer is over (逾期未答)"


async def escalate_silence(db: AsyncSession, now: datetime) -> int:
    """
    Where an office or a town is silent at its deadline, the next tier up answers in its place.

    Round, session, consent: everybody locks in this order, so that an answer and its lateness never wait in a circle.
    """
    late = silent_consents().where(col(Consent.due_at) <= now)
    about = select(col(Session.round_id)).where(col(Session.id).in_(late.with_only_columns(col(Consent.session_id))))
    rounds = select(Round).where(col(Round.id).in_(about), col(Round.state) == RoundState.CONSULTING)
    planned = (await db.exec(rounds.order_by(col(Round.id)).limit(1).with_for_update(skip_locked=True))).one_or_none()
    if planned is None:
        return 0
    mine = late.where(col(Session.round_id) == planned.id)
    sessions = select(Session).where(col(Session.id).in_(mine.with_only_columns(col(Consent.session_id))))
    locked = (await db.exec(sessions.order_by(col(Session.id)).limit(BATCH).with_for_update())).all()
    silent = mine.where(col(Consent.session_id).in_([session.id for session in locked])).order_by(col(Consent.id))
    consents = (await db.exec(silent.with_for_update(of=Consent))).all()
    tree, session_of = await tree_of(db), {session.id: session for session in locked}
    for consent in consents:
        await escalate(db, consent, Silence(planned, session_of[consent.session_id], tree), now=now)
    return len(consents)


@dataclass(frozen=True, slots=True)
class Silence:
    """Where a party is silent."""

    planned: Round
    session: Session
    tree: Tree


async def escalate(db: AsyncSession, consent: Consent, silence: Silence, *, now: datetime) -> None:
    """Record the silence and ask the next tier up, unless it is asked about this session anyway."""
    planned, session = silence.planned, silence.session
    above = silence.tree.at_tier(consent.jurisdiction_id or 0, NEXT_TIER[consent.party])
    if above is None:
        message = f"jurisdiction {consent.jurisdiction_id} has no tier above"
        raise ValueError(message)
    consent.state = ConsentState.ESCALATED
    await db.flush()
    due_at = await answer_by(db, planned, (planned.publish_at,), now=now)
    standing = await standing_consents(db, [session.id])
    asked = (ConsentParty(above.tier.value), above.id)
    if asked not in {asked_of(each) for each in standing}:
        db.add(new_consent(session, asked, due_at, now=now, in_place_of_id=consent.id))
        await db.flush()
    await note(db, "silence", "consent", consent.id, answered_by=above.id)
    tell_silent(db, consent, session, above.name, now=now)
    await settle(db, session, due_at=due_at, now=now)


def tell_silent(db: AsyncSession, consent: Consent, session: Session, above: str, *, now: datetime) -> None:
    """Say to a silent party that its turn is over."""
    body = f"You have not answered about the session on {session.day} ({session.part.value}): {above} answers for you."
    send(db, recipient=f"jurisdiction:{consent.jurisdiction_id}", subject=TURN_OVER, body=body, now=now)


def silent_consents() -> SelectOfScalar[Consent]:
    """Offices and towns that have not answered about sessions in consultation."""
    return (
        select(Consent)
        .join(Session, col(Session.id) == col(Consent.session_id))
        .join(Round, col(Round.id) == col(Session.round_id))
        .where(
            col(Round.state) == RoundState.CONSULTING,
            col(Consent.state) == ConsentState.ASKED,
            col(Consent.party).in_((ConsentParty.OFFICE, ConsentParty.TOWN)),
            col(Session.state) == SessionState.PROPOSED,
        )
    )


def next_silence() -> SelectOfScalar[Any]:
    """When the next silent party loses its turn."""
    silent = silent_consents().subquery()
    return select(func.min(silent.c.due_at))


SILENCE = Job("silences", escalate_silence, next_silence)
