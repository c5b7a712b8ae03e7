"""`doorstep seed`: a synthetic district for an empty database."""

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from api.commands.console import print_document, results, step
from api.commands.databases import database_url, migrate, opened
from api.commands.environment import DEMO_PASSWORD, sealer_of
from api.commands.stopping import INTERRUPTED, run
from scheduler.clock import system_clock
from scheduler.district.generator import MOST_BUREAUS
from scheduler.seeding.loading import SEED_ACTOR, Loaded, load
from scheduler.seeding.recipe import Recipe
from scheduler.settings import Settings


def seed(
    *,
    bureaus: Annotated[int, Parameter(validator=Number(gte=1, lte=MOST_BUREAUS))] = 1,
    seed: int = 1,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """
    Load a synthetic district into an empty database: Songjiang's map, invented firms and people.

    Parameters
    ----------
    bureaus
        How many bureaus; the first is Songjiang, the others are invented beside it.
    seed
        Which district: the same number gives the same one.
    json
        Print one JSON document.
    """
    settings = Settings.read()
    # Where others keep real rows beside, the secret is theirs to choose and to keep.
    settings = settings.with_given_secrets() if settings.database_url else settings.with_own_secrets()
    loaded = run(_seed(settings, bureaus=bureaus, seed=seed), when_stopped=None)
    if loaded is None:
        return INTERRUPTED
    if json:
        print_document({**asdict(loaded), "password": DEMO_PASSWORD})
    else:
        results.print(_table(loaded))
        results.print(f"Everyone's password: [bold]{DEMO_PASSWORD}[/bold]")
    return 0


async def _seed(settings: Settings, *, bureaus: int, seed: int) -> Loaded:
    now = system_clock()
    sealer = sealer_of(settings)
    async with database_url(settings) as url, opened(url) as database:
        await migrate(url)
        with step(f"Loading {bureaus} bureau{'s'[: bureaus > 1]}"):
            async with database.writing(actor=SEED_ACTOR, now=now) as db:
                recipe = Recipe.prepared_from(now.date(), seed=seed, bureaus=bureaus)
                return await load(db, recipe, sealer=sealer, password=DEMO_PASSWORD, now=now)


def _table(loaded: Loaded) -> Table:
    table = Table(title="Loaded", title_justify="left")
    table.add_column("What")
    table.add_column("How many", justify="right")
    for what, many in asdict(loaded).items():
        table.add_row(what.capitalize(), f"{many:,}")
    return table
