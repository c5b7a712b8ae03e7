"""Deciding many rows at once: each named once, there, and fit to be decided; all or none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.columns import Table
from scheduler.refusals import Code, Refusal, Refused, not_found, refuse

MOST_ROWS = 200

T = TypeVar("T", bound=Table)


def refuse_wrong_number(row_ids: Sequence[int], *path: str) -> None:
    """
    One row at least, 200 at most, each once.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE.
    """
    if not row_ids:
        raise refuse(Code.BAD_INPUT, "Nothing is named: name one at least.", *path)
    if len(row_ids) > MOST_ROWS:
        raise refuse(Code.OUT_OF_RANGE, f"Decide {MOST_ROWS} at most at a time.", *path)
    if len(set(row_ids)) != len(row_ids):
        raise refuse(Code.BAD_INPUT, "One is named twice: name each once.", *path)


async def lock_all(db: AsyncSession, seen: SelectOfScalar[T], table: type[T], row_ids: Sequence[int]) -> dict[int, T]:
    """The rows with these keys that the caller sees, locked in id order."""
    key = col(table.id)  # type: ignore[attr-defined]  # every table has its surrogate key
    wanted = seen.where(key.in_(row_ids)).order_by(key).with_for_update(of=table, key_share=True)
    return {row.id: row for row in (await db.exec(wanted)).all()}  # type: ignore[attr-defined]  # the same


async def lock_decidable(
    db: AsyncSession,
    seen: SelectOfScalar[T],
    row_ids: Sequence[int],
    why_not: Callable[[T], Refusal | None],
    *path: str,
) -> list[T]:
    """
    The rows in the order given, locked, once each is there and nothing stands against its decision.

    Raises:
        Refused: The reason for each that is wrong, at its place in the list.
    """
    (table,) = (described["entity"] for described in seen.column_descriptions)
    found = await lock_all(db, seen, table, row_ids)
    wrong: list[Refusal] = []
    for at, row_id in enumerate(row_ids):
        if row_id not in found:
            wrong += not_found(table.__name__, *path, str(at)).reasons
        elif reason := why_not(found[row_id]):
            wrong.append(replace(reason, path=(*path, str(at))))
    if wrong:
        raise Refused(*wrong)
    return [found[row_id] for row_id in row_ids]
