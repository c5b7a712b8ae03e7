"""The steps lead to the tables that the code describes, down to the last constraint."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import select

from models import registry
from models.announcing import announcing_statements
from models.changes import telling_statements
from models.database import Database
from models.grants import CONSERVED
from models.journal import Transition
from models.migrations import run
from models.taking import HOLD_PLACES
from models.transitions import listed_moves, trigger_statements

pytestmark = pytest.mark.asyncio

# What Alembic's comparison does not look at: checks, exclusions, triggers, functions.
CATALOGUE = """
    select 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || coalesce(column_default, '')
      from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'
    union all
    select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
     where connamespace = 'public'::regnamespace and conrelid::regclass::text <> 'alembic_version'
    union all
    select 'index', indexname, indexdef from pg_indexes
     where schemaname = 'public' and tablename <> 'alembic_version'
    union all
    select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all
    select 'function', proname, prosrc from pg_proc join pg_language l on l.oid = prolang and lanname = 'plpgsql'
     where pronamespace = 'public'::regnamespace
    order by 1, 2, 3
"""


def _difference(connection: Connection) -> object:
    return compare_metadata(MigrationContext.configure(connection), registry.metadata)


async def _catalogue(url: str) -> list[tuple[str, str, str]]:
    connection = await Database(url).connect()
    try:
        return [tuple(row) for row in await connection.fetch(CATALOGUE)]
    finally:
        await connection.close()


async def test_the_steps_lead_to_the_tables_in_code(database: Database) -> None:
    async with database.engine.connect() as connection:
        difference = await connection.run_sync(_difference)

    assert difference == []


async def test_every_constraint_and_trigger_is_as_the_code_describes_it(
    database_url: str, empty_database_url: str
) -> None:
    described = Database(empty_database_url)
    async with described.engine.begin() as connection:
        await connection.execute(text("create extension btree_gist"))
        await connection.run_sync(registry.metadata.create_all)
        for statement in (
            *trigger_statements(),
            *announcing_statements(),
            *telling_statements(),
            *CONSERVED,
            HOLD_PLACES,
        ):
            await connection.execute(text(statement))
    await described.close()

    assert await _catalogue(database_url) == await _catalogue(empty_database_url)


async def test_the_listed_transitions_are_those_in_code(database: Database) -> None:
    async with database.reading() as db:
        rows = await db.exec(select(Transition))
        listed = {(row.entity, row.from_state, row.to_state) for row in rows}

    assert listed == set(listed_moves())


async def test_a_difference_would_be_noticed(database: Database, empty_database_url: str, database_url: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("alter table transition add column colour text"))
        difference = await connection.run_sync(_difference)

    assert difference != []
    assert await _catalogue(database_url) != await _catalogue(empty_database_url)


async def test_a_second_upgrade_does_nothing(database_url: str) -> None:
    before = await _catalogue(database_url)

    await run.upgrade(database_url)

    assert await run.at_head(database_url)
    assert await run.current(database_url) == run.head()
    assert await _catalogue(database_url) == before


async def test_two_upgrades_at_once_are_one(empty_database_url: str) -> None:
    assert await run.current(empty_database_url) is None

    await asyncio.gather(run.upgrade(empty_database_url), run.upgrade(empty_database_url))

    assert await run.at_head(empty_database_url)


async def test_a_database_from_the_future_is_left_alone(database: Database, database_url: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))

    with pytest.raises(run.SchemaUnknown, match="9999"):
        await run.upgrade(database_url)

    assert await run.current(database_url) == "9999"
