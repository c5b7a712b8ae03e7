"""Clients that hold single places through the use case, or through GraphQL; run as a process, says what it measured."""

import argparse
import asyncio
import json
import random
import resource
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field

from ground import FIRMS
from starlette.responses import Response
from strawberry.relay import to_base64

from api.graphql.context import DESK_LINE, Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.sealing import Sealer
from models.vocabulary import Role
from scheduler.callers import Caller
from scheduler.clock import system_clock
from scheduler.holding import Choice, choose_places
from scheduler.idempotency import KeyedWrite, fingerprint_of
from scheduler.line import Line
from scheduler.refusals import Refused

# Holds a place under a key; says after how many milliseconds to ask again if it was told BUSY.
Book = Callable[[Caller, int, str], Awaitable[int | None]]
DOCUMENT = """
mutation ($input: PlacesHoldInput!) { placesHold(input: $input) {
  hold { id people heldUntil secondsLeft } userErrors { code message ... on BusyRefusal { retryAfterMilliseconds } } } }
"""
WARM = DESK_LINE
SEALER = Sealer(b"a secret for the bench only, 32b", b"a pepper for the bench only, 32b")


def through_the_use_case(database: Database) -> Book:
    """Book as a resolver does."""
    line = Line(DESK_LINE)

    async def book(caller: Caller, session_id: int, key: str) -> int | None:
        write = KeyedWrite(caller.account_id, key, fingerprint_of("hold", {"session": session_id}))
        try:
            async with line.turn():
                held = await choose_places(
                    database, Choice(session_id, 1), write=write, caller=caller, now=system_clock()
                )
        except Refused as busy:
            return busy.reasons[0].retry_ms
        assert held.people == 1
        return None

    return book


def through_graphql(database: Database) -> Book:
    """Book by a keyed mutation, parsed, executed and rendered."""
    service = Service(database=database, clock=system_clock, sealer=SEALER)

    async def book(caller: Caller, session_id: int, key: str) -> int | None:
        context = Context(service, caller=caller, token=None, response=Response())
        context.idempotency_key = key
        taken = {"sessionId": to_base64("Session", session_id), "people": 1}
        done = await schema.execute(DOCUMENT, variable_values={"input": taken}, context_value=context)
        assert not done.errors
        assert done.data
        for error in done.data["placesHold"]["userErrors"]:
            return int(error["retryAfterMilliseconds"])
        return None

    return book


@dataclass
class Took:
    """What clients saw, in seconds: answers, answers of BUSY, and the whole way from the first try to the place."""

    answer: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    place: list[float] = field(default_factory=list)


async def client(number: int, book: Book, *, sessions: tuple[int, int], until: float, took: Took) -> None:
    """One client, who holds place after place until the time is up, and asks again when told BUSY."""
    chance = random.Random(number)  # noqa: S311  # repeatable, no secrets
    while (first := time.perf_counter()) < until:
        firm, key = chance.randint(1, FIRMS), str(uuid.uuid4())
        caller = Caller(firm, Role.ENTERPRISE, "clerk", enterprise_id=firm, bureau_id=1)
        session_id, begun = chance.randint(*sessions), first
        while (retry_ms := await book(caller, session_id, key)) is not None:
            took.busy.append(time.perf_counter() - begun)
            await asyncio.sleep(retry_ms / 1000 * chance.uniform(1, 2))
            begun = time.perf_counter()
        took.answer.append(time.perf_counter() - begun)
        took.place.append(time.perf_counter() - first)


async def measured(given: argparse.Namespace) -> dict[str, object]:
    """Let the clients book, and say how long each booking took and what it cost this process."""
    database = Database(given.url)
    book = through_graphql(database) if given.graphql else through_the_use_case(database)
    warm = Caller(1, Role.ENTERPRISE, "clerk", enterprise_id=1, bureau_id=1)
    await asyncio.gather(*(book(warm, given.sessions[0], str(uuid.uuid4())) for _ in range(WARM)))
    before, until = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() + given.seconds
    numbers = range(given.number, given.number + given.clients)
    took = Took()
    sessions = (given.sessions[0], given.sessions[1])
    await asyncio.gather(*(client(n, book, sessions=sessions, until=until, took=took) for n in numbers))
    after = resource.getrusage(resource.RUSAGE_SELF)
    await database.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return asdict(took) | {"cpu": cpu, "warm": WARM}


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("url")
    asked.add_argument("--clients", type=int, required=True)
    asked.add_argument("--number", type=int, required=True)
    asked.add_argument("--seconds", type=float, required=True)
    asked.add_argument("--sessions", type=int, nargs=2, required=True)
    asked.add_argument("--graphql", action="store_true")
    print(json.dumps(asyncio.run(measured(asked.parse_args()))))
