"""Whoever follows rows has them as they stand, then each change, for as long as they may see them."""

import asyncio
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.graphql import socket as sockets
from api.graphql.open_streams import MOST_OPEN
from models.database import Database
from models.sessions import Session
from scheduler.accounts import TOKEN_LIFETIME
from tests.api.streaming import TOKEN, Served, heard, say, served
from tests.asking import global_id
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

PLACES = "subscription ($ids: [ID!]!) { sessionPlacesChanged(sessionIds: $ids) { id openPlaces } }"


async def add_place(running: Served) -> None:
    async with running.world.writing() as db:
        (await db.get_one(Session, running.world.session.id)).places += 1


def asked(*session_ids: int, document: str = PLACES) -> dict[str, Any]:
    return {"query": document, "variables": {"ids": [global_id("Session", each) for each in session_ids]}}


async def closed_with(socket: ClientConnection) -> int:
    """Read on until the other side closes; its code."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(30):
            while True:
                await socket.recv()
    return socket.close_code or 0


async def open_places(socket: ClientConnection) -> int:
    message = await heard(socket)
    assert message["type"] == "next", message
    return int(message["payload"]["data"]["sessionPlacesChanged"]["openPlaces"])


async def test_a_socket_has_the_places_as_they_stand_and_then_each_change(database: Database) -> None:
    async with served(database) as running, running.socket() as socket:
        await say(socket, id="1", type="subscribe", payload=asked(running.world.session.id))
        before = await open_places(socket)
        await add_place(running)
        assert await open_places(socket) == before + 1

        await say(socket, id="1", type="complete")
        await say(socket, type="ping")
        assert await heard(socket) == {"type": "pong"}


async def test_events_of_a_request_have_the_places_as_they_stand_and_then_each_change(database: Database) -> None:
    async with served(database) as running, httpx.AsyncClient(timeout=60) as client:
        sent = asked(running.world.session.id)
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        async with client.stream("POST", f"{running.url}/graphql/stream", json=sent, headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.aiter_lines()
            found = []
            async for line in lines:
                if line.startswith("data: "):
                    data = orjson.loads(line.removeprefix("data: "))["data"]
                    found.append(data["sessionPlacesChanged"]["openPlaces"])
                    if len(found) == 1:
                        await add_place(running)
                    if len(found) == 2:
                        running.service.streams.are_over.set()
                if line == "event: complete":
                    break
    assert found == [found[0], found[0] + 1]


async def test_what_may_not_be_seen_is_not_followed(database: Database) -> None:
    async with served(database) as running, running.socket() as socket:
        document = "subscription ($ids: [ID!]!) { bookingUpdated(bookingIds: $ids) { id } }"
        sent = {"query": document, "variables": {"ids": [global_id("Booking", 999)]}}

        await say(socket, id="1", type="subscribe", payload=sent)

        refused = await heard(socket)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")


async def test_a_sign_in_that_ran_out_ends_what_it_follows(database: Database) -> None:
    async with served(database) as running, running.socket() as socket:
        await say(socket, id="1", type="subscribe", payload=asked(running.world.session.id))
        await open_places(socket)
        running.clock.advance_to(NOW + TOKEN_LIFETIME)
        await add_place(running)

        refused = await heard(socket)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "NOT_SIGNED_IN")


async def test_only_subscriptions_are_taken(database: Database) -> None:
    async with served(database) as running, running.socket() as socket:
        await say(socket, id="1", type="subscribe", payload={"query": "{ viewer { name } }"})

        assert (await heard(socket))["type"] == "error"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}], 4401),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer nobody"}}], 4403),
        ([{"no": "type"}], 4400),
    ],
)
async def test_whoever_is_not_signed_in_or_breaks_the_protocol_is_closed(
    database: Database, messages: list[dict[str, Any]], code: int
) -> None:
    async with served(database) as running, running.socket(token=None) as socket:
        for message in messages:
            await say(socket, **message)

        assert await closed_with(socket) == code


async def test_the_limits_of_a_socket_and_of_an_account_hold(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MOST_OPERATIONS", 2)
    async with served(database) as running:
        payload = asked(running.world.session.id)
        async with running.socket() as socket:
            for key in ("1", "2", "3"):
                await say(socket, id=key, type="subscribe", payload=payload)
            assert await closed_with(socket) == 4429
        async with running.socket() as socket:
            await say(socket, id="1", type="subscribe", payload=payload)
            await say(socket, id="1", type="subscribe", payload=payload)
            assert await closed_with(socket) == 4409
        async with running.socket() as socket:
            await socket.send("x" * (sockets.MOST_CHARACTERS + 1))
            assert await closed_with(socket) == 1009
        account = running.world.firm.caller.account_id
        with ExitStack() as others:
            assert all(others.enter_context(running.service.streams.opened(account)) for _ in range(MOST_OPEN))
            async with running.socket() as socket:
                assert await closed_with(socket) == 4429


async def test_who_follows_nothing_or_does_not_greet_is_closed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(sockets, "INIT_SECONDS", 5.0)
    async with served(database) as running:
        async with running.socket() as socket:
            assert await closed_with(socket) == 1000
        monkeypatch.setattr(sockets, "INIT_SECONDS", 0.05)
        async with running.socket(token=None) as socket:
            assert await closed_with(socket) == 4408


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_a_foreign_page_opens_no_socket(database: Database, headers: dict[str, str]) -> None:
    async with served(database) as running:
        with pytest.raises(InvalidStatus) as refused:
            async with running.socket(additional_headers=headers):
                pass
    assert refused.value.response.status_code == 403


async def test_the_legacy_protocol_is_not_spoken(database: Database) -> None:
    async with served(database) as running, running.socket(token=None, subprotocols=None) as socket:
        assert await closed_with(socket) == 4406
