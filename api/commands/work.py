"""`doorstep work`: one worker node."""

from api.commands import logs
from api.commands.console import notices
from api.commands.databases import shared_database
from api.commands.environment import sealer_of
from api.commands.stopping import run, until_stopped
from scheduler.clock import system_clock
from scheduler.due import all_jobs
from scheduler.settings import Settings
from scheduler.worker import Worker


def work() -> int:
    """
    Run one worker node until Ctrl-C or SIGTERM; start as many as you like.

    It plans rounds, keeps deadlines, makes rosters, delivers messages. Needs DATABASE_URL and, to sign webhooks,
    the secrets.
    """
    logs.set_up()
    return run(_work(Settings.read()), when_stopped=0)


async def _work(settings: Settings) -> int:
    sealer = sealer_of(settings)
    async with (
        shared_database(settings, command="work") as database,
        Worker(database, system_clock, all_jobs(settings, sealer)),
    ):
        notices.print("Working; Ctrl-C stops after the steps that run.")
        await until_stopped()
    return 0
