"""The line in front of the desk: whoever comes when it is full is told when to come again, at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from scheduler.refusals import Code, Refusal, Refused

# A new turn's weight in the mean of those before: some twenty turns are remembered.
_WEIGHT = 0.05
_LEAST_MS = 20


class Line:
    """
    Writes of one process that are under way or wait for a connection, so many at most.

    Beyond that everybody would only wait longer: work that is not begun is done sooner later on.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._length = 0
        self._mean_seconds = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """
        Stand in line until the block is left.

        Raises:
            Refused: BUSY, with the time after which one who stands in line now will have left it.
        """
        if self._length >= self._most:
            retry_ms = max(ceil(self._mean_seconds * 1000), _LEAST_MS)
            message = f"More people book than can be served at once: ask again in {retry_ms} ms, with the same key."
            raise Refused(Refusal(Code.BUSY, message, retry_ms=retry_ms))
        begun = asyncio.get_running_loop().time()
        self._length += 1
        try:
            yield
        finally:
            self._length -= 1
            took = asyncio.get_running_loop().time() - begun
            self._mean_seconds += _WEIGHT * (took - self._mean_seconds)
