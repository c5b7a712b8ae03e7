"""
Messages on their way out: owed with the change that they tell of, claimed for a while, and completed once.

At least once: a message may be sent and the news of it lost in a crash, so each carries its key, the same each time.
In no promised order: what failed comes later than what was owed after it.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import DeliveryAttempt, OutboxMessage
from models.vocabulary import Channel, Courtesy
from scheduler.backoff import MOST_ATTEMPTS, pause_after
from scheduler.channels.letter import Outcome
from scheduler.leases import Claim, FencedOff, claim, fenced, is_free

# Long enough for a batch without a heartbeat (`Carrier`), short enough to wait for where a worker has died.
LEASE = timedelta(seconds=120)
BATCH = 50


def send(
    db: AsyncSession, *, recipient: str, subject: str, body: str, now: datetime, courtesy: Courtesy | None = None
) -> None:
    """
    Owe a message to a party, such as `enterprise:12`; it goes out only if the transaction commits.

    The text holds no personal data beyond what the recipient already has. Without a `courtesy` it is an official
    notice, which nobody can unsubscribe from.
    """
    db.add(OutboxMessage(recipient=recipient, subject=subject, body=body, courtesy=courtesy, made_at=now, due_at=now))


async def claim_due(db: AsyncSession, *, now: datetime, lasts: timedelta = LEASE) -> dict[Claim, OutboxMessage]:
    """Take the messages that are due first for a while: nobody else takes them before the lease is over."""
    due = (*waits(), col(OutboxMessage.due_at) <= now)
    claims = await claim(db, OutboxMessage, *due, lasts=lasts, most=BATCH, by=[col(OutboxMessage.due_at)])
    wanted = select(OutboxMessage).where(col(OutboxMessage.id).in_([each.row_id for each in claims]))
    messages = {message.id: message for message in (await db.exec(wanted)).all()}
    return {each: messages[each.row_id] for each in claims}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one claimed message; no outcome where it was not sent after all."""

    claim: Claim
    channel: Channel | None
    outcome: Outcome | None


async def complete(db: AsyncSession, tried: Iterable[Tried], *, now: datetime) -> None:
    """
    Write down what came of claimed messages.

    Only the holder of the last claim may: who slept past its lease, or was told to let go, changes nothing.
    """
    for each in sorted(tried, key=lambda one: one.claim.row_id):
        with suppress(FencedOff):  # another worker's by now, which sends it again under the same id
            message = await fenced(db, each.claim)
            if each.outcome is not None:
                conclude(message, each.outcome, now=now)
                db.add(_attempt(each, each.outcome, now=now))


def conclude(message: OutboxMessage, outcome: Outcome, *, now: datetime) -> None:
    """Delivered, due again after a pause, or dead."""
    message.attempts += 1
    if outcome.failure is None:
        message.delivered_at = now
    elif outcome.is_final or message.attempts >= MOST_ATTEMPTS:
        message.is_dead = True
    else:
        message.due_at = now + pause_after(message.attempts, message.key, asked=outcome.again_after)


def owe_again(message: OutboxMessage, *, now: datetime) -> None:
    """Make a locked message due now with all its attempts before it; whoever is at it lets go."""
    message.delivered_at, message.is_dead, message.attempts, message.due_at = None, False, 0, now
    message.claim, message.leased_until = message.claim + 1, None


def next_delivery() -> SelectOfScalar[Any]:
    """When the next message is to go out."""
    return select(func.min(col(OutboxMessage.due_at))).where(*waits(), is_free(OutboxMessage))


def waits() -> tuple[ColumnElement[bool], ...]:
    """The conditions on a message that is still to go out."""
    return (
        col(OutboxMessage.delivered_at).is_(None),
        col(OutboxMessage.is_dead).is_(False),
        col(OutboxMessage.is_withheld).is_(False),
    )


def _attempt(tried: Tried, outcome: Outcome, *, now: datetime) -> DeliveryAttempt:
    return DeliveryAttempt(
        message_id=tried.claim.row_id,
        at=now,
        channel=tried.channel,
        status=outcome.status,
        failure=outcome.failure,
        took_ms=outcome.took_ms,
    )
