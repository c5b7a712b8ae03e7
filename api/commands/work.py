"""`doorstep work`: one worker node."""

from api.commands import logs
from api.commands.console import notices
from api.commands.databases import shared_database
from api.commands.environment import sealer_of
from api.commands.operating import OperationsAddress, operated, until_drained
from api.commands.stopping import run
from api.operations.health import Health, claim_loop_check, database_checks, listener_check
from api.operations.metrics import MetricsOf
from scheduler.change_feed import ChangeFeed
from scheduler.clock import system_clock
from scheduler.due import all_jobs
from scheduler.settings import Settings
from scheduler.worker import Worker


def work(operations: OperationsAddress | None = None) -> int:
    """
    Run one worker node until Ctrl-C or SIGTERM; start as many as you like.

    It plans rounds, keeps deadlines, makes rosters, delivers messages. Needs DATABASE_URL and, to sign webhooks,
    the secrets.
    """
    logs.set_up()
    return run(_work(Settings.read(), operations or OperationsAddress()), when_stopped=0)


async def _work(settings: Settings, operations: OperationsAddress) -> int:
    sealer = sealer_of(settings)
    async with shared_database(settings, command="work") as database, ChangeFeed(database) as feed:
        jobs = all_jobs(settings, sealer)
        worker = Worker(database, system_clock, jobs)
        health = Health(database_checks(database) | listener_check(feed) | claim_loop_check(worker))
        async with operated(operations, health, MetricsOf(database, system_clock, jobs)), worker:
            notices.print("Working; Ctrl-C stops after the steps that run.")
            await until_drained(health)
    return 0
