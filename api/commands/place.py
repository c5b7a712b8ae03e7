"""Where a command finds its database: at DATABASE_URL, or in our own server for as long as the command runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from models.database import DatabaseError
from models.embedded import EmbeddedServer
from models.migrations.run import SchemaUnknown
from models.postgres_programs import EmbeddedServerError
from scheduler.settings import Settings, SettingsError

NAME = "doorstep"
# Each text is one whole sentence with the way out: a command prints it, without a traceback, and ends.
CLEAR_ERRORS = (SettingsError, DatabaseError, EmbeddedServerError, SchemaUnknown)


def data_folder(settings: Settings) -> Path:
    """Name the folder of the embedded server."""
    return settings.home / "postgres"


@asynccontextmanager
async def database_url(settings: Settings) -> AsyncIterator[str]:
    """
    Give the address of the database, and start the embedded server for it if there is no other.

    Raises:
        EmbeddedServerError: The embedded server cannot start, for instance since the demo runs already.
    """
    if settings.database_url:
        yield settings.database_url.reveal()
        return
    with EmbeddedServer.start(data_folder(settings), durable=True) as server:
        await server.create_database(NAME)
        yield server.url(NAME)
