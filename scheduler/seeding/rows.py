"""Puts many rows into a table at once and gives back their ids, in the order of the rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Table

Row = Mapping[str, Any]


async def add(db: AsyncSession, table: type[Table], rows: Iterable[Row]) -> list[int]:
    """Insert the rows; their ids, in the same order."""
    many = list(rows)
    if not many:
        return []
    key = col(table.id)  # type: ignore[attr-defined]  # every table loaded here has its surrogate key
    connection = await db.connection()
    added = await connection.execute(insert(table).returning(key, sort_by_parameter_order=True), many)
    return list(added.scalars())


async def reserve(db: AsyncSession, table: type[Table], count: int) -> Sequence[int]:
    """Ids for rows that need them before they are inserted."""
    sequence = func.pg_get_serial_sequence(str(table.__tablename__), "id")
    return (await db.exec(select(func.nextval(sequence)).select_from(func.generate_series(1, count)))).all()
