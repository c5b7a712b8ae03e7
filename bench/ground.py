"""What every benchmark stands on: an embedded database of its own, and the machine, said beside the numbers."""

import os
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
from sqlalchemy import text

from models.database import Database, Pool
from models.embedded import EmbeddedServer, remove_data
from models.migrations import run


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """A PostgreSQL of the benchmark's own, with its durable settings on."""
    folder = Path(tempfile.mkdtemp(prefix="doorstep-bench-"))
    folder.chmod(0o711)  # the server's own user enters it, where we are root
    try:
        with EmbeddedServer.start(folder / "server", durable=True) as started:
            yield started
    finally:
        remove_data(folder / "server")
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def migrated(started: EmbeddedServer, name: str) -> AsyncIterator[Database]:
    """A migrated, otherwise empty database."""
    connection = await Database(started.url("postgres")).connect()
    await connection.execute(f"create database {name}")
    await connection.close()
    await run.upgrade(started.url(name))
    database = Database(started.url(name), pool=Pool(ping_first=False))
    try:
        yield database
    finally:
        await database.close()


async def server_version(database: Database) -> str:
    """Which PostgreSQL it is."""
    async with database.engine.connect() as connection:
        return str((await connection.execute(text("show server_version"))).scalar_one())


def machine() -> str:
    """The machine in one line: processors, memory, and how busy others keep it."""
    gigabytes = psutil.virtual_memory().total / 1024**3
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} processors ({platform.machine()}), {gigabytes:.0f} GB, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, load before {load:.1f}"
    )
