"""`doorstep jobs`: what ran, what is due, what is dead."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.table import Table

from api.commands.console import notices, print_document, results
from api.commands.databases import SchemaBehind, database_url, opened
from models.journal import JobRun
from models.migrations.run import at_head
from scheduler.calendar import SHANGHAI
from scheduler.job_runs import state_of, to_be_seen
from scheduler.settings import Settings


async def jobs(*, json: bool = False) -> int:
    """
    Say of every job what ran last, what is due, and what is dead and waits for somebody.

    Args:
        json: Print one JSON document.
    """
    async with database_url(Settings.read(), beside_others=True) as url:
        if not await at_head(url):
            raise SchemaBehind("The database has not this version's tables: run `doorstep migrate` first.")
        async with opened(url) as database, database.reading() as db:
            runs = await to_be_seen(db)
    if json:
        print_document([document_of(run) for run in runs])
        return 0
    results.print(table_of(runs))
    dead = sum(run.died_at is not None for run in runs)
    notices.print(f"{dead} dead." if dead else "Nothing is dead.")
    return 0


def document_of(run: JobRun) -> dict[str, object]:
    """A run for programs."""
    kept = {"job", "fire_at", "due_at", "started_at", "finished_at", "died_at", "attempts", "done", "failure"}
    return {"state": state_of(run), **run.model_dump(include=kept)}


def table_of(runs: Sequence[JobRun]) -> Table:
    """One line a run: the dead first, then what is open, then what each job did last."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("Job", "State", "Fired", "Tried next"):
        table.add_column(name)
    for name in ("Attempts", "Done"):
        table.add_column(name, justify="right")
    table.add_column("Failure")
    colour = {"dead": "[bold red]dead[/bold red]", "due": "[yellow]due[/yellow]", "ran": "[green]ran[/green]"}
    for run in runs:
        state = state_of(run)
        again = at_home(run.due_at) if state == "due" else ""
        figures = (f"{run.attempts}", f"{run.done:,}")
        table.add_row(run.job, colour[state], at_home(run.fire_at), again, *figures, run.failure or "")
    return table


def at_home(moment: datetime) -> str:
    """A moment as the bureau's wall clock shows it."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
