"""The port of those who run a node, and leaving in order: not ready first, then finished, then gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cyclopts import Parameter

from api.commands.console import notices
from api.commands.serving import bind, serving
from api.commands.stopping import until_stopped
from api.operations.health import Health
from api.operations.pages import Metrics, operations


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OperationsAddress:
    """Where those who run this node ask how it is."""

    operations_port: int | None = None
    """Serve `/livez`, `/readyz` and `/metrics` at this port, 0 for any; without it they are served nowhere else."""
    operations_host: str = "127.0.0.1"
    """The address of that port. Its pages ask for no sign-in: keep it on a network of your own."""


@asynccontextmanager
async def operated(address: OperationsAddress, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Serve the operators' pages, if a port is named, until everything inside has ended."""
    if address.operations_port is None:
        yield
        return
    with bind(address.operations_host, address.operations_port) as listener:
        async with serving(operations(health, metrics), listener) as url:
            notices.print(f"Operations at {url}: /livez, /readyz, /metrics.")
            yield


async def until_drained(health: Health, *, seconds: float = 0.0) -> None:
    """Wait for the signal; then say that nothing new is to come, and give whoever sends it time to read that."""
    try:
        await until_stopped()
    finally:
        health.drain()
        await asyncio.sleep(seconds)
