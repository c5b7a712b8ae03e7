"""How many streams each account has open in this process, and that all of them end with it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MOST_OPEN = 20


class Streams:
    """The open streams of a process: sockets, and requests answered by events."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()
        self.are_over = asyncio.Event()

    @contextmanager
    def opened(self, account_id: int) -> Iterator[bool]:
        """Count a stream for as long as the context lasts; says whether the account may have one more."""
        may = self._open[account_id] < MOST_OPEN
        self._open[account_id] += may
        try:
            yield may
        finally:
            self._open[account_id] -= may
            if not self._open[account_id]:
                del self._open[account_id]
