"""`doorstep serve`: the API."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from api.app import application
from api.commands import logs
from api.commands.console import notices
from api.commands.databases import shared_database
from api.commands.environment import sealer_of
from api.commands.operating import OperationsAddress, operated, until_drained
from api.commands.serving import bind, serving
from api.commands.stopping import run
from api.graphql.context import Service
from api.operations.health import Health, database_checks, listener_check
from api.operations.metrics import MetricsOf
from scheduler.allowances import Allowance
from scheduler.change_feed import ChangeFeed
from scheduler.clock import system_clock
from scheduler.due import all_jobs
from scheduler.settings import Settings


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to listen."""

    host: str = "127.0.0.1"
    """The address to listen at; 0.0.0.0 for every network of this machine."""
    port: int = 8000
    """The port to listen at."""


def serve(
    address: Address | None = None,
    operations: OperationsAddress | None = None,
    *,
    behind_tls: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    drain_seconds: float = 3.0,
) -> int:
    """
    Serve the API until Ctrl-C or SIGTERM; start as many as you like.

    Needs DATABASE_URL, DOORSTEP_SECRET and DOORSTEP_PEPPER.

    Parameters
    ----------
    behind_tls
        A proxy in front of this speaks TLS: browsers then send the sign-in cookie over TLS only.
    drain_seconds
        When told to stop: how long `/readyz` answers 503 while requests are still taken, so that a load balancer looks
        away first. A second Ctrl-C cuts it short.
    """
    logs.set_up()
    served = Served(address or Address(), operations or OperationsAddress(), behind_tls, drain_seconds)
    return run(_serve(Settings.read(), served), when_stopped=0)


@dataclass(frozen=True)
class Served:
    """How the service is offered, and left."""

    address: Address
    operations: OperationsAddress
    behind_tls: bool
    drain_seconds: float


async def _serve(settings: Settings, served: Served) -> int:
    sealer = sealer_of(settings)
    with bind(served.address.host, served.address.port) as listener:
        async with shared_database(settings, command="serve") as database, ChangeFeed(database) as feed:
            health = Health(database_checks(database) | listener_check(feed))
            service = Service(
                database=database,
                clock=system_clock,
                sealer=sealer,
                feed=feed,
                is_secure=served.behind_tls,
                webhooks_to_loopback=settings.webhooks_to_loopback,
                allowance=Allowance(settings.cost_limit, settings.cost_a_second),
            )
            metrics = MetricsOf(database, system_clock, all_jobs(settings, sealer))
            async with (
                operated(served.operations, health, metrics),
                serving(application(service, health), listener) as url,
            ):
                notices.print(f"Serving at {url}/graphql; Ctrl-C stops after the requests under way.")
                try:
                    await until_drained(health, seconds=served.drain_seconds)
                finally:
                    service.streams.are_over.set()
    return 0
