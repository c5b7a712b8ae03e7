"""`doorstep recount`: rank a published window again, and say whether it comes to the same."""

from pathlib import Path

from strawberry import relay

from api.commands.console import notices, print_document, results
from api.commands.databases import SchemaBehind, database_url, opened
from api.commands.problem_files import DONE, REFUSED, FileUnusable, Json, read_document
from models.halts import CannotStart
from models.migrations.run import at_head
from scheduler.ranking import NoRanking, Published, read, recount
from scheduler.recounting import NotRanked, document_of, rows_differ
from scheduler.settings import Settings

KIND = "RankedWindow"


class NothingToRecount(CannotStart):
    """Neither a file nor a window that was ranked."""


async def recount_result(file: Path | None = None, *, window: str | None = None, as_json: Json = False) -> int:
    """
    Rank a published result again, from a file or from the database.

    Args:
        file: The published document, as `rankedWindows { nodes { result { document } } }` gives it.
        window: The window's id instead, as the API gives it, or the number in its document: then the rows behind the
            result are compared with it, too.
        as_json: Print one JSON document.

    Returns:
        0 the same, 1 it differs, 2 there is nothing to recount.
    """
    if (file is None) == (window is None):
        raise NothingToRecount("Name the published file, or --window with its id.")
    try:
        if file is not None:
            document, differing = read(read_document(file)), list[str]()
        else:
            document, differing = await from_database(key_of(window or ""))
    except (FileUnusable, NoRanking, NotRanked) as error:
        raise NothingToRecount(str(error)) from error
    found = [*recount(document), *differing]
    tell(document, found, as_json=as_json)
    return REFUSED if found else DONE


def key_of(window: str) -> int:
    """
    The window's key, from an id of the API's or a number.

    Raises:
        NothingToRecount: It is neither.
    """
    try:
        kind, key = (KIND, window) if window.isdecimal() else relay.from_base64(window)
    except ValueError as error:
        raise NothingToRecount(f"{window!r} is no window's id.") from error
    if kind != KIND or not key.isdecimal():
        raise NothingToRecount(f"{window!r} is no window's id.")
    return int(key)


async def from_database(window_id: int) -> tuple[Published, list[str]]:
    """The document that the database keeps of a window, and where the rows behind it differ."""
    async with database_url(Settings.read(), beside_others=True) as url:
        if not await at_head(url):
            raise SchemaBehind("The database has not this version's tables: run `doorstep migrate` first.")
        async with opened(url) as database, database.reading() as db:
            document = await document_of(db, window_id)
            return document, await rows_differ(db, document)


def tell(document: Published, found: list[str], *, as_json: bool) -> None:
    """The verdict: one line, or each difference."""
    if as_json:
        print_document({"window": document.window, "hash": document.hash, "same": not found, "differences": found})
        return
    if not found:
        results.print(f"The same: {document.hash}", markup=False, soft_wrap=True)
    for difference in found:
        results.print(f"Differs: {difference}.", markup=False, soft_wrap=True)
    placed = sum(entry.people for entry in document.entries if entry.placed)
    notices.print(
        f"Window {document.window}: {len(document.entries)} applications, {placed} of {document.places} places given."
    )
