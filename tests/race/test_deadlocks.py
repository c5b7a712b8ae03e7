"""Two who wait for each other: PostgreSQL ends one, which is told to send the same again."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from models.database import Database
from models.parties import Worker
from scheduler.constraints import refusal_of
from scheduler.refusals import Code
from tests import factories as make

pytestmark = pytest.mark.asyncio


async def test_of_two_who_wait_for_each_other_one_is_told_to_come_again(database: Database) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        firm = await make.make_enterprise(db)
        one, other = [await make.make_worker(db, enterprise=firm) for _ in range(2)]
    both = asyncio.Barrier(2)

    async def lock(*keys: int) -> None:
        async with database.writing(actor="test", now=make.NOW) as db:
            for key in keys:
                await db.exec(select(Worker).where(col(Worker.id) == key).with_for_update())
                if key == keys[0]:
                    await both.wait()

    outcomes = await asyncio.gather(lock(one.id, other.id), lock(other.id, one.id), return_exceptions=True)

    (ended,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(ended, DBAPIError)
    refused = refusal_of(ended)
    assert refused is not None
    assert [(reason.code, reason.retry_ms) for reason in refused.reasons] == [(Code.BUSY, 500)]
