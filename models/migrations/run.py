"""Brings a database to the schema of this version: all steps in one transaction, one runner at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from models.database import Database
from models.halts import CannotStart

HERE = Path(__file__).parent
# Any number will do, as long as nothing else in this database locks on it: "door" in ASCII.
_LOCK = 0x646F6F72


class SchemaUnknown(CannotStart):
    """The database is at a step that this version does not have: a newer version was here."""


def head() -> str | None:
    """Name the last step that this version has."""
    return ScriptDirectory(str(HERE)).get_current_head()


def steps() -> list[str]:
    """Name every step that this version has, the first one first."""
    return [step.revision for step in ScriptDirectory(str(HERE)).walk_revisions()][::-1]


async def current(url: str) -> str | None:
    """Name the last step that the database took; none if it is empty."""
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await database.close()


async def at_head(url: str) -> bool:
    """Whether there is nothing to do."""
    return await current(url) == head()


async def upgrade(url: str) -> None:
    """
    Take every step that is missing, or none: a failure leaves the database as it was.

    Raises:
        SchemaUnknown: A newer version was here.
    """
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            # A second runner waits here, and then finds nothing to do.
            await connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await database.close()


async def draft(url: str, *, message: str) -> None:
    """Write the next step from the difference between the tables in code and a database at head; then read it."""
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            await connection.run_sync(_draft, message)
    finally:
        await database.close()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    at = _current(connection)
    known = {step.revision for step in ScriptDirectory(str(HERE)).walk_revisions()}
    if at and at not in known:
        raise SchemaUnknown(
            f"The database is at step {at}, which this version of doorstep does not know: run the newer version that "
            "migrated it, or restore a backup."
        )
    command.upgrade(_config(connection), "head")


def _draft(connection: Connection, message: str) -> None:
    number = sum(1 for _ in ScriptDirectory(str(HERE)).walk_revisions()) + 1
    command.revision(_config(connection), message=message, autogenerate=True, rev_id=f"{number:04}")


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    return config
