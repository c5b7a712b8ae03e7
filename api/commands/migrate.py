"""`doorstep migrate`: bring the database to this version's schema."""

from api.commands.console import print_document, results
from api.commands.databases import database_url
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
        before = await run.current(url)
        if draft:
            await run.draft(url, message=draft)
        else:
            await run.upgrade(url)
        _tell(before, await run.current(url), as_json=json)
    return 0


def _tell(before: str | None, after: str | None, *, as_json: bool) -> None:
    if as_json:
        print_document({"before": before, "after": after})
    elif before == after:
        results.print(f"The database is at step {after}; nothing to do.")
    else:
        results.print(f"The database went from {before or 'nothing'} to step {after}.")
