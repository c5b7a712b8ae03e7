"""Whoever follows the feed hears of every change, in order, whatever transactions, connections and servers do."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlmodel import col, func, select

from models.bookings import Hold
from models.changes import Change
from models.database import Database
from models.embedded import EmbeddedServer, remove_data
from models.migrations.run import upgrade
from models.sessions import Session
from models.vocabulary import Topic
from scheduler.change_feed import ChangeFeed, Following, Position, changes_after, horizon
from scheduler.change_pruning import CHANGES, KEEP
from scheduler.holding import Choice, choose_places
from tests.factories import NOW
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%FROM change WHERE%'"


@pytest_asyncio.fixture
async def reader(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to read the rows on."""
    connection = await database.connect()
    yield connection
    await connection.close()


@asynccontextmanager
async def feed_of(*databases: Database) -> AsyncIterator[ChangeFeed]:
    """A feed that listens."""
    async with ChangeFeed(*databases) as feed:
        async with asyncio.timeout(60):
            while not feed.is_listening:  # noqa: ASYNC110 - it tells it by an attribute alone
                await asyncio.sleep(0.01)
        yield feed


async def heard(wish: Following) -> int:
    """The next row to look at."""
    while True:
        if (entity_id := await wish.next(seconds=60)) is not None:
            return entity_id


async def add_places(database: Database, session_id: int, places: int = 1) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        (await db.get_one(Session, session_id)).places += places


async def test_what_commits_late_is_told_in_its_place_and_not_passed_by(
    database: Database, reader: asyncpg.Connection
) -> None:
    world = await scene(database)
    other = await world.another_session()
    begun = await horizon(reader)

    async with database.writing(actor="test", now=NOW) as early:
        (await early.get_one(Session, world.session.id)).places += 1
        await early.flush()
        await add_places(database, other.id)
        held_back = await changes_after(reader, begun)
    told = await changes_after(reader, begun)

    assert (held_back.events, held_back.is_held_back) == ((), True)
    assert [event.entity_id for event in told.events] == [world.session.id, other.id]
    assert not told.is_held_back
    # Without the horizon a reader that had gone by what was committed would now stand behind the early one.
    assert told.events[0].position < told.events[1].position


async def test_what_is_rolled_back_is_not_told(database: Database, reader: asyncpg.Connection) -> None:
    world = await scene(database)
    begun = await horizon(reader)

    with pytest.raises(LookupError):
        await fail_after_adding_a_place(database, world.session.id)

    assert (await changes_after(reader, begun)).events == ()


async def fail_after_adding_a_place(database: Database, session_id: int) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        (await db.get_one(Session, session_id)).places += 1
        await db.flush()
        raise LookupError


async def test_places_taken_by_the_one_statement_are_told(database: Database, reader: asyncpg.Connection) -> None:
    world = await scene(database, policy=ANY_SHARE)
    begun = await horizon(reader)

    await choose_places(database, Choice(world.session.id, people=2), write=None, caller=world.firm.caller, now=NOW)

    told = (await changes_after(reader, begun)).events
    assert [(event.topic, event.entity_id, event.at) for event in told] == [
        (Topic.SESSION_PLACES, world.session.id, NOW)
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_many_writers_in_any_order_and_every_change_is_read_once_and_in_order(
    database: Database, reader: asyncpg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    world = await scene(database)
    sessions = [world.session.id, *[(await world.another_session()).id for _ in range(3)]]
    begun = await horizon(reader)
    writing = [asyncio.create_task(write_slowly(database, sessions, random.Random(chance.random()))) for _ in range(8)]

    read, position = [], begun
    while True:
        is_over = all(task.done() for task in writing)
        page = await changes_after(reader, position, most=5)
        read += page.events
        position = page.events[-1].position if page.events else position
        if is_over and not page.events and not page.is_held_back:
            break
        await asyncio.sleep(0)
    committed = sum(await asyncio.gather(*writing))

    async with database.reading() as db:
        rows = (await db.exec(select(Change).where(col(Change.xid) >= begun.xid).order_by("xid", "id"))).all()
    assert [event.position for event in read] == [Position(row.xid, row.id) for row in rows]
    assert len(read) == committed > 0


async def write_slowly(database: Database, sessions: list[int], chance: random.Random) -> int:
    """Transactions that write, think, and end as chance has it; how many changes they committed."""
    committed = 0
    for _ in range(6):
        chosen = sorted(chance.sample(sessions, chance.randint(1, 2)))
        try:
            async with database.writing(actor="test", now=NOW) as db:
                for session_id in chosen:
                    (await db.get_one(Session, session_id, with_for_update=True)).places += 1
                    await db.flush()
                    await asyncio.sleep(chance.random() / 100)
                if chance.random() < 0.3:
                    raise LookupError  # noqa: TRY301 - it rolls back
        except LookupError:
            continue
        committed += len(chosen)
    return committed


async def test_a_commit_of_another_process_is_heard_of(database: Database, database_url: str) -> None:
    world = await scene(database)
    elsewhere = Database(database_url)
    async with feed_of(database) as feed, feed_of(elsewhere):
        with feed.following(Topic.SESSION_PLACES, [world.session.id]) as wish:
            assert await heard(wish) == world.session.id  # to begin with
            await add_places(elsewhere, world.session.id)

            assert await heard(wish) == world.session.id
    await elsewhere.close()


async def test_a_slow_follower_holds_each_row_once(database: Database) -> None:
    world = await scene(database)
    other = await world.another_session()
    ids = [world.session.id, other.id]
    async with feed_of(database) as feed:
        with (
            feed.following(Topic.SESSION_PLACES, ids) as slow,
            feed.following(Topic.SESSION_PLACES, ids[:1]) as quick,
        ):
            assert await heard(quick) == world.session.id
            for _ in range(3):
                await add_places(database, world.session.id)
                assert await heard(quick) == world.session.id

            assert [await heard(slow), await heard(slow)] == ids
            assert await slow.next(seconds=0) is None


async def test_a_listener_that_lost_its_connection_looks_anew_and_goes_on(
    database: Database, database_url: str, reader: asyncpg.Connection
) -> None:
    world = await scene(database)
    hintless = Database(database_url)
    async with feed_of(database) as feed:
        with feed.following(Topic.SESSION_PLACES, [world.session.id]) as wish:
            assert await heard(wish) == world.session.id

            for row in await reader.fetch(f"{LISTENING} AND pid <> pg_backend_pid()"):
                await reader.execute("SELECT pg_terminate_backend($1)", row["pid"])
            await add_places(hintless, world.session.id)

            assert await heard(wish) == world.session.id
            async with asyncio.timeout(60):
                while not feed.is_listening:  # noqa: ASYNC110 - it tells it by an attribute alone
                    await asyncio.sleep(0.01)
    await hintless.close()


async def test_a_restart_of_the_server_is_survived(open_folder: Path) -> None:
    folder = open_folder / "restarted"
    with EmbeddedServer.start(folder, durable=True) as server:
        url = server.url("postgres")
        await upgrade(url)
        database = Database(url)
        world = await scene(database)
        async with feed_of(database) as feed:
            with feed.following(Topic.SESSION_PLACES, [world.session.id]) as wish:
                assert await heard(wish) == world.session.id

                # PostgreSQL ends every connection and recovers from its log when one of its processes is killed.
                async with database.at_once() as victim:
                    os.kill(victim.get_server_pid(), signal.SIGKILL)

                assert await heard(wish) == world.session.id  # it looks anew, whatever was missed
                await add_places(database, world.session.id)
                assert await heard(wish) == world.session.id
        await database.close()
    remove_data(folder)


async def test_old_changes_are_pruned_and_younger_ones_kept(database: Database) -> None:
    world: Scene = await scene(database)
    await add_places(database, world.session.id)
    async with database.writing(actor="test", now=NOW + timedelta(days=1)) as db:
        (await db.get_one(Session, world.session.id)).places += 1

    while await CHANGES.handle(database, lambda: NOW + KEEP + timedelta(seconds=1)):
        pass

    async with database.reading() as db:
        assert (await db.exec(select(Change.at))).all() == [NOW + timedelta(days=1)]
        assert (await db.exec(select(func.count(col(Hold.id))))).one() == 0
