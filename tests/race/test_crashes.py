"""
API processes and PostgreSQL itself are killed with -9 while clients book and, not knowing what was done, ask again.

Afterwards every place that was acknowledged is there, nobody has two, and the auditor finds nothing.
"""

import asyncio
import dataclasses
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlmodel import col, select

from models.bookings import Booking, Hold
from models.database import Database
from models.embedded import EmbeddedServer, remove_data
from models.migrations import run
from tests.asking import global_id
from tests.scenes import ANY_SHARE, Firm, Scene, make_firm, scene

ROOT = Path(__file__).parents[2]
HOLD = """mutation ($input: PlacesHoldInput!) { placesHold(input: $input) {
  hold { id people } userErrors { code ... on BusyRefusal { retryAfterMilliseconds } } } }"""
CONFIRM = """mutation ($input: HoldConfirmInput!) { holdConfirm(input: $input) {
  bookings { id } userErrors { code ... on BusyRefusal { retryAfterMilliseconds } } } }"""
PLACES = 40


class Mortal:
    """A server on a folder of its own, with durable settings, that can be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = EmbeddedServer.start(folder, durable=True)
        self.name = "crashes"

    @property
    def url(self) -> str:
        return self._server.url(self.name)

    async def make(self) -> None:
        await self._server.create_database(self.name)
        await run.upgrade(self.url)

    def die_and_return(self) -> None:
        pid = int((self._folder / "cluster" / "postmaster.pid").resolve().read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        for process in [postmaster, *postmaster.children()]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self._server.stop()
        self._server = EmbeddedServer.start(self._folder, durable=True)

    def stop(self) -> None:
        self._server.stop()
        remove_data(self._folder)


@dataclass
class Clerk:
    """A client of one firm: it holds a place and names somebody, again and again, under a key for each."""

    firm: Firm
    mortal: Mortal
    session_id: int
    acknowledged: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    async def book(self) -> None:
        """Book everybody of the firm, one after the other, until the session is full."""
        session = global_id("Session", self.session_id)
        for worker_id in self.firm.ids():
            held = await self.told(f"hold {worker_id}", HOLD, {"sessionId": session, "people": 1})
            if held["userErrors"]:
                self.refused += [error["code"] for error in held["userErrors"]]
                continue
            named = {"holdId": held["hold"]["id"], "workerIds": [global_id("Worker", worker_id)]}
            done = await self.told(f"name {worker_id}", CONFIRM, named)
            assert done["userErrors"] == []

    async def told(self, key: str, document: str, taken: dict[str, Any]) -> Any:
        """What the write under this key is answered, however often it takes to hear it."""
        while True:
            answer = await self.asked(key, document, taken)
            if answer is None or answer["errors"]:
                await asyncio.sleep(0.1)
                continue
            (payload,) = answer["data"].values()
            self.acknowledged[key] = payload
            return payload

    async def asked(self, key: str, document: str, taken: dict[str, Any]) -> Any:
        """One try: the answer, or None where the process died before it."""
        process = await self.living()
        line = json.dumps({"key": key, "document": document, "variables": {"input": taken}})
        with suppress(ConnectionError, TimeoutError):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{line}\n".encode())
            await process.stdin.drain()
            if said := await asyncio.wait_for(process.stdout.readline(), timeout=60):
                return json.loads(said)
        return None

    async def living(self) -> asyncio.subprocess.Process:
        """The API process, a new one where the last was killed."""
        if self.process is None or self.process.returncode is not None:
            self.starts += 1
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.race.desk_process", self.mortal.url),
                json.dumps(dataclasses.asdict(self.firm.caller)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        return self.process

    def killed(self) -> bool:
        """Kill the process as it is, if it is there."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.kill()
        return True


@pytest.fixture
def mortal(open_folder: Path) -> Iterator[Mortal]:
    server = Mortal(open_folder / "mortal")
    yield server
    server.stop()


@asynccontextmanager
async def opened(mortal: Mortal) -> AsyncIterator[Database]:
    database = Database(mortal.url)
    yield database
    await database.close()


async def kill_at_random(mortal: Mortal, clerks: list[Clerk], *, kills: int, crashes: int) -> int:
    """Kill API processes at random moments, and now and then PostgreSQL; says how many processes it met."""
    chance, met = random.Random(5), 0
    crash_after = {(n + 1) * kills // (crashes + 1) for n in range(crashes)}
    for n in range(kills):
        await asyncio.sleep(chance.uniform(0.2, 2.0))
        met += chance.choice(clerks).killed()
        if n in crash_after:
            await asyncio.to_thread(mortal.die_and_return)
            # The sockets of the old server are gone: its processes know a dead address.
            for clerk in clerks:
                clerk.killed()
    return met


async def book_through_crashes(mortal: Mortal, *, people: int, kills: int, crashes: int) -> None:
    await mortal.make()
    async with opened(mortal) as database:
        at = await scene(database, places=PLACES, policy=ANY_SHARE)
        async with at.writing() as db:
            firms = [await make_firm(db, at.district, people) for _ in range(3)]
    clerks = [Clerk(firm, mortal, at.session.id) for firm in firms]

    killing = asyncio.create_task(kill_at_random(mortal, clerks, kills=kills, crashes=crashes))
    await asyncio.gather(*(clerk.book() for clerk in clerks))
    await killing
    for clerk in clerks:
        clerk.killed()

    async with opened(mortal) as database:
        await check(dataclasses.replace(at, database=database), clerks, people=people)


async def check(at: Scene, clerks: list[Clerk], *, people: int) -> None:
    """What was acknowledged is there, once, and nothing else."""
    async with at.database.reading() as db:
        bookings = {global_id("Booking", row.id): row for row in (await db.exec(select(Booking))).all()}
        holds = (await db.exec(select(col(Hold.id)))).all()
    answers = [answer for clerk in clerks for answer in clerk.acknowledged.values()]
    named = [booking["id"] for answer in answers for booking in answer.get("bookings") or []]
    held = [answer["hold"]["id"] for answer in answers if answer.get("hold")]
    assert sorted(named) == sorted(bookings)
    assert sorted(held) == sorted(global_id("Hold", hold_id) for hold_id in holds)
    assert len({row.worker_id for row in bookings.values()}) == len(bookings) == min(PLACES, 3 * people)
    assert {code for clerk in clerks for code in clerk.refused} <= {"FULL", "OVER_SHARE"}
    assert await at.violations() == []


@pytest.mark.asyncio
async def test_what_was_acknowledged_survives_kills_of_processes_and_of_the_server(mortal: Mortal) -> None:
    await book_through_crashes(mortal, people=15, kills=6, crashes=1)


@pytest.mark.long
@pytest.mark.asyncio
async def test_what_was_acknowledged_survives_many_kills(mortal: Mortal) -> None:
    await book_through_crashes(mortal, people=150, kills=100, crashes=10)
