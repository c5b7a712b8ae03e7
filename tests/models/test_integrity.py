"""What the database refuses by itself, whoever writes to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.dialects.postgresql import Range

from models.database import Database
from models.sessions import Session
from models.transitions import BORN, TRANSITIONS, listed_moves
from tests import factories as make

pytestmark = pytest.mark.asyncio

STATES = {
    entity: sorted({str(after) for afters in moves.values() for after in afters})
    for entity, moves in TRANSITIONS.items()
}
PAIRS = [
    (entity, before, after)
    for entity, states in STATES.items()
    for before, after in product([BORN, *states], states)
    if before != after
]
LISTED = set(listed_moves())


@asynccontextmanager
async def acting(database: Database, actor: str = "account:7", now: datetime = make.NOW) -> AsyncIterator[Any]:
    """A bare connection in a transaction with an actor: nothing of ours in between."""
    connection = await database.connect()
    try:
        async with connection.transaction():
            await connection.execute(
                "select set_config('doorstep.actor', $1, true), set_config('doorstep.now', $2, true)",
                actor,
                now.isoformat(),
            )
            yield connection
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def session(database: Database) -> Session:
    """A published session of twelve places, with one room and nobody in it."""
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        return await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body, places=12
        )


async def test_no_session_is_oversold(database: Database, session: Session) -> None:
    for change in ("taken = 13", "promised = 13", "taken = 6, promised = 7", "taken = -1", "promised = -1"):
        with pytest.raises(asyncpg.CheckViolationError, match="never_oversold"):
            async with acting(database) as connection:
                await connection.execute(f"update session set {change} where id = $1", session.id)  # noqa: S608

    async with acting(database) as connection:
        counts = await connection.fetchrow("select taken, promised from session where id = $1", session.id)
    assert tuple(counts) == (0, 0)


async def test_of_two_who_take_the_last_place_at_once_one_is_refused(database: Database, session: Session) -> None:
    async with acting(database) as connection:
        await connection.execute("update session set taken = 11 where id = $1", session.id)

    async def take() -> None:
        async with acting(database) as connection:
            await connection.execute("update session set taken = taken + 1 where id = $1", session.id)
            await asyncio.sleep(0.05)

    outcomes = await asyncio.gather(take(), take(), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CheckViolationError", "NoneType"]
    async with acting(database) as connection:
        assert await connection.fetchval("select taken from session where id = $1", session.id) == 12


@pytest.mark.parametrize("resource", ["ROOM", "STAFF", "WORKER"])
async def test_nothing_is_claimed_twice_at_once(database: Database, session: Session, resource: str) -> None:
    during = Range(session.starts_at, session.ends_at)
    minute = timedelta(minutes=1)
    async with acting(database) as connection:
        await claim(connection, session, resource, during)

    for overlap in (
        during,
        Range(session.ends_at - minute, session.ends_at + minute),
        Range(session.starts_at - minute, session.starts_at + minute),
        Range(session.starts_at + minute, session.ends_at - minute),
    ):
        with pytest.raises(asyncpg.ExclusionViolationError, match="ex_claim_one_place_at_a_time"):
            async with acting(database) as connection:
                await claim(connection, session, resource, overlap)

    async with acting(database) as connection:
        await claim(connection, session, resource, Range(session.ends_at, session.ends_at + minute))
        assert await connection.fetchval("select count(*) from claim where resource_id = 77") == 2


@pytest.mark.parametrize("resource", ["ROOM", "STAFF", "WORKER"])
async def test_of_two_who_claim_at_once_one_is_refused(database: Database, session: Session, resource: str) -> None:
    async def take() -> None:
        async with acting(database) as connection:
            await claim(connection, session, resource, Range(session.starts_at, session.ends_at))
            await asyncio.sleep(0.05)

    outcomes = await asyncio.gather(take(), take(), return_exceptions=True)

    # Each may find the other's claim before either is committed: then they wait for each other, and one is ended.
    refused, done = sorted(type(outcome).__name__ for outcome in outcomes)
    assert refused in ("DeadlockDetectedError", "ExclusionViolationError")
    assert done == "NoneType"
    async with acting(database) as connection:
        assert await connection.fetchval("select count(*) from claim where resource_id = 77") == 1


async def claim(connection: Any, session: Session, resource: str, during: "Range[datetime]") -> None:
    await connection.execute(
        "insert into claim (session_id, resource, resource_id, during) values ($1, $2, 77, tstzrange($3, $4))",
        session.id,
        resource,
        during.lower,
        during.upper,
    )


async def test_nobody_has_two_places_in_one_session(database: Database, session: Session) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        worker = await make.make_worker(db)
    book = (
        "insert into booking"
        " (session_id, worker_id, enterprise_id, state, attendance, booked_at, changes, is_relocated)"
        " values ($1, $2, $3, 'CONFIRMED', 'EXPECTED', now(), 0, false)"
    )
    async with acting(database) as connection:
        await connection.execute(book, session.id, worker.id, worker.enterprise_id)

    with pytest.raises(asyncpg.UniqueViolationError, match="uq_booking_once_a_session"):
        async with acting(database) as connection:
            await connection.execute(book, session.id, worker.id, worker.enterprise_id)


@pytest_asyncio.fixture
async def bare(database: Database) -> Any:
    """
    A connection on which rows may hang in the air: foreign keys, checks, sums and unique indexes of the tables with a
    state are gone, the guards are not.
    """
    connection = await database.connect()
    for table in TRANSITIONS:
        for name in await connection.fetch(
            "select conname from pg_constraint where conrelid = $1::regclass and contype in ('f', 'c', 'u')", table
        ):
            await connection.execute(f'alter table {table} drop constraint "{name[0]}" cascade')
        for name in await connection.fetch(
            "select tgname from pg_trigger where tgrelid = $1::regclass and tgdeferrable and not tgisinternal", table
        ):
            await connection.execute(f'drop trigger "{name[0]}" on {table}')
        for name in await connection.fetch(
            "select i.indexrelid::regclass::text from pg_index i where indrelid = $1::regclass and not indisprimary",
            table,
        ):
            await connection.execute(f"drop index {name[0]}")
        for name in await connection.fetch(
            "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and attnotnull"
            " and attname not in ('id', 'state')",
            table,
        ):
            await connection.execute(f'alter table {table} alter column "{name[0]}" drop not null')
    yield connection
    await connection.close()


async def let_pass(connection: Any, entity: str, before: str, after: str) -> bool:
    """Whether the database lets a row of this table go from one state to another; nothing stays."""
    attempt = connection.transaction()
    await attempt.start()
    await connection.execute(
        "select set_config('doorstep.actor', 'test', true), set_config('doorstep.now', '2026-03-02T02:00Z', true)"
    )
    try:
        if before == BORN:
            await connection.execute(f"insert into {entity} (state) values ($1)", after)  # noqa: S608
            return True
        await connection.execute(f"alter table {entity} disable trigger guard_state")
        row_id = await connection.fetchval(f"insert into {entity} (state) values ($1) returning id", before)  # noqa: S608
        await connection.execute(f"alter table {entity} enable trigger guard_state")
        await connection.execute(f"update {entity} set state = $1 where id = $2", after, row_id)  # noqa: S608
    except asyncpg.CheckViolationError as refused:
        # Any other refusal counts as passing, so that the comparison shows it.
        return "may not go from" not in str(refused)
    else:
        return True
    finally:
        await attempt.rollback()


async def test_exactly_the_listed_moves_pass(bare: Any) -> None:
    passed = {pair for pair in PAIRS if await let_pass(bare, *pair)}

    assert len(PAIRS) > len(LISTED) > 50
    assert passed == LISTED


@pytest.mark.parametrize("entity", TRANSITIONS)
@pytest.mark.parametrize(("actor", "at"), [("", "2026-03-02T02:00Z"), ("test", ""), ("", "")])
async def test_nothing_changes_state_without_an_actor_and_a_time(bare: Any, entity: str, actor: str, at: str) -> None:
    born = str(TRANSITIONS[entity][BORN][0])

    await bare.execute(
        "select set_config('doorstep.actor', $1, false), set_config('doorstep.now', $2, false)", actor, at
    )
    with pytest.raises(asyncpg.CheckViolationError, match="without an actor and a time"):
        await bare.execute(f"insert into {entity} (state) values ($1)", born)  # noqa: S608

    assert await bare.fetchval(f"select count(*) from {entity}") == 0  # noqa: S608
    assert await bare.fetchval("select count(*) from audit_entry") == 0


@pytest.mark.parametrize("entity", TRANSITIONS)
async def test_each_change_leaves_one_entry_with_its_actor_and_time(bare: Any, database: Database, entity: str) -> None:
    first = str(TRANSITIONS[entity][BORN][0])
    then = str(TRANSITIONS[entity][TRANSITIONS[entity][BORN][0]][0])
    born_at, moved_at = datetime(2026, 3, 2, 2, tzinfo=UTC), datetime(2026, 3, 3, 4, 5, tzinfo=UTC)

    async with acting(database, "account:7", born_at) as connection:
        row_id = await connection.fetchval(f"insert into {entity} (state) values ($1) returning id", first)  # noqa: S608
    async with acting(database, "job:rounds", moved_at) as connection:
        await connection.execute(f"update {entity} set state = $1", then)  # noqa: S608
        await connection.execute(f"update {entity} set state = $1", then)  # noqa: S608

    entries = await bare.fetch("select at, actor, act, entity, entity_id, from_state, to_state from audit_entry")
    assert [tuple(entry) for entry in entries] == [
        (born_at, "account:7", "state", entity, row_id, None, first),
        (moved_at, "job:rounds", "state", entity, row_id, first, then),
    ]


async def test_a_change_taken_back_leaves_no_entry(database: Database, session: Session) -> None:
    counted = "select count(*) from audit_entry"
    async with acting(database) as connection:
        before = await connection.fetchval(counted)

    async def freeze_and_fail() -> None:
        async with acting(database) as connection:
            await connection.execute("update session set state = 'FROZEN' where id = $1", session.id)
            assert await connection.fetchval(counted) == before + 1
            await connection.execute("select 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await freeze_and_fail()

    async with acting(database) as connection:
        assert await connection.fetchval(counted) == before


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    "forgery",
    [
        "update audit_entry set actor = 'nobody'",
        "update audit_entry set at = at where false",
        "delete from audit_entry",
        "truncate audit_entry",
        "truncate audit_entry cascade",
    ],
)
async def test_the_audit_trail_is_never_changed(database: Database, forgery: str) -> None:
    every = "select * from audit_entry order by id"
    async with acting(database) as connection:
        before = await connection.fetch(every)

    with pytest.raises(asyncpg.CheckViolationError, match="never changed or removed"):
        async with acting(database) as connection:
            await connection.execute(forgery)

    async with acting(database) as connection:
        assert len(before) > 0
        assert await connection.fetch(every) == before
