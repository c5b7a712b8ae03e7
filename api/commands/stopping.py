"""Running until Ctrl-C or SIGTERM, and then leaving in order."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Otherwise = TypeVar("Otherwise")

INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


def run(work: Coroutine[Any, Any, Answer], *, when_stopped: Otherwise) -> Answer | Otherwise:
    """Run to the end, or until told to stop: the work is then cancelled, and everything it opened is closed."""
    try:
        return asyncio.run(_stoppable(work))
    except asyncio.CancelledError:
        return when_stopped


async def _stoppable(work: Coroutine[Any, Any, Answer]) -> Answer:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for asked in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(asked, task.cancel)
    return await task


async def until_stopped() -> None:
    """Wait for the signal."""
    await asyncio.get_running_loop().create_future()
