"""A worker that delivers short texts: given the addresses of database and gateway, and a lease."""

import asyncio
import sys
from datetime import timedelta

from models.database import Database
from models.vocabulary import Channel
from scheduler.channels.gateway import GatewayChannel
from scheduler.clock import system_clock
from scheduler.deliveries import deliveries
from scheduler.worker import Worker
from tests.factories import SEALER


async def deliver(database_url: str, gateway_url: str, lease_seconds: str) -> None:
    job = deliveries(
        {Channel.GATEWAY: GatewayChannel(gateway_url)}, SEALER, lease=timedelta(seconds=float(lease_seconds))
    )
    async with Worker(Database(database_url), system_clock, [job], pace=timedelta(seconds=0.2)):
        await asyncio.Event().wait()


asyncio.run(deliver(*sys.argv[1:]))
