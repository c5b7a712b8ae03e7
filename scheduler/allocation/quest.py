"""The search for the best plan of one component, and for the proof of how good it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduler.allocation.ascent import Ascent, Known
from scheduler.allocation.draft import Draft, cost_by_circle
from scheduler.allocation.exact import solve_exactly
from scheduler.allocation.itembounds import ItemBounds, ItemModel
from scheduler.allocation.limits import Limits, Task, Watch
from scheduler.allocation.milp import Effort, Outcome
from scheduler.allocation.plan import Plan
from scheduler.allocation.search import Search
from scheduler.allocation.space import Floats, Space

# Up to so many pairs one model holds the whole component and is worth the first try.
SMALL = 8000
# The share of the time that this model may take.
WHOLE_SHARE = 0.85
ROUNDS = 25
# Prices alone come first: neighbourhoods look where they point.
FIRST_ROUNDS = 75
# Models solved in one turn; a fixed number, so that the plan does not depend on how many cores there are.
ABREAST = 4
# Seconds for one model.
LONGEST, LONGEST_BOUND = 4.0, 8.0
MARKUPS = (1.0, 1.1)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that runs beside others, and what to do with what came of it."""

    name: str
    run: Task
    settle: Callable[[Any], None]


class Quest:
    """One component's search, taken up turn by turn."""

    def __init__(self, space: Space, *, limits: Limits, watch: Watch, start: Plan | None = None) -> None:
        self.space, self.limits, self.watch, self.start = space, limits, watch, start
        self.search: Search | None = None
        self.bound = 0.0
        self.turns = 0
        self.items: ItemBounds | None = None

    @property
    def draft(self) -> Draft:
        """The best draft so far."""
        return self.found.draft

    @property
    def cost(self) -> float:
        """What it costs."""
        return self.draft.cost

    @property
    def open(self) -> bool:
        """Whether there is still something to gain."""
        return self.cost - self.bound > 5e-7 * max(abs(self.cost), 1e-9)

    @property
    def found(self) -> Search:
        """The search, once it has begun."""
        if self.search is None:
            raise RuntimeError("the search has not begun")
        return self.search

    def begin(self) -> None:
        """Make the first plan and the first bound."""
        self.search = Search(self.space, seed=self.limits.seed, watch=self.watch, start=self.start)
        self.ascent = Ascent(self.space)
        self.raise_bound(self.ascent.best.bound)

    def raise_bound(self, bound: float) -> None:
        """Keep the better of two bounds, a little below what rounding could have added."""
        self.bound = min(self.cost, max(self.bound, bound - 1e-9 * abs(bound)))

    def advance(self, seconds: float) -> str:
        """One turn; returns what it did."""
        self.turns += 1
        if self.turns == 1 and self.space.pairs.count <= SMALL:
            self.solve_whole(seconds * WHOLE_SHARE)
            return "exact"
        if self.turns <= 1 + FIRST_ROUNDS // ROUNDS:
            self.climb(known_of(self.found))
            self.learn()
            return "prices"
        return self.improve(seconds)

    def solve_whole(self, seconds: float) -> None:
        """One model of everything, and beside it a search of its own in case the model takes too long."""
        until, twin = self.watch.seconds + seconds, self.found.twin()
        done: list[float] = []
        self.limits.side_by_side(
            [
                lambda: done.append(solve_exactly(self.found, seconds=seconds, gap=self.limits.gap)),
                lambda: self.explore(twin, lambda: bool(done) or self.watch.seconds > until),
            ]
        )
        self.raise_bound(done[0])
        # Where the model was solved its plan and bound stand, so that the pace of the other search changes nothing.
        if self.open:
            self.found.draft = min(self.draft, twin.draft, key=lambda draft: draft.cost)
            self.raise_bound(self.ascent.best.bound)

    def explore(self, search: Search, stop: Callable[[], bool]) -> None:
        """Prices and neighbourhoods, one after the other."""
        for _ in range(FIRST_ROUNDS // ROUNDS):
            if not stop():
                self.ascent.climb(ROUNDS, known=known_of(search), stop=stop)
        while not stop():
            missing = known_of(search).circles - self.ascent.worth()
            if proposal := search.propose(self.ascent.best, missing, LONGEST):
                search.settle(proposal, proposal.solve())

    def improve(self, seconds: float) -> str:
        """Raise the bound beside solving neighbourhoods; all are settled in order, so their pace changes nothing."""
        step = self.proof_step(min(seconds, LONGEST_BOUND))
        missing = known_of(self.found).circles - self.worth()
        found = [self.found.propose(self.ascent.best, missing, min(seconds, LONGEST)) for _ in range(ABREAST)]
        proposals = [proposal for proposal in found if proposal is not None]
        tasks: list[Task] = [proposal.solve for proposal in proposals]
        first, *outcomes = self.limits.side_by_side([step.run, *tasks])
        step.settle(first)
        for proposal, outcome in zip(proposals, outcomes, strict=True):
            self.found.settle(proposal, outcome)
        return f"{step.name}, neighbourhoods"

    def proof_step(self, seconds: float) -> Step:
        """What raises the bound next: prices while they still move, then circle by circle."""
        if self.ascent.moving:
            known = known_of(self.found)
            return Step("prices", lambda: self.climb(known), lambda _: self.learn())
        self.items = self.items or ItemBounds(self.space, self.ascent.best)
        items, proposal = self.items, self.items.propose(Effort(seconds=seconds, seed=self.limits.seed))
        if proposal is None:
            return Step("proven so far", lambda: None, lambda _: None)
        return Step("bounds of items", proposal.solve, lambda outcome: self.settle_bound(items, proposal, outcome))

    def settle_bound(self, items: ItemBounds, proposal: ItemModel, outcome: Outcome) -> None:
        """Take what a circle's model proves."""
        items.settle(proposal, outcome)
        self.raise_bound(items.bound)

    def worth(self) -> Floats:
        """By circle, what the proof says it costs at least."""
        return self.ascent.worth() if self.items is None else self.items.shares

    def climb(self, known: Known) -> None:
        """Improve the prices; this touches nothing but the ascent."""
        self.ascent.climb(ROUNDS, known=known, stop=self.watch.over)

    def learn(self) -> None:
        """Take the bound of the prices, and try what they suggest."""
        self.raise_bound(self.ascent.best.bound)
        if not self.watch.over():
            self.found.follow_prices(self.ascent.best.prices.person * MARKUPS[self.turns % len(MARKUPS)])


def known_of(search: Search) -> Known:
    """What a search's best draft costs, for the ascent to aim at."""
    return Known(search.draft.cost, cost_by_circle(search.space, search.draft))
