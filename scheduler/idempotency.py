"""The one answer that an account's idempotency key stands for, written with what it answers."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import orjson
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select, text, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Table
from models.database import Database
from models.journal import IdempotencyKey
from models.vocabulary import AlternativeKind
from scheduler.callers import Caller
from scheduler.refusals import Alternative, Code, Refusal, Refused, refuse

T = TypeVar("T", bound=Table)

# Long enough for any write of ours, short enough that a stuck one does not take every connection with it.
LONGEST_WAIT = "10s"
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class KeyedWrite:
    """A write that may be sent again: whose key, and a fingerprint of what it asks for."""

    account_id: int
    key: str
    fingerprint: str


def fingerprint_of(document: str, variables: Mapping[str, Any] | None) -> str:
    """What tells one write from another; nothing of its input can be read from it."""
    said = orjson.dumps([document, variables or {}], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()


async def answer_before(db: AsyncSession, write: KeyedWrite, *, now: datetime) -> dict[str, Any] | None:
    """
    The answer that the key already stands for, or None: then the key is this transaction's own.

    A second transaction with the key waits here until the first has ended.

    Raises:
        Refused: KEY_REUSED for another write, IN_PROGRESS when the first takes too long.
    """
    if await taken_now(db, write, now=now):
        return None
    mine = (col(IdempotencyKey.account_id) == write.account_id, col(IdempotencyKey.key) == write.key)
    kept = (await db.exec(select(IdempotencyKey).where(*mine))).one()
    if kept.fingerprint != write.fingerprint:
        raise refuse(Code.KEY_REUSED, "This idempotency key already stands for another write: use a fresh one.")
    return kept.answer


async def taken_now(db: AsyncSession, write: KeyedWrite, *, now: datetime) -> bool:
    """Whether the key was free, and is now this transaction's."""
    row = insert(IdempotencyKey).values(
        account_id=write.account_id, key=write.key, fingerprint=write.fingerprint, asked_at=now
    )
    try:
        async with db.begin_nested():
            # Whoever takes places by one statement locks its session first, and then only tries this lock: whoever
            # holds a key never waits in a circle with one who wants it.
            await db.exec(
                select(
                    func.set_config("lock_timeout", LONGEST_WAIT, True),
                    func.pg_advisory_xact_lock(func.hashtextextended(write.key, write.account_id)),
                )
            )
            new = await db.exec(row.on_conflict_do_nothing().returning(col(IdempotencyKey.id)))
            await db.exec(text("SET LOCAL lock_timeout TO DEFAULT"))  # type: ignore[call-overload]
    except DBAPIError as error:
        if error.orig is None or not isinstance(error.orig.__cause__, asyncpg.LockNotAvailableError):
            raise
        raise refuse(Code.IN_PROGRESS, "The write with this key is still under way: ask again in a moment.") from error
    return new.one_or_none() is not None


async def keep_answer(db: AsyncSession, write: KeyedWrite, answer: dict[str, Any]) -> None:
    """Keep the answer beside what was written; both are committed, or neither."""
    await db.exec(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.account_id) == write.account_id, col(IdempotencyKey.key) == write.key)
        .values(answer=answer)
    )


async def answered_once(
    database: Database,
    write: KeyedWrite | None,
    act: Callable[[AsyncSession], Awaitable[T]],
    *,
    kind: type[T],
    caller: Caller,
    now: datetime,
) -> T:
    """
    Act in a transaction of its own; under a key once, and answer the row as it then was, or the refusal, each time.

    Raises:
        Refused: What the act refuses, now or before; KEY_REUSED, IN_PROGRESS.
    """
    async with database.writing(actor=caller.actor, now=now) as db:
        if write is None:
            return await act(db)
        answer = await answer_before(db, write, now=now)
        if answer is None:
            answer = await answer_of(db, act)
            await keep_answer(db, write, answer)
    return restored(answer, kind)


async def answer_of(db: AsyncSession, act: Callable[[AsyncSession], Awaitable[T]]) -> dict[str, Any]:
    """What an act answers, as it is kept; what a refused one wrote is taken back."""
    try:
        async with db.begin_nested():
            row = await act(db)
    except Refused as refused:
        return {"refusals": [asdict(reason) for reason in refused.reasons]}
    return {str(row.__tablename__): row.model_dump(mode="json")}


def restored(answer: Mapping[str, Any], kind: type[T]) -> T:
    """
    The row that an answer was kept of.

    Raises:
        Refused: The answer was a refusal.
    """
    if reasons := answer.get("refusals"):
        raise Refused(
            *(
                Refusal(
                    **{
                        **each,
                        "code": Code(each["code"]),
                        "path": tuple(each["path"]),
                        "alternatives": tuple(
                            Alternative(session_id, AlternativeKind(kind), places)
                            for session_id, kind, places in each["alternatives"]
                        ),
                    }
                )
                for each in reasons
            )
        )
    return kind.model_validate(answer[str(kind.__tablename__)])
