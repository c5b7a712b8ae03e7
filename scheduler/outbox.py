"""
Messages on their way out. The channel of this version is a file: one JSON document a line.

At least once: a line may be written and its delivery forgotten in a crash, so each carries the message's id.
"""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import OutboxMessage
from scheduler.jobs import Job

_BATCH = 500


def send(db: AsyncSession, *, recipient: str, subject: str, body: str, now: datetime) -> None:
    """
    Owe a message to a party, such as `enterprise:12`; it goes out only if the transaction commits.

    The text holds no personal data beyond what the recipient already has.
    """
    db.add(OutboxMessage(recipient=recipient, subject=subject, body=body, made_at=now, due_at=now))


def delivery_to(file: Path) -> Job:
    """Deliver what is due by appending it to a file."""

    async def deliver(db: AsyncSession, now: datetime) -> int:
        waiting = select(OutboxMessage).where(_waits(), col(OutboxMessage.due_at) <= now)
        ordered = waiting.order_by(col(OutboxMessage.due_at), col(OutboxMessage.id)).limit(_BATCH)
        messages = (await db.exec(ordered.with_for_update(skip_locked=True))).all()
        if messages:
            await asyncio.to_thread(_append, file, [_line(message) for message in messages])
        for message in messages:
            message.delivered_at = now
            message.attempts += 1
        return len(messages)

    return Job(name="deliveries", step=deliver, next_due=next_delivery)


def next_delivery() -> SelectOfScalar[Any]:
    """When the next message is to go out."""
    return select(func.min(col(OutboxMessage.due_at))).where(_waits())


def _waits() -> ColumnElement[bool]:
    return col(OutboxMessage.delivered_at).is_(None) & col(OutboxMessage.is_dead).is_(False)


def _line(message: OutboxMessage) -> bytes:
    said = message.model_dump(include={"id", "recipient", "subject", "body", "made_at"})
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _append(file: Path, lines: list[bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as out:
        out.writelines(lines)
        out.flush()
        os.fsync(out.fileno())
