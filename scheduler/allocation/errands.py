"""Components planned apart from each other: each with a share of the time, wherever there is a processor for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from scheduler.allocation.assemble import sessions_of
from scheduler.allocation.limits import Limits, Watch
from scheduler.allocation.options import space_of
from scheduler.allocation.plan import PlannedSession
from scheduler.allocation.problem import Problem
from scheduler.allocation.quest import Quest

# Seconds that a first plan of a component may take.
A_FIRST_PLAN = 60.0


@dataclass(frozen=True, slots=True)
class Errand:
    """
    One component to be planned by itself.

    Attributes:
        seconds: Time for its search; 0 asks for the first plan alone.
        start: Sessions to begin with.
    """

    problem: Problem
    seconds: float
    gap: float
    seed: int
    start: tuple[PlannedSession, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of an errand: its sessions, what they cost, and what any plan of it costs at least."""

    sessions: tuple[PlannedSession, ...]
    cost: float
    bound: float


class Apart(Protocol):
    """Runs errands at once; what came of each is given with its number, as soon as it is there."""

    @property
    def width(self) -> int:
        """How many errands run at once."""

    def __call__(self, errands: Iterator[Errand], cancelled: Callable[[], bool]) -> Iterator[tuple[int, Fetched]]:
        """Run them; the next one is asked for when there is room for it. Whoever cancels gets the best so far."""


def go(errand: Errand, *, clock: Callable[[], float], cancelled: Callable[[], bool]) -> Fetched:
    """
    Run one errand to its end.

    Raises:
        ProblemError: Its pins contradict each other.
    """
    limits = Limits(clock=clock, seconds=errand.seconds or A_FIRST_PLAN, gap=errand.gap, seed=errand.seed)
    watch = Watch(limits, cancelled)
    quest = Quest(space_of(errand.problem), limits=limits, watch=watch, start=errand.start)
    quest.begin()
    while errand.seconds and not watch.over() and quest.open and quest.gap > errand.gap:
        quest.advance(watch.left)
    return Fetched(tuple(sessions_of(quest.space, quest.draft)), quest.cost, quest.bound)


class Shares:
    """Gives each errand its share of the time that is left, by the size of what is still to be planned."""

    def __init__(self, weights: Sequence[float], *, width: int, watch: Watch) -> None:
        self.weights, self.width, self.watch = list(weights), width, watch
        self.ends: dict[int, float] = {}

    def of(self, number: int) -> float:
        """The seconds of the errand that begins now; those before it have begun."""
        now, left = self.watch.seconds, self.watch.left
        taken = sum(max(0.0, end - now) for end in self.ends.values())
        ours = self.weights[number] / sum(self.weights[number:])
        seconds = min(left, ours * max(0.0, left * self.width - taken))
        self.ends[number] = now + seconds
        return seconds

    def done(self, number: int) -> None:
        """An errand has come to its end: what it did not use is the others'."""
        self.ends.pop(number, None)
