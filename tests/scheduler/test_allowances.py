"""A party's requests never cost more than its allowance, however many processes serve it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.database import Database, Pool
from models.vocabulary import Role
from scheduler.allowances import Allowance, charge, holder_of
from scheduler.callers import Caller

pytestmark = pytest.mark.asyncio

# A point comes back in a thousand seconds, so that none does during a test.
SLOW = Allowance(100, 0.001)
FIRM = Caller(1, Role.ENTERPRISE, "a firm", enterprise_id=7)
COLLEAGUE = Caller(2, Role.ENTERPRISE, "its second account", enterprise_id=7)
OTHER = Caller(3, Role.ENTERPRISE, "another firm", enterprise_id=8)


@pytest_asyncio.fixture
async def processes(database_url: str) -> AsyncIterator[list[Database]]:
    opened = [Database(database_url, pool=Pool(ping_first=False)) for _ in range(3)]
    yield opened
    for each in opened:
        await each.close()


async def test_what_is_asked_is_taken_and_comes_back(database: Database) -> None:
    allowance = Allowance(100, 1000)

    first = await charge(database, FIRM, 100, allowance)
    await asyncio.sleep(0.2)
    second = await charge(database, FIRM, 100, allowance)

    assert (first.is_paid, first.remaining, second.is_paid) == (True, 0, True)


async def test_what_is_refused_takes_nothing_and_is_told_when(database: Database) -> None:
    await charge(database, FIRM, 90, SLOW)

    refused = await charge(database, FIRM, 20, SLOW)
    fits = await charge(database, FIRM, 10, SLOW)

    assert (refused.is_paid, refused.remaining) == (False, 10)
    assert refused.seconds_until(20) == pytest.approx(10_000, rel=0.01)
    assert (fits.is_paid, fits.remaining) == (True, 0)


async def test_accounts_of_one_party_share_and_others_do_not(database: Database) -> None:
    await charge(database, FIRM, 90, SLOW)

    assert not (await charge(database, COLLEAGUE, 20, SLOW)).is_paid
    assert (await charge(database, OTHER, 20, SLOW)).is_paid


async def test_officials_may_ask_for_more(database: Database) -> None:
    bureau = Caller(4, Role.BUREAU, "the bureau", jurisdiction_id=1, bureau_id=1)

    assert (await charge(database, bureau, 450, SLOW)).is_paid
    assert holder_of(bureau) == "jurisdiction:1"
    assert holder_of(Caller(5, Role.AUDITOR, "an auditor")) == "account:5"


async def unlocked(database: Database, cost: int) -> bool:
    """The same, read first and written after: what it is made of without its one statement."""
    async with database.at_once() as connection:
        level = await connection.fetchval("SELECT level FROM cost_bucket WHERE holder = 'unlocked'")
        await asyncio.sleep(0)
        if level + cost > SLOW.most:
            return False
        await connection.execute("UPDATE cost_bucket SET level = $1 WHERE holder = 'unlocked'", level + cost)
    return True


async def test_many_at_once_in_several_processes_get_what_there_is_and_no_more(processes: list[Database]) -> None:
    await charge(processes[0], FIRM, 0, SLOW)  # the bucket stands

    charges = await asyncio.gather(*(charge(processes[at % 3], FIRM, 10, SLOW) for at in range(60)))

    assert sum(each.is_paid for each in charges) == 10


async def test_without_the_one_statement_they_would_get_more(processes: list[Database]) -> None:
    async with processes[0].at_once() as connection:
        await connection.execute("INSERT INTO cost_bucket VALUES ('unlocked', 0, now())")

    taken = await asyncio.gather(*(unlocked(processes[at % 3], 10) for at in range(60)))

    assert sum(taken) > 10
