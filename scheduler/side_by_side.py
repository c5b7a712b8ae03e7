"""Runs the allocator's models on all cores: threads, because the solver lets go of the interpreter while it works."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from scheduler.allocation.limits import Task


class SideBySide:
    """A few threads that stand ready."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(max_workers=os.cpu_count())

    def __call__(self, tasks: Sequence[Task]) -> list[object]:
        """Run the tasks, and return what came of each, in their order."""
        return list(self.threads.map(lambda task: task(), tasks))
