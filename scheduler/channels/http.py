"""
One HTTP POST to somebody else's server: bounded in time, in what is read, and in where it may lead.

A redirect is an answer like any other and is not followed. Of the answer only its status and headers count, so its body
is not read at all. No proxy of the environment is used.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpcore

from scheduler.channels.addresses import AddressRefused
from scheduler.channels.letter import Outcome

LONGEST = timedelta(seconds=15)
MOST_AGAIN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Call:
    """What is posted, and where."""

    url: str
    headers: Mapping[str, str]
    content: bytes


@asynccontextmanager
async def calling(backend: httpcore.AsyncNetworkBackend | None = None) -> AsyncIterator[httpcore.AsyncConnectionPool]:
    """Open a pool for one batch of calls: a connection each, none kept."""
    async with httpcore.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(),
        max_connections=None,
        max_keepalive_connections=0,
        network_backend=backend,
    ) as pool:
        yield pool


async def post(pool: httpcore.AsyncConnectionPool, call: Call, *, now: datetime, longest: timedelta) -> Outcome:
    """Post once; whatever the other side does becomes an outcome."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(longest.total_seconds()):
            outcome = await _answered(pool, call, now=now)
    except (TimeoutError, httpcore.TimeoutException):
        outcome = Outcome(f"no answer within {longest.total_seconds():g} seconds")
    except AddressRefused as error:
        outcome = Outcome(str(error))
    except (httpcore.ConnectError, OSError):
        outcome = Outcome("no connection: nobody answers, or the certificate does not fit")
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        outcome = Outcome("the connection broke, or what came was no HTTP")
    return replace(outcome, took_ms=round((time.monotonic() - began) * 1000))


async def _answered(pool: httpcore.AsyncConnectionPool, call: Call, *, now: datetime) -> Outcome:
    headers = {"content-type": "application/json", "user-agent": "doorstep", **call.headers}
    sent = pool.stream(
        "POST", call.url, headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        content=call.content,
    )  # fmt: skip
    async with sent as answer:
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return Outcome(status=answer.status)
        given = {name.lower(): value for name, value in answer.headers}
        return Outcome(
            f"answered {answer.status}",
            status=answer.status,
            again_after=again_after(given.get(b"retry-after", b"").decode("ascii", "replace"), now=now),
        )


def again_after(said: str, *, now: datetime) -> timedelta | None:
    """How long a Retry-After asks us to wait: seconds or a date (RFC 9110, 10.2.3), a day at most."""
    said = said.strip()
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), MOST_AGAIN_AFTER)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(aware - now, timedelta()), MOST_AGAIN_AFTER)
