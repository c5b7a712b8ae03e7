"""
API processes over real HTTP, to be several and to be killed.

Run as a program, with the moment at which their clock began and how many times faster than the machine's it runs, it
starts one for each database's address that it reads, and each says its process id and where it listens. They are forked
from what was imported once: to import it again takes longer than many of them live.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from datetime import datetime, timedelta

from api.app import application
from api.commands.serving import serving
from api.graphql.context import Service
from models.database import Database
from tests.factories import NOW, SEALER


def moment(begun: float, speed: float) -> datetime:
    """What the clock of everybody in a race says."""
    return NOW + timedelta(seconds=(time.time() - begun) * speed)


async def serve(url: str, begun: float, speed: float) -> None:
    """Serve until killed."""
    service = Service(Database(url), lambda: moment(begun, speed), SEALER)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(application(service), listener) as address:
            print(os.getpid(), address, flush=True)  # noqa: T201  # whoever asked for us reads it
            await asyncio.Event().wait()


def main(begun: float, speed: float) -> None:
    """Start processes until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while url := sys.stdin.readline().strip():
        if os.fork() == 0:
            asyncio.run(serve(url, begun, speed))
            os._exit(0)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
