"""
What the door costs before anything is read, beside stock Strawberry; what it refuses; and a page of sessions.

    python bench/graphql/guard.py [ROWS]
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import strawberry
from graphql import GraphQLSchema
from rich.console import Console
from rich.table import Table
from starlette.responses import Response
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.types import ExecutionResult

sys.path.insert(0, str(Path(__file__).parents[1]))

from ground import machine, server, server_version
from queries import NOW, SEALER, Filled, filled_with, page, statements

from api.graphql.context import Context, Service
from api.graphql.documents import prepared
from api.graphql.schema import schema
from api.graphql.stops import Stopped
from models.database import Database
from scheduler.allowances import Allowance, charge
from scheduler.clock import SetClock

ROWS = 100_000
RUNS, WARM = 300, 10
# Everything is parsed, validated and weighed, and next to nothing is executed.
DOCUMENT = """
query Page($first: Int!, $after: String, $no: Boolean!) {
  viewer { name }
  sessions(first: $first, after: $after, openPlacesOnly: true, states: [PUBLISHED]) @skip(if: $no) {
    nodes { ...Row }
    pageInfo { hasNextPage endCursor }
  }
}
fragment Row on Session {
  id day part startsAt places openPlaces promised held
  site { name jurisdiction { name tier parent { name } } }
  exam { subject item { code name } }
  examBody { name }
}
"""
PAGE = "query ($first: Int!) { page: sessions(first: $first) { nodes { id day part openPlaces site { name } } } }"
LOGIN = "firm-001"


Execute = Callable[..., Awaitable[ExecutionResult]]


def stock(*caches: type[SchemaExtension]) -> Execute:
    """The same schema, run by Strawberry's own pipeline."""

    async def run(*given: object) -> ExecutionResult:
        schema.extensions = list(caches)
        return await strawberry.Schema.execute(schema, *given)  # type: ignore[arg-type]

    return run


async def milliseconds(act: Callable[[], Awaitable[object]]) -> float:
    """The median processor time of many runs, after a few that fill the caches."""
    took = []
    for _ in range(WARM + RUNS):
        began = time.process_time()
        await act()
        took.append(1000 * (time.process_time() - began))
    return median(took[WARM:])


async def guard_of(execute: Execute, service: Service) -> float:
    """What one cached document costs before its first field is read."""

    async def ask() -> None:
        context = Context(service, caller=None, token=None, response=Response())
        done = await execute(DOCUMENT, {"first": 20, "no": True}, context)
        assert done.errors is None, done.errors
        assert done.data == {"viewer": None}

    return await milliseconds(ask)


def fan_out(levels: int) -> str:
    """Fragments that spread the next one twice: written out, 2 to the power of their levels."""
    spreads = (f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} }}" for at in range(levels))
    return " ".join(["{ ...F0 }", *spreads, f"fragment F{levels} on Query {{ viewer {{ name }} }}"])


def refused(graphql: GraphQLSchema, text: str) -> float:
    """What it costs to refuse a document: the best of ten, in milliseconds of the processor."""
    best = float("inf")
    for _ in range(10):
        began = time.process_time()
        try:
            prepared(graphql, text)
        except Stopped:
            best = min(best, 1000 * (time.process_time() - began))
        else:
            message = "it was let in"
            raise AssertionError(message)
    return best


async def guards(database: Database) -> Table:
    """The door beside stock Strawberry."""
    service = Service(database, SetClock(NOW), SEALER)
    shown = Table(title="One document, known already, from its text to its first field", title_justify="left")
    shown.add_column("By")
    shown.add_column("Processor", justify="right")
    for name, execute in (
        ("Strawberry, as it comes", stock()),
        ("Strawberry with its two caches", stock(ParserCache, ValidationCache)),
        ("the door: limits, cost and key included", schema.execute),
    ):
        shown.add_row(name, f"{await guard_of(execute, service):.3f} ms")
    for levels in (50, 60):
        took = refused(schema._schema, fan_out(levels))  # noqa: SLF001  # graphql-core's own schema is inside
        shown.add_row(f"a fan-out of {levels} levels, refused", f"{took:.1f} ms")
    return shown


async def pages(filled: Filled) -> Table:
    """A page of 20 sessions with site and places left, and the statement that charges for it."""
    caller, database = filled.callers[LOGIN], filled.database
    took = await milliseconds(lambda: page(database, caller, PAGE, first=20))
    charged = await milliseconds(lambda: charge(database, caller, 1, Allowance(10**9, 10**9)))
    shown = Table(title=f"20 sessions with site and places left, of {filled.rows:,} rows", title_justify="left")
    shown.add_column("What")
    shown.add_column("Figure", justify="right")
    shown.add_row("SQL statements that read", str(await statements(database, caller, PAGE, 20)))
    shown.add_row("our processor, charge included", f"{took:.2f} ms")
    shown.add_row("of which the charge (one more statement)", f"{charged:.2f} ms")
    return shown


async def main(rows: int) -> None:
    """Load, measure and print."""
    where = machine()
    with server() as started:
        async with filled_with(started, rows) as filled:
            console = Console(width=120)
            console.print(await guards(filled.database))
            console.print(await pages(filled))
            console.print(f"PostgreSQL {await server_version(filled.database)}; {where}. Median of {RUNS} runs.")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:2])) if sys.argv[1:] else main(ROWS))
