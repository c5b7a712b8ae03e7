"""`doorstep migrate`: bring the database to this version's schema."""

import orjson
from rich.console import Console

from api.commands.place import database_url
from models.database import Database
from models.migrations import run
from scheduler.settings import Settings


async def migrate(*, draft: str | None = None, json: bool = False) -> int:
    """
    Bring the database to this version's schema; with nothing to do, do nothing.

    Args:
        draft: Write the next step instead, from the difference between the tables in code and the database; says why.
        json: Print one JSON document.
    """
    async with database_url(Settings.read()) as url:
        await _checked(url)
        before = await run.current(url)
        if draft:
            await run.draft(url, message=draft)
        else:
            await run.upgrade(url)
        _tell(before, await run.current(url), as_json=json)
    return 0


async def _checked(url: str) -> None:
    database = Database(url)
    try:
        await database.check()
    finally:
        await database.close()


def _tell(before: str | None, after: str | None, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps({"before": before, "after": after}).decode())  # noqa: T201 - the result
    elif before == after:
        Console().print(f"The database is at step {after}; nothing to do.")
    else:
        Console().print(f"The database went from {before or 'nothing'} to step {after}.")
