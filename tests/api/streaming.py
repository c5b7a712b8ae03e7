"""A service on a port of its own, for those who follow what changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from api.app import application
from api.commands.serving import bind, serving
from api.graphql.context import Service
from models.database import Database
from models.parties import SignIn
from scheduler.accounts import TOKEN_LIFETIME, hashed
from scheduler.callers import Caller
from scheduler.change_feed import ChangeFeed
from scheduler.clock import SetClock
from tests.factories import NOW, SEALER
from tests.scenes import Scene, scene

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of a made-up account


@dataclass
class Served:
    """A service that runs, and the scene it shows."""

    url: str
    world: Scene
    clock: SetClock
    service: Service

    async def sign_in(self, caller: Caller, token: str = TOKEN) -> None:
        """Let the token stand for somebody."""
        async with self.world.writing() as db:
            expires_at = NOW + TOKEN_LIFETIME
            row = {"token_hash": hashed(token), "signed_in_at": NOW, "expires_at": expires_at}
            db.add(SignIn(account_id=caller.account_id, **row))

    @asynccontextmanager
    async def socket(self, token: str | None = TOKEN, **given: Any) -> AsyncIterator[ClientConnection]:
        """A socket, greeted if there is a token."""
        own = {"subprotocols": ["graphql-transport-ws"]} | given
        async with connect(self.url.replace("http", "ws") + "/graphql", **own) as socket:
            if token is not None:
                await say(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
                assert await heard(socket) == {"type": "connection_ack"}
            yield socket


@asynccontextmanager
async def served(database: Database) -> AsyncIterator[Served]:
    """Serve a scene whose firm's clerk is signed in."""
    world, clock = await scene(database), SetClock(NOW)
    async with ChangeFeed(database) as feed:
        service = Service(database=database, clock=clock, sealer=SEALER, feed=feed)
        with bind("127.0.0.1", 0) as listener:
            async with serving(application(service), listener) as url:
                running = Served(url, world, clock, service)
                await running.sign_in(world.firm.caller)
                yield running
                service.streams.are_over.set()


async def say(socket: ClientConnection, **message: Any) -> None:
    """Send a message."""
    await socket.send(orjson.dumps(message).decode())


async def heard(socket: ClientConnection) -> Any:
    """The next message."""
    return orjson.loads(await socket.recv())
