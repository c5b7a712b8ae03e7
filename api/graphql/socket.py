"""Subscriptions over a WebSocket by the protocol `graphql-transport-ws`; the legacy protocol is not spoken."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.auth import BEARER, caller_from, token_of
from api.graphql.context import Context, Service
from api.graphql.open_streams import Streams
from api.graphql.requests import Asked
from api.graphql.streams import SLOWEST_SECONDS, answers
from scheduler.callers import Caller

PROTOCOL = "graphql-transport-ws"
MOST_OPERATIONS = 50
MOST_CHARACTERS = 65_536
INIT_SECONDS, IDLE_SECONDS = 10.0, 60.0


class Closed(Exception):
    """The socket is to be closed, with a code of the protocol and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class SocketDoor:
    """The endpoint of subscriptions over WebSocket."""

    def __init__(self, service: Service, streams: Streams) -> None:
        self.service, self.streams = service, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Talk to one client until either side ends it."""
        socket = WebSocket(scope, receive, send)
        spoken = socket.scope.get("subprotocols", [])
        await socket.accept(PROTOCOL if PROTOCOL in spoken else None)
        try:
            await self.talk(socket, is_spoken=PROTOCOL in spoken)
        except Closed as closed:
            with suppress(RuntimeError):
                await socket.close(closed.code, closed.reason)
        except WebSocketDisconnect:
            return

    async def talk(self, socket: WebSocket, *, is_spoken: bool) -> None:
        """
        Greet, and hold a talk.

        Raises:
            Closed: 4406 for another protocol, 4429 for too many sockets, and as the greeting and the talk say.
        """
        if not is_spoken:
            raise Closed(4406, "Subprotocol not acceptable")
        caller, token = await self.greeted(socket)
        with self.streams.opened(caller.account_id) as may:
            if not may:
                raise Closed(4429, "Too many sockets")
            await Talk(self.service, socket, caller, token).held()

    async def greeted(self, socket: WebSocket) -> tuple[Caller, str | None]:
        """
        Who is there: by the header or cookie of the handshake, else by `authorization` in the first message.

        Raises:
            Closed: 4408 when it does not come, 4401 for another message, 4403 for nobody that we know.
        """
        try:
            async with asyncio.timeout(INIT_SECONDS):
                message = await heard(socket)
        except TimeoutError as late:
            raise Closed(4408, "Connection initialisation timeout") from late
        if message["type"] != "connection_init":
            raise Closed(4401, "Unauthorized")
        given = message.get("payload")
        said = given.get("authorization", given.get("Authorization", "")) if isinstance(given, Mapping) else ""
        is_bearer = isinstance(said, str) and said.lower().startswith(BEARER)
        token = said[len(BEARER) :].strip() if is_bearer else token_of(socket, is_secure=self.service.is_secure)
        caller = await caller_from(self.service.database, self.service.clock, token)
        if caller is None:
            raise Closed(4403, "Forbidden")
        await tell(socket, type="connection_ack")
        return caller, token


class Talk:
    """What is said over one socket after the greeting."""

    def __init__(self, service: Service, socket: WebSocket, caller: Caller, token: str | None) -> None:
        self.service, self.socket, self.caller, self.token = service, socket, caller, token
        self._following: dict[str, asyncio.Task[None]] = {}

    async def held(self) -> None:
        """
        Take message after message, and end what is followed with the socket.

        Raises:
            Closed: The client breaks the protocol or a limit, follows nothing for a minute, or takes nothing.
        """
        try:
            while True:
                try:
                    async with asyncio.timeout(IDLE_SECONDS):
                        message = await heard(self.socket)
                except TimeoutError as idle:
                    if not self._following:
                        raise Closed(1000, "Idle: nothing is followed") from idle
                    continue
                await self.take(message)
        finally:
            for task in self._following.values():
                task.cancel()
            await asyncio.gather(*self._following.values(), return_exceptions=True)

    async def take(self, message: Mapping[str, Any]) -> None:
        """Do what one message says."""
        match message["type"]:
            case "ping":
                await tell(self.socket, type="pong")
            case "pong":
                return
            case "subscribe":
                self.follow(message)
            case "complete":
                if task := self._following.pop(str(message.get("id")), None):
                    task.cancel()
            case "connection_init":
                raise Closed(4429, "Too many initialisation requests")
            case _:
                raise Closed(4400, "Invalid message")

    def follow(self, message: Mapping[str, Any]) -> None:
        """Begin an operation."""
        key, asked = message.get("id"), asked_in(message.get("payload"))
        if not isinstance(key, str) or not key or asked is None:
            raise Closed(4400, "Invalid message")
        if key in self._following:
            raise Closed(4409, f"Subscriber for {key[:40]} already exists")
        if len(self._following) >= MOST_OPERATIONS:
            raise Closed(4429, "Too many operations")
        self._following[key] = asyncio.create_task(self.told(key, asked))

    async def told(self, key: str, asked: Asked) -> None:
        """Send each answer of an operation; one that could not begin, or is refused, ends by its error."""
        context = Context(self.service, caller=self.caller, token=self.token, response=Response())
        try:
            async with aclosing(answers(context, asked)) as found:  # type: ignore[type-var]  # a generator
                async for answer in found:
                    if "data" not in answer:
                        await tell(self.socket, id=key, type="error", payload=answer["errors"])
                        return
                    await tell(self.socket, id=key, type="next", payload=answer)
            await tell(self.socket, id=key, type="complete")
        except TimeoutError:
            with suppress(RuntimeError):
                await self.socket.close(4408, "Too slow")
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            self._following.pop(key, None)


def asked_in(payload: object) -> Asked | None:
    """The operation that a message asks for, if it is well formed."""
    if not isinstance(payload, Mapping) or not isinstance(payload.get("query"), str):
        return None
    variables, name = payload.get("variables"), payload.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(name, str | None):
        return None
    return Asked(payload["query"], variables, name, None)


async def heard(socket: WebSocket) -> Mapping[str, Any]:
    """
    The next message.

    Raises:
        Closed: It is too long, or none of the protocol.
    """
    text = await socket.receive_text()
    if len(text) > MOST_CHARACTERS:
        raise Closed(1009, "Message too long")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Closed(4400, "Invalid message") from error
    if not isinstance(message, Mapping) or not isinstance(message.get("type"), str):
        raise Closed(4400, "Invalid message")
    return message


async def tell(socket: WebSocket, **message: Any) -> None:
    """Send a message; TimeoutError if the client takes nothing for long."""
    async with asyncio.timeout(SLOWEST_SECONDS):
        await socket.send_text(orjson.dumps(message).decode())
