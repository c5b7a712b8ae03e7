"""How long and how hard to search, and what is told on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# By so much a first plan may overrun the search's time; an answer is owed a little later still.
LATE_SHARE, LATE_SECONDS = 1.2, 2.0
# Seconds that somebody who asked to stop still waits for reasons.
A_MOMENT = 2.0

Task = Callable[[], Any]

SideBySide = Callable[[Sequence[Task]], list[Any]]
"""Runs tasks that share nothing they change, and returns what came of each, in order."""


def one_by_one(tasks: Sequence[Task]) -> list[Any]:
    """The plainest way to run tasks."""
    return [task() for task in tasks]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    When to stop.

    Attributes:
        seconds: Wall-clock time for the search; the answer may come a little later.
        gap: Proven closeness to the optimum that is good enough, as a share of the cost.
        seed: Where choices start from.
        clock: Seconds that only ever grow; the core reads no other clock.
        side_by_side: How models that share nothing are solved; it changes the pace, not the plan.
    """

    clock: Callable[[], float] = field(repr=False)
    seconds: float = 60.0
    gap: float = 0.0
    seed: int = 0
    side_by_side: SideBySide = field(default=one_by_one, repr=False)

    def __post_init__(self) -> None:
        if not self.seconds > 0 or not self.gap >= 0:
            raise ValueError("limits need seconds above 0 and a gap of at least 0")


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known at a moment of the search."""

    phase: str
    cost: float
    bound: float
    seconds: float


class Watch:
    """Tells how much time is left, and whether somebody asked to stop."""

    def __init__(self, limits: Limits, cancelled: Callable[[], bool] | None) -> None:
        self.limits = limits
        self.started = limits.clock()
        self.cancelled = cancelled or (lambda: False)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return self.limits.clock() - self.started

    @property
    def left(self) -> float:
        """Seconds until the search must end; never negative."""
        return max(0.0, self.limits.seconds - self.seconds)

    def over(self) -> bool:
        """Whether the search must end now."""
        return self.left <= 0 or self.cancelled()

    def late(self) -> bool:
        """Whether even what was begun must end now: a first plan cut short helps nobody."""
        return self.overdue() or self.cancelled()

    def overdue(self) -> bool:
        """Whether the answer itself is due."""
        return self.seconds > LATE_SHARE * self.limits.seconds + LATE_SECONDS

    def patience(self) -> Callable[[], bool]:
        """Whether what comes after the search takes too long; who cancelled it waits a moment from now, no more."""
        began = self.seconds
        return lambda: self.overdue() or (self.cancelled() and self.seconds > began + A_MOMENT)
