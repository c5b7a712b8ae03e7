"""Messages that were given up: looked at, and sent again by hand."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import OutboxMessage
from models.vocabulary import Role
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.outbox import owe_again
from scheduler.refusals import Code, Refusal, Refused, not_found
from scheduler.visibility import visible

MOST_AT_ONCE = 100
IDS = ("input", "messageIds")


def dead_letters(caller: Caller) -> SelectOfScalar[OutboxMessage]:
    """
    The messages that were given up.

    Raises:
        Refused: NOT_ALLOWED.
    """
    require(caller, Role.AUDITOR, Role.OPERATOR)
    return visible(OutboxMessage, caller).where(col(OutboxMessage.is_dead))


async def retry(
    db: AsyncSession, message_ids: Collection[int], *, caller: Caller, now: datetime
) -> list[OutboxMessage]:
    """
    Send dead letters again, under the ids they had.

    Raises:
        Refused: NOT_ALLOWED; OUT_OF_RANGE for none or too many; NOT_FOUND, and WRONG_STATE for one that is not dead.
    """
    require(caller, Role.OPERATOR)
    if not 1 <= len(message_ids) <= MOST_AT_ONCE:
        raise Refused(Refusal(Code.OUT_OF_RANGE, f"Name 1 to {MOST_AT_ONCE} messages at a time.", IDS))
    locked = select(OutboxMessage).where(col(OutboxMessage.id).in_(message_ids)).order_by(col(OutboxMessage.id))
    messages = list((await db.exec(locked.with_for_update())).all())
    if len(messages) < len(set(message_ids)):
        raise not_found("OutboxMessage", *IDS)
    if not all(message.is_dead for message in messages):
        raise Refused(Refusal(Code.WRONG_STATE, "One of these is not dead: leave out what was sent or is due.", IDS))
    for message in messages:
        owe_again(message, now=now)
        await note(db, "retried", "outbox_message", message.id)
    await db.flush()
    return messages
