"""Clients over real HTTP at four API processes of one database: a key is done once, also where its answer was lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from models.database import Database
from models.vocabulary import HoldState
from tests.asking import global_id
from tests.race.fleet import Client, Fleet, fleet, signed_in
from tests.scenes import Firm, Scene, make_firm, scene

pytestmark = pytest.mark.asyncio

PLACES = 15
HOLD = """mutation ($input: PlacesHoldInput!) { placesHold(input: $input) {
  hold { id people } userErrors { code ... on BusyRefusal { retryAfterMilliseconds } } } }"""


@pytest_asyncio.fixture
async def ships(database_url: str) -> AsyncIterator[Fleet]:
    async with fleet(database_url) as started:
        yield started


async def clients(at: Scene, ships: Fleet, number: int, *, people: int = 0) -> list[tuple[Client, Firm]]:
    """So many firms, each with a client of its own."""
    async with at.writing() as db:
        firms = [await make_firm(db, at.district, people) for _ in range(number)]
    tokens = [await signed_in(at.database, firm.caller) for firm in firms]
    return [
        (Client(ships, token, random.Random(n)), firm)
        for n, (token, firm) in enumerate(zip(tokens, firms, strict=True))
    ]


def wish(at: Scene, people: int = 1) -> dict[str, Any]:
    return {"input": {"sessionId": global_id("Session", at.session.id), "people": people}}


def outcome(payload: Any) -> str:
    return payload["userErrors"][0]["code"] if payload["userErrors"] else "done"


async def test_one_key_sent_to_four_processes_at_once_is_done_once(database: Database, ships: Fleet) -> None:
    at = await scene(database, people=0, places=PLACES)
    ((client, _),) = await clients(at, ships, 1)
    same = [Client(ships, client.token, random.Random(n)) for n in range(16)]

    told = await asyncio.gather(*(each.told("the same", HOLD, wish(at, 2)) for each in same))
    other = await client.told("the same", HOLD, wish(at, 3))

    assert len({payload["hold"]["id"] for payload in told}) == 1
    assert outcome(other) == "KEY_REUSED"
    assert (await at.held(), await at.holds()) == (2, [HoldState.HELD])


async def test_an_answer_that_was_lost_with_its_process_is_given_by_another(database: Database, ships: Fleet) -> None:
    at = await scene(database, people=0, places=PLACES)
    ((client, _),) = await clients(at, ships, 1)
    first = await client.told("lost", HOLD, wish(at, 2))
    for place in range(ships.size):
        ships.kill(place)

    again = await client.told("lost", HOLD, wish(at, 2))

    assert again["hold"] == first["hold"]
    assert client.lost > 0
    assert await at.held() == 2
