"""A whole Doorstep in one process: database, district, service and worker, started together and stopped together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from starlette.applications import Starlette

from api.app import application
from api.commands.console import step
from api.commands.databases import FOR_REQUESTS, database_url, demo_lock, migrate, opened, server_folder
from api.graphql.context import Service
from models.database import WORKERS_POOL, Database
from models.embedded import remove_data
from models.erasing import erase
from models.halts import RulesSayNo
from models.migrations.run import current
from models.sealing import Sealer
from scheduler.allowances import Allowance
from scheduler.change_feed import ChangeFeed
from scheduler.clock import Clock, system_clock
from scheduler.district.values import District
from scheduler.due import all_jobs
from scheduler.seeding.accounts import Logins, logins_of
from scheduler.seeding.loading import DEMO_ACTOR, AlreadySeeded, is_a_demos, load, recipe_of
from scheduler.seeding.recipe import Recipe
from scheduler.settings import Settings, SettingsError
from scheduler.worker import PACE, Worker

DEMO_PASSWORD = "jia-men-kou"  # noqa: S105 - printed at every start: the demo's people are invented

_FIRST = 1  # the seed of a newcomer's district


class NotADemos(RulesSayNo):
    """The database holds something that no demo put there."""


@dataclass(frozen=True)
class Wish:
    """
    What to start. Without a `seed` the district that is there is used, or the first one drawn.

    With a `pace` the worker looks after its jobs by itself; without, it acts when told (`run_due`).

    `fresh` begins again: the embedded server's data is removed; a database of DATABASE_URL is emptied if all its tables
    are ours and a demo filled it, and left alone otherwise.
    """

    settings: Settings
    seed: int | None = None
    fresh: bool = False
    clock: Clock = system_clock
    pace: timedelta | None = PACE


@dataclass(frozen=True)
class Running:
    """What runs; `database_url` carries the password."""

    settings: Settings
    database_url: str
    database: Database
    sealer: Sealer
    clock: Clock
    recipe: Recipe
    worker: Worker
    feed: ChangeFeed
    password: str = DEMO_PASSWORD

    @cached_property
    def district(self) -> District:
        """The district as it was drawn, with the requests that firms will make."""
        return self.recipe.district()

    @cached_property
    def logins(self) -> Logins:
        """The logins by the codes and keys of the district; all have the same password."""
        return logins_of(self.district)

    @cached_property
    def application(self) -> Starlette:
        """The service, to be served or called in-process."""
        service = Service(
            database=self.database,
            clock=self.clock,
            sealer=self.sealer,
            feed=self.feed,
            webhooks_to_loopback=self.settings.webhooks_to_loopback,
            allowance=Allowance(self.settings.cost_limit, self.settings.cost_a_second),
        )
        return application(service)


def sealer_of(settings: Settings) -> Sealer:
    """
    Make the sealer of identity numbers.

    Raises:
        SettingsError: A secret is missing.
    """
    given = settings.with_given_secrets()
    if given.secret is None or given.pepper is None:
        raise SettingsError("DOORSTEP_SECRET and DOORSTEP_PEPPER are needed to seal identity numbers.")
    retired = tuple(each.reveal() for each in given.retired_secrets)
    return Sealer(given.secret.reveal(), given.pepper.reveal(), retired=retired)


@asynccontextmanager
async def running(wish: Wish) -> AsyncIterator[Running]:
    """
    Start what is wished for: an empty database is migrated and given the demo's district, a filled one is used.

    Raises:
        DatabaseError: The database cannot be used, or another demo uses it.
        EmbeddedServerError: The embedded server cannot be started.
        SettingsError: A setting cannot be used.
        AlreadySeeded: It holds another district than the one wished for.
        NotADemos: `fresh` was wished for, and the database is none of a demo's.
    """
    settings = wish.settings.with_own_secrets()
    sealer = sealer_of(settings)
    if wish.fresh and settings.database_url is None:
        remove_data(server_folder(settings))
    async with database_url(settings) as url, opened(url, FOR_REQUESTS) as database, demo_lock(database):
        if wish.fresh and settings.database_url is not None:
            await _begin_again(url, database)
        await migrate(url)
        recipe = await _filled(database, wish, sealer)
        async with (
            opened(url, WORKERS_POOL) as workers_own,
            ChangeFeed(database, workers_own) as feed,
            Worker(workers_own, wish.clock, all_jobs(settings, sealer), pace=wish.pace) as worker,
        ):
            yield Running(
                settings=settings,
                database_url=url,
                database=database,
                sealer=sealer,
                clock=wish.clock,
                recipe=recipe,
                worker=worker,
                feed=feed,
            )


async def _begin_again(url: str, database: Database) -> None:
    if await current(url) is not None:
        async with database.reading() as db:
            if not await is_a_demos(db):
                raise NotADemos(
                    "The database of DATABASE_URL was not filled by a demo, so --fresh does not empty it: "
                    "use another database, or unset DATABASE_URL to use the embedded server."
                )
    with step("Emptying the demo's database"):
        await erase(database)


async def _filled(database: Database, wish: Wish, sealer: Sealer) -> Recipe:
    now = wish.clock()
    async with database.reading() as db:
        there = await recipe_of(db)
    if there and wish.seed not in (None, there.seed):
        raise AlreadySeeded(
            f"The demo's database holds the district of seed {there.seed}: leave out --seed, or begin again with "
            f"--fresh --seed {wish.seed}."
        )
    if there:
        return there
    recipe = Recipe.prepared_from(now.date(), seed=_FIRST if wish.seed is None else wish.seed)
    with step("Loading the demo's district"):
        async with database.writing(actor=DEMO_ACTOR, now=now) as db:
            await load(db, recipe, sealer=sealer, password=DEMO_PASSWORD, now=now)
    return recipe
