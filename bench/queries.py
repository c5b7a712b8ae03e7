"""
The three commonest queries, through the whole schema: SQL statements a page, and milliseconds at 10⁴ and 10⁶ rows.

    python bench/queries.py [ROWS …]
"""

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from ground import machine, migrated, server, server_version
from many_rows import fill
from rich.console import Console
from rich.table import Table
from sqlalchemy import event
from sqlmodel import col, select
from starlette.responses import Response

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.embedded import EmbeddedServer
from models.parties import Account
from models.sealing import SECRET_BYTES, Sealer
from scheduler.accounts import caller_of
from scheduler.callers import Caller
from scheduler.clock import SetClock
from scheduler.seeding.loading import load
from scheduler.seeding.recipe import Recipe

NOW = datetime(2027, 3, 1, 2, tzinfo=UTC)
SIZES = (10_000, 1_000_000)
MOST_BUREAUS = 10  # the larger table is of more bureaus, not of firms that ask a hundred times as often
RUNS = 40
PAGES = (1, 20, 100)
FIRST, NEXT = "first", "next"
SEALER = Sealer(b"s" * SECRET_BYTES, b"p" * SECRET_BYTES)


@dataclass(frozen=True)
class Asked:
    """A query, in whose name it is asked, and what it is in a person's words."""

    name: str
    login: str
    text: str


QUERIES = (
    Asked(
        "A firm looks for open places",
        "firm-001",
        """query ($first: Int!, $after: String) { page: sessions(
             openPlacesOnly: true, states: [PUBLISHED], first: $first, after: $after) {
             nodes { id day part openPlaces site { name } exam { subject item { name } } }
             pageInfo { endCursor } } }""",
    ),
    Asked(
        "A firm looks at its requests",
        "firm-001",
        """query ($first: Int!, $after: String) { page: requests(first: $first, after: $after) {
             nodes { id state people exam { subject item { name } } } pageInfo { endCursor } } }""",
    ),
    Asked(
        "An office sees what it is asked",
        "office-310117105-1",
        """query ($first: Int!, $after: String) { page: consents(
             mineOnly: true, states: [ASKED], first: $first, after: $after) {
             nodes { id dueAt session { day part site { name } exam { item { name } } } } pageInfo { endCursor } } }""",
    ),
)


@dataclass
class Filled:
    """A database with so many rows in each table that is read, and what was measured in it."""

    rows: int
    database: Database
    callers: Mapping[str, Caller]
    took: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def best(self, name: str, which: str) -> float:
        """The best of many runs, in milliseconds: what others do on the machine only ever adds."""
        return min(self.took[name, which])


async def page(database: Database, caller: Caller, text: str, **variables: Any) -> Mapping[str, Any]:
    """One page, asked in-process."""
    context = Context(Service(database, SetClock(NOW), SEALER), caller=caller, token=None, response=Response())
    done = await schema.execute(text, variable_values=variables, context_value=context)
    assert done.errors is None, done.errors
    assert done.data is not None
    shown: Mapping[str, Any] = done.data["page"]
    return shown


async def one_more_run(filled: Filled, asked: Asked, which: str, after: str | None) -> None:
    """One page of 20, timed."""
    began = time.perf_counter()
    await page(filled.database, filled.callers[asked.login], asked.text, first=PAGES[1], after=after)
    filled.took[asked.name, which].append(1000 * (time.perf_counter() - began))


async def statements(database: Database, caller: Caller, text: str, first: int) -> int:
    """How many statements one page takes."""
    counted: list[str] = []
    engine = database.engine.sync_engine
    listener = lambda *told: counted.append(told[2])  # noqa: E731  # removed again below, so it needs a name
    event.listen(engine, "before_cursor_execute", listener)
    await page(database, caller, text, first=first)
    event.remove(engine, "before_cursor_execute", listener)
    return len(counted)


async def measure(filled: Sequence[Filled]) -> None:
    """Every query, at every size in turn, so that a busy moment of the machine is not one size's alone."""
    for asked in QUERIES:
        cursors = []
        for one in filled:
            shown = await page(one.database, one.callers[asked.login], asked.text, first=PAGES[1])
            assert len(shown["nodes"]) == PAGES[1], f"{asked.name}: {len(shown['nodes'])} rows at {one.rows:,}"
            cursors.append(shown["pageInfo"]["endCursor"])
        for _ in range(RUNS):
            for one, cursor in zip(filled, cursors, strict=True):
                await one_more_run(one, asked, FIRST, None)
                await one_more_run(one, asked, NEXT, cursor)


@asynccontextmanager
async def filled_with(started: EmbeddedServer, rows: int) -> AsyncIterator[Filled]:
    """A database with so many rows."""
    print(f"loading {rows:,} rows", file=sys.stderr)
    async with migrated(started, f"bench_{rows}") as database:
        async with database.writing(actor="operator:bench", now=NOW) as db:
            recipe = Recipe(1, min(MOST_BUREAUS, max(1, rows // 10_000)), date(2027, 3, 1))
            await load(db, recipe, sealer=SEALER, password="bench", now=NOW)  # noqa: S106  # nobody signs in with it
        await fill(database, rows)
        async with database.reading() as db:
            named = select(Account).where(col(Account.login).in_({asked.login for asked in QUERIES}))
            callers = {account.login: await caller_of(db, account) for account in (await db.exec(named)).all()}
        yield Filled(rows, database, callers)


async def counted(one: Filled, asked: Asked) -> str:
    """The statements of a page of 1, of 20 and of 100 rows."""
    counts = [await statements(one.database, one.callers[asked.login], asked.text, first) for first in PAGES]
    return " / ".join(map(str, counts))


async def table(filled: Sequence[Filled]) -> Table:
    """The figures side by side."""
    shown = Table(title="A page of the three commonest queries, through the whole schema", title_justify="left")
    for heading in ("Query", "Rows", "Statements at 1 / 20 / 100", "First page", "Next page"):
        shown.add_column(heading, justify="left" if heading == "Query" else "right")
    for asked in QUERIES:
        for one in filled:
            times = (f"{one.best(asked.name, which):.1f} ms" for which in (FIRST, NEXT))
            shown.add_row(asked.name, f"{one.rows:,}", await counted(one, asked), *times)
        growth = (filled[-1].best(asked.name, which) / filled[0].best(asked.name, which) for which in (FIRST, NEXT))
        shown.add_row("", "", "", *(f"× {ratio:.1f}" for ratio in growth), end_section=True)
    return shown


async def main(sizes: Sequence[int]) -> None:
    """Load, measure and print."""
    where = machine()
    with server() as started:
        async with AsyncExitStack() as open_ones:
            filled = [await open_ones.enter_async_context(filled_with(started, rows)) for rows in sizes]
            await measure(filled)
            console = Console(width=120)
            console.print(await table(filled))
            version = await server_version(filled[0].database)
            console.print(f"PostgreSQL {version} with durable settings; {where}. Best of {RUNS} runs, sizes in turn.")


if __name__ == "__main__":
    asyncio.run(main(tuple(map(int, sys.argv[1:])) or SIZES))
