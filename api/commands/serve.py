"""`doorstep serve`: the API."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from api.app import application
from api.commands import logs
from api.commands.console import notices
from api.commands.databases import shared_database
from api.commands.environment import sealer_of
from api.commands.serving import bind, serving
from api.commands.stopping import run, until_stopped
from api.graphql.context import Service
from scheduler.allowances import Allowance
from scheduler.clock import system_clock
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
    address: Address | None = None, *, behind_tls: Annotated[bool, Parameter(negative="", show_default=False)] = False
) -> int:
    """
    Serve the API until Ctrl-C or SIGTERM; start as many as you like.

    Needs DATABASE_URL, DOORSTEP_SECRET and DOORSTEP_PEPPER.

    Parameters
    ----------
    behind_tls
        A proxy in front of this speaks TLS: browsers then send the sign-in cookie over TLS only.
    """
    logs.set_up()
    return run(_serve(Settings.read(), address or Address(), behind_tls=behind_tls), when_stopped=0)


async def _serve(settings: Settings, address: Address, *, behind_tls: bool) -> int:
    sealer = sealer_of(settings)
    with bind(address.host, address.port) as listener:
        async with shared_database(settings, command="serve") as database:
            service = Service(
                database=database,
                clock=system_clock,
                sealer=sealer,
                is_secure=behind_tls,
                webhooks_to_loopback=settings.webhooks_to_loopback,
                allowance=Allowance(settings.cost_limit, settings.cost_a_second),
            )
            async with serving(application(service), listener) as url:
                notices.print(f"Serving at {url}/graphql; Ctrl-C stops after the requests under way.")
                await until_stopped()
    return 0
