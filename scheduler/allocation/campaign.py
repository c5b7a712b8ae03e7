"""The search for the plans of all components together: turn by turn here, or apart in processes of their own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from scheduler.allocation.assemble import sessions_of
from scheduler.allocation.errands import Apart, Errand, Fetched, Shares
from scheduler.allocation.limits import Progress, Watch
from scheduler.allocation.options import space_of
from scheduler.allocation.plan import PlannedSession, Stop
from scheduler.allocation.problem import Problem
from scheduler.allocation.quest import Quest
from scheduler.allocation.space import Space

# Gaps below this are the rounding of sums, not room for a better plan.
CLOSED = 5e-7
# The share of the time in which components that are planned apart have to be back: reading and reasons take theirs.
BACK_BY = 0.97

Told = Callable[[Progress], None]


class Campaign(ABC):
    """What is known of a problem's components, and when that is enough."""

    def __init__(self, constant: float, *, watch: Watch, progress: Told | None) -> None:
        self.constant, self.watch, self.progress = constant, watch, progress or (lambda _: None)

    @property
    @abstractmethod
    def cost(self) -> float:
        """What the best plan so far costs."""

    @property
    @abstractmethod
    def bound(self) -> float:
        """What any plan costs at least."""

    @abstractmethod
    def sessions(self) -> list[PlannedSession]:
        """The sessions of the best plan so far."""

    @abstractmethod
    def run(self) -> None:
        """Search until the limits say stop."""

    def good_enough(self) -> bool:
        """Whether the proven gap is within the limits."""
        wanted = max(self.watch.limits.gap, CLOSED) * max(abs(self.cost), 1e-9)
        return self.cost - self.bound <= wanted

    def tell(self, phase: str) -> None:
        """Report what is known."""
        self.progress(Progress(phase, self.cost, self.bound, self.watch.seconds))

    def stop(self) -> Stop:
        """What ended the search."""
        if self.cost - self.bound <= CLOSED * max(abs(self.cost), 1e-9):
            return Stop.OPTIMAL
        if self.good_enough():
            return Stop.GAP
        return Stop.CANCELLED if self.watch.cancelled() else Stop.TIME


class TurnByTurn(Campaign):
    """First a plan for everybody, then the component whose gap is worth most, turn by turn."""

    def __init__(
        self,
        space: Space,
        parts: Sequence[Problem],
        *,
        watch: Watch,
        start: Sequence[PlannedSession] | None,
        progress: Told | None,
    ) -> None:
        spaces = [space] if len(parts) == 1 else [space_of(part) for part in parts]
        served = {request for each in spaces for request in each.request_ids}
        super().__init__(unserved_cost(space, served), watch=watch, progress=progress)
        self.quests = [Quest(each, limits=watch.limits, watch=watch, start=start) for each in spaces]

    @property
    def cost(self) -> float:
        """What the best plan so far costs."""
        return self.constant + sum(quest.cost for quest in self.quests)

    @property
    def bound(self) -> float:
        """What any plan costs at least."""
        return self.constant + sum(quest.bound for quest in self.quests)

    def sessions(self) -> list[PlannedSession]:
        """The sessions of the best plan so far."""
        return [session for quest in self.quests for session in sessions_of(quest.space, quest.draft)]

    def run(self) -> None:
        """Search until the limits say stop."""
        for quest in self.quests:
            quest.begin()
        self.tell("first plan")
        while not self.watch.over() and not self.good_enough():
            quest = max(self.quests, key=lambda each: each.cost - each.bound)
            share = len([each for each in self.quests if each.open])
            phase = quest.advance(self.watch.left / max(1, share))
            self.tell(phase)


class CampaignApart(Campaign):
    """First plans of all components at once, then each component for its share of the time."""

    def __init__(  # the same as turn by turn, and who runs the errands
        self,
        space: Space,
        parts: Sequence[Problem],
        *,
        watch: Watch,
        apart: Apart,
        start: Sequence[PlannedSession] | None,
        progress: Told | None,
    ) -> None:
        served = {request.id for part in parts for request in part.requests}
        super().__init__(unserved_cost(space, served), watch=watch, progress=progress)
        self.parts, self.apart = parts, apart
        self.start = None if start is None else tuple(start)
        self.found: dict[int, Fetched] = {}

    @property
    def cost(self) -> float:
        """What the best plan so far costs."""
        return self.constant + sum(each.cost for each in self.found.values())

    @property
    def bound(self) -> float:
        """What any plan costs at least."""
        return self.constant + sum(each.bound for each in self.found.values())

    def sessions(self) -> list[PlannedSession]:
        """The sessions of the best plan so far."""
        return [session for number in sorted(self.found) for session in self.found[number].sessions]

    def run(self) -> None:
        """Search until the limits say stop."""
        for number, fetched in self.apart(self.firsts(), self.watch.cancelled):
            self.found[number] = fetched
        self.tell("first plan")
        shares = Shares([len(part.requests) for part in self.parts], width=self.apart.width, watch=self.watch)
        for number, fetched in self.apart(self.searches(shares), self.watch.cancelled):
            shares.done(number)
            self.found[number] = better_of(self.found[number], fetched)
            self.tell(f"component {number + 1} of {len(self.parts)}")

    def firsts(self) -> Iterator[Errand]:
        """An errand for the first plan of each component."""
        for part in self.parts:
            yield self.errand(part, seconds=0.0, start=self.start)

    def searches(self, shares: Shares) -> Iterator[Errand]:
        """An errand for the search in each component, while there is time."""
        for number, part in enumerate(self.parts):
            if self.watch.over():
                return
            seconds = BACK_BY * shares.of(number)
            yield self.errand(part, seconds=seconds, start=self.found[number].sessions)

    def errand(self, part: Problem, *, seconds: float, start: tuple[PlannedSession, ...] | None) -> Errand:
        """An errand within the limits."""
        limits = self.watch.limits
        return Errand(part, seconds=seconds, gap=limits.gap, seed=limits.seed, start=start)


def better_of(one: Fetched, other: Fetched) -> Fetched:
    """The cheaper of two plans of a component, with the higher of their bounds."""
    cheaper = min(one, other, key=lambda each: each.cost)
    return Fetched(cheaper.sessions, cheaper.cost, min(cheaper.cost, max(one.bound, other.bound)))


def unserved_cost(space: Space, served: set[str]) -> float:
    """What requests cost that no session could ever take."""
    problem = space.index.problem
    left = sum(r.unplaced_cost * r.people for r in problem.requests if r.id not in served)
    gone = sum(
        row.people for row in problem.before if row.request in space.index.requests and row.request not in served
    )
    return left + problem.change_cost * gone
