"""GraphQL over server-sent events, in the mode of distinct connections: one request, one subscription, its answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from api.auth import caller_from, token_of
from api.graphql.context import Context, Service
from api.graphql.open_streams import MOST_OPEN, Streams
from api.graphql.requests import JSON, Asked, NotWellFormed, read
from api.graphql.streams import SLOWEST_SECONDS, answers
from api.graphql.view import refusal
from scheduler.callers import Caller

KEEP_ALIVE_SECONDS = 12.0
KEEP_ALIVE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream:
    """The endpoint of subscriptions over server-sent events."""

    def __init__(self, service: Service, streams: Streams) -> None:
        self.service, self.streams = service, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for as long as it is followed."""
        request = Request(scope, receive)
        token = token_of(request, is_secure=self.service.is_secure)
        caller = await caller_from(self.service.database, self.service.clock, token)
        try:
            asked = await read(request)
        except NotWellFormed as wrong:
            await refusal(wrong, JSON)(scope, receive, send)
            return
        if caller is None:
            await said(HTTPStatus.UNAUTHORIZED, "NOT_SIGNED_IN", "Sign in first.")(scope, receive, send)
            return
        with self.streams.opened(caller.account_id) as may:
            if not may:
                why = f"You follow {MOST_OPEN} streams already: end one first."
                await said(HTTPStatus.TOO_MANY_REQUESTS, "LIMIT_EXCEEDED", why)(scope, receive, send)
                return
            events = self.events(asked, caller, token)
            await StreamingResponse(events, media_type="text/event-stream", headers=UNBUFFERED)(
                scope, receive, patient(send)
            )

    async def events(self, asked: Asked, caller: Caller, token: str | None) -> AsyncIterator[bytes]:
        """Each answer as an event, and a sign of life in between; the last one says that it is complete."""
        context = Context(self.service, caller=caller, token=token, response=Response())
        async with aclosing(answers(context, asked)) as told:  # type: ignore[type-var]  # a generator
            over = asyncio.create_task(self.streams.are_over.wait())
            following = asyncio.ensure_future(anext(told, None))
            try:
                while not over.done():
                    await asyncio.wait(
                        {over, following}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if not following.done():
                        yield KEEP_ALIVE
                        continue
                    if (answer := following.result()) is None:
                        break
                    yield b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n"
                    following = asyncio.ensure_future(anext(told, None))
                yield COMPLETE
            finally:
                over.cancel()
                following.cancel()
                await asyncio.wait({over, following})


def patient(send: Send) -> Send:
    """Send, or give up on whoever takes nothing."""

    async def send_in_time(message: object) -> None:
        async with asyncio.timeout(SLOWEST_SECONDS):
            await send(message)  # type: ignore[arg-type]

    return send_in_time


def said(status: HTTPStatus, code: str, message: str) -> JSONResponse:
    """Why there is no stream."""
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code}}]}, status)
