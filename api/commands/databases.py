"""Which database a command works on: that of DATABASE_URL, or the embedded one in the home folder."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from api.commands.console import step
from models.database import WORKERS_POOL, Database, DatabaseError, Pool
from models.embedded import DataFolderInUse, EmbeddedServer, remove_data, url_of_running
from models.migrations.run import at_head, upgrade
from scheduler.settings import Secret, Settings, SettingsError

EMBEDDED_DATABASE = "doorstep"
# What takes longer would not be waited for: the door ends an operation after thirty seconds.
FOR_REQUESTS = Pool(statement_seconds=20)
# A lock of the session, not of a transaction; "demo" in ASCII.
_DEMO_LOCK = 0x64656D6F


class SchemaBehind(DatabaseError):
    """The database has not the tables of this version."""


class DemoRuns(DatabaseError):
    """Another demo runs on the database."""


def server_folder(settings: Settings) -> Path:
    """Where the embedded server keeps its data."""
    return settings.home / "postgres"


@asynccontextmanager
async def database_url(settings: Settings, *, beside_others: bool = False) -> AsyncIterator[str]:
    """
    Give the address of a database that answers; an embedded server runs for as long as the context lasts.

    Who only looks may do so `beside_others`: at the embedded server that another process runs.

    Raises:
        DatabaseError: The given one cannot be used.
        EmbeddedServerError: Ours cannot be started.
    """
    if settings.database_url is not None:
        url = settings.database_url.reveal()
        await Database(url).check()
        yield url
        return
    with step("Starting the embedded PostgreSQL"):
        try:
            server = EmbeddedServer.start(server_folder(settings), durable=True)
        except DataFolderInUse as in_use:
            running = url_of_running(in_use.folder, EMBEDDED_DATABASE) if beside_others else None
            if running is None:
                raise
            await Database(running).check()
            yield running
            return
    with server:
        await server.create_database(EMBEDDED_DATABASE)
        yield server.url(EMBEDDED_DATABASE)


@asynccontextmanager
async def opened(url: str, pool: Pool | None = None) -> AsyncIterator[Database]:
    """Open a database, and close its connections in the end."""
    database = Database(url, pool=pool or Pool())
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def shared_database(settings: Settings, *, command: str) -> AsyncIterator[Database]:
    """
    Open the migrated database that several processes share.

    Raises:
        SettingsError: DATABASE_URL is not set.
        DatabaseError: It cannot be used.
    """
    if settings.database_url is None:
        raise SettingsError(
            f"DATABASE_URL is not set: `doorstep {command}` is one of several processes that share a PostgreSQL "
            "server, so name it; `doorstep demo` brings its own."
        )
    async with database_url(settings) as url:
        if not await at_head(url):
            raise SchemaBehind("The database has not this version's tables: run `doorstep migrate` first.")
        async with opened(url, FOR_REQUESTS if command == "serve" else WORKERS_POOL) as database:
            yield database


async def migrate(url: str) -> None:
    """Bring the database to this version's tables."""
    with step("Bringing the tables up to date"):
        await upgrade(url)


@asynccontextmanager
async def demo_lock(database: Database) -> AsyncIterator[None]:
    """
    Be the only demo on a database; the server lets go of the lock however we end.

    Raises:
        DemoRuns: There is one already.
    """
    connection = await database.connect()
    try:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _DEMO_LOCK):
            raise DemoRuns("Another demo runs on this database: stop that one first, or use another database.")
        yield
    finally:
        await connection.close()


@contextmanager
def throw_away_home(settings: Settings) -> Iterator[Settings]:
    """Lend a home folder that is gone afterwards, with the embedded server's data in it if there is any."""
    home = Path(tempfile.mkdtemp(prefix="doorstep-once-"))
    home.chmod(0o711)  # as root, the server runs as another user, who must be able to pass
    lent = replace(settings, home=home)
    try:
        yield lent
    finally:
        remove_data(server_folder(lent))
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def throw_away_database(settings: Settings) -> AsyncIterator[Settings]:
    """
    Lend a database of its own on the server of DATABASE_URL; without one, the lent home's server is its own already.

    Raises:
        DatabaseError: The server does not answer, or does not let us make one.
    """
    if settings.database_url is None:
        yield settings
        return
    url = settings.database_url.reveal()
    await Database(url).check()
    name = f"doorstep_once_{secrets.token_hex(4)}"
    connection = await Database(url).connect()
    try:
        await _create(connection, name)
        yield replace(settings, database_url=Secret(_renamed(url, name)))
    finally:
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.close()


async def _create(connection: asyncpg.Connection, name: str) -> None:
    try:
        await connection.execute(f"create database {name}")
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseError(
            "The user of DATABASE_URL may not make databases, and a single run needs one of its own: let the user "
            "(alter role … createdb), or unset DATABASE_URL to use the embedded server."
        ) from error


def _renamed(url: str, name: str) -> str:
    place = make_url(url.replace("postgres://", "postgresql://", 1))
    return place.set(database=name).render_as_string(hide_password=False)
