"""Subscriptions, by the reference clients of both protocols (`graphql-ws`, `graphql-sse`)."""

import asyncio

import orjson
import pytest

from models.database import Database
from models.sessions import Session
from tests.api.streaming import TOKEN, served
from tests.asking import global_id
from tests.conformance.node import NODE, suite

pytestmark = [pytest.mark.asyncio, pytest.mark.conformance]

DOCUMENT = "subscription ($ids: [ID!]!) { sessionPlacesChanged(sessionIds: $ids) { id openPlaces } }"


@pytest.mark.parametrize("kind", ["ws", "sse"])
async def test_the_reference_client_has_the_places_as_they_stand_and_then_each_change(
    database: Database, kind: str
) -> None:
    async with served(database) as running:
        key = running.world.session.id
        variables = orjson.dumps({"ids": [global_id("Session", key)]}).decode()
        process = await asyncio.create_subprocess_exec(
            NODE,
            "follow.mjs",
            *(kind, running.url, TOKEN, DOCUMENT, variables, "2"),
            cwd=suite("subscriptions"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout
        async with asyncio.timeout(60):
            first = orjson.loads(await process.stdout.readline())
            async with running.world.writing() as db:
                (await db.get_one(Session, key)).places += 1
            second = orjson.loads(await process.stdout.readline())
            assert await process.wait() == 0

    found = [each["data"]["sessionPlacesChanged"]["openPlaces"] for each in (first, second)]
    assert found == [found[0], found[0] + 1]
