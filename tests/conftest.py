"""A PostgreSQL server for the whole run, and for each test that asks a migrated database of its own."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url

from models.database import Database, Pool
from models.embedded import EmbeddedServer, remove_data
from models.migrations import run

UrlOf = Callable[[str], str]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that a server's own user may enter, when the tests run as root; pytest's own are private."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def url_of(open_folder: Path) -> Iterator[UrlOf]:
    """The address of a database on the run's server: ours, or that of DOORSTEP_TEST_DATABASE_URL."""
    if given := os.environ.get("DOORSTEP_TEST_DATABASE_URL"):
        # The name is the only thing replaced, so the user named there must be allowed to make databases.
        place = make_url(given.replace("postgres://", "postgresql://", 1))
        yield lambda name: place.set(database=name).render_as_string(hide_password=False)
        return
    with EmbeddedServer.start(open_folder / "server", durable=False) as server:
        yield server.url
    remove_data(open_folder / "server")


@pytest_asyncio.fixture(scope="session")
async def maintenance(url_of: UrlOf) -> AsyncIterator[asyncpg.Connection]:
    """A connection that makes and drops databases."""
    connection = await Database(url_of("postgres")).connect()
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def template(maintenance: asyncpg.Connection, url_of: UrlOf) -> AsyncIterator[str]:
    """The migrated database that every test's own is copied from."""
    name = f"doorstep_template_{secrets.token_hex(4)}"
    await maintenance.execute(f"create database {name}")
    await run.upgrade(url_of(name))
    yield name
    await maintenance.execute(f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def database_url(maintenance: asyncpg.Connection, template: str, url_of: UrlOf) -> AsyncIterator[str]:
    """The address of a migrated, otherwise empty database for this test alone."""
    name = f"doorstep_test_{secrets.token_hex(4)}"
    # Copying the template's files takes a tenth of the time of writing its blocks through the log.
    await maintenance.execute(f"create database {name} template {template} strategy file_copy")
    yield url_of(name)
    await maintenance.execute(f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def empty_database_url(maintenance: asyncpg.Connection, url_of: UrlOf) -> AsyncIterator[str]:
    """The address of a database with nothing in it."""
    name = f"doorstep_empty_{secrets.token_hex(4)}"
    await maintenance.execute(f"create database {name}")
    yield url_of(name)
    await maintenance.execute(f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, otherwise empty database for this test alone."""
    opened = Database(database_url, pool=Pool(ping_first=False))
    yield opened
    await opened.close()
