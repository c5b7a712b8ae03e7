"""A search that people watch: a line of progress, and Ctrl-C ends it with the best plan so far."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from api.commands.console import notices
from scheduler.allocation import Limits, Plan, Problem, Progress, allocate
from scheduler.side_by_side import SideBySide


def limits_for(seconds: float, seed: int) -> Limits:
    """
    Limits by this machine's clock, on all of its cores.

    Raises:
        ValueError: No time is left to search.
    """
    return Limits(clock=time.monotonic, seconds=seconds, seed=seed, side_by_side=SideBySide())


class Interruption:
    """Whether somebody pressed Ctrl-C; whoever presses it again gives up altogether."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        notices.print("Stopping with the best plan so far; Ctrl-C again gives up without one.")

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Ctrl-C and SIGTERM ask to stop instead of ending the program."""
    asked = Interruption()
    before = {each: signal.signal(each, asked.ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def watched() -> Iterator[Callable[[Progress], None]]:
    """A line that shows phase, cost, bound and gap while a search runs."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=notices, transient=True) as bar:
        task = bar.add_task("reading")
        yield lambda progress: bar.update(task, description=in_words(progress))


def search(
    problem: Problem,
    limits: Limits,
    asked: Interruption,
    *,
    start: Plan | None = None,
    told: Callable[[Progress], None] = lambda _: None,
) -> Plan:
    """Allocate with a line of progress, of which somebody else may be told, too."""
    with watched() as show:

        def tell(progress: Progress) -> None:
            show(progress)
            told(progress)

        return allocate(problem, limits, start=start, progress=tell, cancelled=asked)


def in_words(progress: Progress) -> str:
    """What is known at a moment."""
    gap = (progress.cost - progress.bound) / max(abs(progress.cost), 1e-9)
    return f"{progress.phase}: cost {progress.cost:,.0f}, at least {progress.bound:,.0f}, gap {gap:.2%}"
