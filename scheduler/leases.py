"""
Work outside a transaction: claimed with a lease, kept by a heartbeat, completed behind a fence.

A lease is a moment on the database's clock, as nodes' clocks differ. Each claim of a row has a number, which whoever
completes the work shows. A process that slept past its lease, while another claimed the row, shows an old one and is
refused with its whole transaction: however long it slept, it cannot commit.

    async with database.writing(…) as db:
        claims = await claim(db, OutboxMessage, is_due, lasts=LEASE, most=100)
    await kept(database, claims, work(), lasts=LEASE)  # outside any transaction
    async with database.writing(…) as db:
        row = await fenced(db, claims[0])  # locked, given back; now write down what came of it
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import func, or_, tuple_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Leased
from models.database import Database

# Two heartbeats may fail, as in a server's restart, before a lease is lost.
HEARTBEATS = 3

Answer = TypeVar("Answer")

log = structlog.get_logger()


class FencedOff(RuntimeError):
    """The lease ran out and another process claimed the row: nothing that was done under the old claim is written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One process's hold on one row.

    Attributes:
        number: The fence: how often the row has been claimed, this time included.
        took_over: Whether an earlier claim had run out, as its process died or froze.
    """

    table: type[Leased]
    row_id: int
    number: int
    took_over: bool = False


async def claim(
    db: AsyncSession, table: type[Leased], *waiting: Any, lasts: timedelta, most: int = 1, by: Sequence[Any] = ()
) -> list[Claim]:
    """
    Claim rows that wait and that nobody holds, in the order of `by` and their keys; commit before the work begins.

    Args:
        db: A transaction of its own.
        table: What is claimed.
        waiting: The conditions on a row that waits for the work.
        lasts: How long the claim holds without a heartbeat.
        most: How many rows at most.
        by: Which rows come first.
    """
    row = _row(table)
    waits = select(row.id, row.leased_until).where(is_free(table), *waiting).order_by(*by, row.id).limit(most)
    held_before = dict((await db.exec(waits.with_for_update(skip_locked=True))).all())
    if not held_before:
        return []
    until = func.clock_timestamp() + lasts
    own = update(table).where(row.id.in_(held_before)).values(claim=row.claim + 1, leased_until=until)
    claimed = await (await db.connection()).execute(own.returning(row.id, row.claim))
    numbers: dict[int, int] = dict(claimed.all())
    claims = [Claim(table, key, numbers[key], took_over=before is not None) for key, before in held_before.items()]
    if expired := sum(each.took_over for each in claims):
        log.warning("leases_expired", table=table.__tablename__, count=expired)
    return claims


def is_free(table: type[Leased]) -> Any:
    """The condition on a row that nobody holds, by the database's clock."""
    until = col(table.leased_until)
    return or_(until.is_(None), until < func.clock_timestamp())


async def kept(
    database: Database, claims: Sequence[Claim], work: Coroutine[Any, Any, Answer], *, lasts: timedelta
) -> Answer:
    """
    Do the work while the leases are renewed; when one is found lost, the work is cancelled.

    Raises:
        FencedOff: Another process has claimed a row meanwhile.
    """
    doing = asyncio.create_task(work)
    heart = asyncio.create_task(_beat(database, claims, lasts=lasts))
    try:
        await asyncio.wait({doing, heart}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise _fenced_off(claims[0])
        return doing.result()
    finally:
        doing.cancel()
        heart.cancel()
        await asyncio.gather(doing, heart, return_exceptions=True)


async def fenced(db: AsyncSession, held: Claim) -> Any:
    """
    The row of a claim, locked and given back, for the transaction that writes down what came of the work.

    Raises:
        FencedOff: Another process has claimed it meanwhile, or it was taken away; let it roll the transaction back.
    """
    row = _row(held.table)
    own = select(held.table).where(row.id == held.row_id, row.claim == held.number, row.leased_until.is_not(None))
    found = (await db.exec(own.with_for_update().execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise _fenced_off(held)
    found.leased_until = None
    return found


async def _beat(database: Database, claims: Sequence[Claim], *, lasts: timedelta) -> None:
    """Renew until a claim is lost."""
    pause = lasts.total_seconds() / HEARTBEATS
    await asyncio.sleep(pause)
    while await renewed(database, claims, lasts=lasts):  # noqa: ASYNC110 - what is waited for happens in the database
        await asyncio.sleep(pause)


async def renewed(database: Database, claims: Sequence[Claim], *, lasts: timedelta) -> bool:
    """Whether no claim was lost; rows that were given back are left alone, and so is a database that is away."""
    row = _row(claims[0].table)
    own = tuple_(row.id, row.claim).in_([(each.row_id, each.number) for each in claims])
    try:
        async with database.engine.begin() as connection:
            until = func.clock_timestamp() + lasts
            await connection.execute(
                update(claims[0].table).where(own, row.leased_until.is_not(None)).values(leased_until=until)
            )
            standing = await connection.execute(select(func.count()).select_from(claims[0].table).where(own))
            return bool(standing.scalar_one() == len(claims))
    except Exception as error:  # noqa: BLE001 - the fence decides in the end; until then the next beat tries again
        log.warning("heartbeat_missed", table=claims[0].table.__tablename__, failure=type(error).__name__)
        return True


def _fenced_off(held: Claim) -> FencedOff:
    log.warning("fenced_off", table=held.table.__tablename__, row=held.row_id, claim=held.number)
    return FencedOff(f"{held.table.__tablename__} {held.row_id}: claim {held.number} is not the last one any more")


def _row(table: type[Leased]) -> Any:
    """The table for statements; every leased one has a key."""
    return table
