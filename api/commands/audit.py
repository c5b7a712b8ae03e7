"""`doorstep audit`: derive every invariant once more from the rows, and name what breaks one."""

from collections.abc import Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from api.commands.console import notices, print_document, results
from api.commands.databases import SchemaBehind, database_url, opened
from models.migrations.run import at_head
from scheduler.audit.auditor import verdicts
from scheduler.audit.invariant import Verdict
from scheduler.settings import Settings

MOST_NAMED = 20


async def audit(*, json: bool = False) -> int:
    """
    Derive every promise of the system once more from the rows; exit with 1 if one is broken, and name it.

    Args:
        json: Print one JSON document.
    """
    async with database_url(Settings.read(), beside_others=True) as url:
        if not await at_head(url):
            raise SchemaBehind("The database has not this version's tables: run `doorstep migrate` first.")
        async with opened(url) as database, database.reading() as db:
            found = await verdicts(db)
    if json:
        print_document(document_of(found))
    else:
        tell(found)
    return 0 if all(verdict.holds for verdict in found) else 1


def document_of(found: Sequence[Verdict]) -> dict[str, object]:
    """The verdicts for programs."""
    return {
        "holds": all(verdict.holds for verdict in found),
        "checked": sum(verdict.checked for verdict in found),
        "invariants": [
            {
                "name": verdict.name,
                "sentence": verdict.sentence,
                "checked": verdict.checked,
                "holds": verdict.holds,
                "violations": [asdict(violation) for violation in verdict.violations],
            }
            for verdict in found
        ],
    }


def tell(found: Sequence[Verdict]) -> None:
    """The verdicts for people: the table to stdout, each broken row below it."""
    results.print(table_of(found))
    broken = [verdict for verdict in found if not verdict.holds]
    for verdict in broken:
        results.print(f"\n[bold red]{verdict.name}[/bold red]: {verdict.sentence}")
        for row in verdict.violations[:MOST_NAMED]:
            results.print(f"  {row.entity} {row.entity_id}: {row.found}", markup=False, soft_wrap=True)
        if (more := len(verdict.violations) - MOST_NAMED) > 0:
            results.print(f"  and {more} more; --json names them all.")
    checked = sum(verdict.checked for verdict in found)
    said = f"{len(broken)} of {len(found)} invariants are broken" if broken else f"All {len(found)} invariants hold"
    notices.print(f"{said}; {checked:,} rows looked at.")


def table_of(found: Sequence[Verdict]) -> Table:
    """One line an invariant."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Invariant")
    table.add_column("Checked", justify="right")
    table.add_column("Verdict")
    for verdict in found:
        said = "[green]holds[/green]" if verdict.holds else f"[bold red]{len(verdict.violations)} broken[/bold red]"
        table.add_row(verdict.name, f"{verdict.checked:,}", said)
    return table
