"""Several API processes on one database, and clients that ask whichever is there, again until they are answered."""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.database import Database
from models.parties import Account, SignIn
from scheduler.accounts import hashed
from scheduler.callers import Caller
from tests.factories import NOW
from tests.race.api_process import moment

MOST_TRIES = 2000
ROOT = Path(__file__).parents[2]


@dataclass
class Fleet:
    """API processes; one that is killed is replaced by whoever asks it next."""

    url: str
    size: int = 4
    speed: float = 0.0
    begun: float = field(default_factory=time.time)
    starts: int = 0
    kills: int = 0
    clients: "list[Client]" = field(default_factory=list)
    _living: dict[int, tuple[int, str]] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _source: asyncio.subprocess.Process | None = None

    def now(self) -> datetime:
        return moment(self.begun, self.speed)

    async def address(self, place: int) -> str:
        """Where the process at this place listens, a new one if the last was killed."""
        async with self._starting:
            if place not in self._living:
                self._living[place] = await self._started()
            return self._living[place][1]

    async def _started(self) -> tuple[int, str]:
        self.starts += 1
        if self._source is None:
            self._source = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.race.api_process", str(self.begun), str(self.speed)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        assert self._source.stdin is not None
        assert self._source.stdout is not None
        self._source.stdin.write(f"{self.url}\n".encode())
        await self._source.stdin.drain()
        pid, address = (await self._source.stdout.readline()).decode().split()
        return int(pid), address

    def kill(self, place: int) -> None:
        """End the process at this place with -9, if it is there."""
        if place in self._living:
            pid, _ = self._living.pop(place)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.kills += 1

    async def end(self) -> None:
        """Hang up, and kill all that is left."""
        for client in self.clients:
            await client.hang_up()
        for place in range(self.size):
            self.kill(place)
        if self._source is not None:
            assert self._source.stdin is not None
            self._source.stdin.close()
            self._source.kill()
            await self._source.wait()


@asynccontextmanager
async def fleet(url: str, **given: Any) -> AsyncIterator[Fleet]:
    started = Fleet(url, **given)
    try:
        await asyncio.gather(*(started.address(place) for place in range(started.size)))
        yield started
    finally:
        await started.end()


async def signed_in(database: Database, caller: Caller) -> str:
    """A token of the caller's."""
    token = f"token of {caller.account_id}"
    async with database.writing(actor="test", now=NOW) as db:
        account = await db.get_one(Account, caller.account_id)
        until = NOW.replace(year=NOW.year + 1)
        db.add(SignIn(account_id=account.id, token_hash=hashed(token), signed_in_at=NOW, expires_at=until))
    return token


@dataclass
class Client:
    """Somebody with a token who sends a write under a key until there is an answer, and waits when told BUSY."""

    fleet: Fleet
    token: str
    chance: random.Random
    busy: int = 0
    lost: int = 0
    _open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def __post_init__(self) -> None:
        self.fleet.clients.append(self)

    async def told(self, key: str, document: str, variables: dict[str, Any]) -> Any:
        """
        The payload that the write under this key is answered with, however often it takes.

        Raises:
            TimeoutError: There was none although processes and server are there again.
        """
        for _ in range(MOST_TRIES):
            try:
                answer = await asyncio.wait_for(self.asked(key, document, variables), timeout=30)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
                self.lost += 1
                await self.hang_up()
                await asyncio.sleep(0.1)
                continue
            if answer.get("errors") or answer.get("data") is None:
                self.lost += 1
                await asyncio.sleep(0.1)
                continue
            (payload,) = answer["data"].values()
            errors = payload["userErrors"]
            waits = [error["retryAfterMilliseconds"] for error in errors if "retryAfterMilliseconds" in error]
            if not waits:
                return payload
            self.busy += 1
            await asyncio.sleep(max(waits) / 1000 * self.chance.uniform(1, 2))
        raise TimeoutError(f"nobody answered {key}")

    async def asked(self, key: str, document: str, variables: dict[str, Any]) -> Any:
        """One request over HTTP, on a connection that is kept."""
        if self._open is None:
            place = urlsplit(await self.fleet.address(self.chance.randrange(self.fleet.size)))
            self._open = await asyncio.open_connection(place.hostname, place.port)
        reader, writer = self._open
        body = json.dumps({"query": document, "variables": variables}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: doorstep.test\r\nauthorization: Bearer {self.token}\r\n"
            f"idempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        said = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in said.split("\r\n") if line.startswith("content-length"))
        return json.loads(await reader.readexactly(length))

    async def hang_up(self) -> None:
        """Leave the connection, as it is."""
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
