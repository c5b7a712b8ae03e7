"""
A run of 1,000 messages while workers, and PostgreSQL itself, are killed with -9: every message arrives.

Some arrive twice, under the same id: the receiver drops them by it. Without any crash none does, which is the lease's
work; and of a worker that slept past its lease nothing is written down, which is the fence's.
"""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from sqlmodel import col, func, select

from models.database import Database
from models.journal import DeliveryAttempt, OutboxMessage
from models.parties import Contact
from scheduler.audit.auditor import audit
from scheduler.outbox import BATCH, send, waits
from tests.race.test_crashes import Mortal
from tests.receivers import Receiver, receiving

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]
MESSAGES = 1_000


@pytest.fixture
def mortal(open_folder: Path) -> Iterator[Mortal]:
    server = Mortal(open_folder / "mortal-outbox")
    yield server
    server.stop()


async def owe(database: Database, count: int) -> None:
    now = datetime.now(UTC)
    async with database.writing(actor="test", now=now) as db:
        db.add(Contact(recipient="examiner:1", phone="15400000000"))
        for n in range(count):
            send(db, recipient="examiner:1", subject=str(n), body="…", now=now)


async def left(database: Database) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count(col(OutboxMessage.id))).where(*waits()))).one()


@asynccontextmanager
async def worker(url: str, gateway: Receiver, *, lease: float) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.race.delivery_process", url, gateway.url, str(lease)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_received(gateway: Receiver, count: int) -> None:
    async with asyncio.timeout(120):
        while len(gateway.received) < count:
            await gateway.came.wait()


async def until_none_is_left(database: Database) -> None:
    async with asyncio.timeout(120):
        while await left(database):  # noqa: ASYNC110  # another process works on it
            await asyncio.sleep(0.2)


def texts(gateway: Receiver) -> Counter[tuple[str, str]]:
    """How often each message came, by its id and its text."""
    said = [orjson.loads(each.body) for each in gateway.received]
    return Counter((each["id"], each["text"]) for each in said)


async def check(database: Database, gateway: Receiver, count: int) -> None:
    async with database.reading() as db:
        sent = {(str(row.key), f"{row.subject}: …") for row in (await db.exec(select(OutboxMessage))).all()}
        assert await audit(db) == []
    assert len(sent) == count
    assert set(texts(gateway)) == sent


async def test_every_message_arrives_through_kills_of_workers_and_of_the_server(mortal: Mortal) -> None:
    await mortal.make()
    kills, chance = 4, random.Random(3)
    async with receiving(slow=0.01) as gateway:
        database = Database(mortal.url)
        await owe(database, MESSAGES)
        await database.close()
        for n in range(kills):
            async with worker(mortal.url, gateway, lease=3):
                # In the middle of a batch: some of it has arrived, and nothing of it is written down.
                await until_received(gateway, len(gateway.received) + BATCH + chance.randrange(1, BATCH))
            if n == kills // 2:
                await asyncio.to_thread(mortal.die_and_return)
        database = Database(mortal.url)
        assert 0 < await left(database) < MESSAGES
        async with worker(mortal.url, gateway, lease=3):
            await until_none_is_left(database)
        repeats = len(gateway.received) - MESSAGES

        await check(database, gateway, MESSAGES)
        assert 0 < repeats <= kills * BATCH
        await database.close()


async def run_two_workers(database: Database, url: str, gateway: Receiver, *, lease: float) -> None:
    await owe(database, 200)
    async with worker(url, gateway, lease=lease), worker(url, gateway, lease=lease):
        await until_none_is_left(database)


async def test_two_workers_send_nothing_twice(database: Database, database_url: str) -> None:
    async with receiving(slow=0.2) as gateway:
        await run_two_workers(database, database_url, gateway, lease=60)

        await check(database, gateway, 200)
        assert max(texts(gateway).values()) == 1


async def test_a_worker_that_slept_past_its_lease_writes_nothing_down(database: Database, database_url: str) -> None:
    async with receiving(slow=0.5) as gateway:
        await owe(database, BATCH)
        async with worker(database_url, gateway, lease=1) as sleeper:
            await until_received(gateway, 1)
            sleeper.send_signal(signal.SIGSTOP)
            async with worker(database_url, gateway, lease=1):
                await until_none_is_left(database)
            sleeper.send_signal(signal.SIGCONT)
            await asyncio.sleep(1)

        await check(database, gateway, BATCH)
        assert max(texts(gateway).values()) == 2
        assert await logged(database) == BATCH


async def logged(database: Database) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count(col(DeliveryAttempt.id))))).one()
