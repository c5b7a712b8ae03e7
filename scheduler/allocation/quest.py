"""The search for the best plan of one component, and for the proof of how good it is."""

from scheduler.allocation.ascent import Ascent
from scheduler.allocation.draft import Draft
from scheduler.allocation.exact import solve_exactly
from scheduler.allocation.limits import Limits, Watch
from scheduler.allocation.options import space_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.search import Search

# Up to so many pairs one model holds the whole component and is worth the first try.
SMALL = 8000
ROUNDS = 25
FIRST_ROUNDS = 200
MARKUPS = (1.0, 1.1)


class Quest:
    """One component's search, taken up turn by turn."""

    def __init__(self, part: Problem, *, limits: Limits, watch: Watch, start: Plan | None = None) -> None:
        self.limits, self.watch, self.start = limits, watch, start
        self.space = space_of(part)
        self.search: Search | None = None
        self.bound = 0.0
        self.turns = 0

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
        self.search = Search(self.space, seed=self.limits.seed, stop=self.watch.over, start=self.start)
        self.ascent = Ascent(self.space)
        self.raise_bound(self.ascent.best.bound)

    def raise_bound(self, bound: float) -> None:
        """Keep the better of two bounds, a little below what rounding could have added."""
        self.bound = min(self.cost, max(self.bound, bound - 1e-9 * abs(bound)))

    def advance(self, seconds: float) -> str:
        """One turn; returns what it did."""
        self.turns += 1
        if self.turns == 1 and self.space.pairs.count <= SMALL:
            self.raise_bound(solve_exactly(self.found, seconds=seconds * 0.6, gap=self.limits.gap))
            return "exact"
        if self.turns <= 1 + FIRST_ROUNDS // ROUNDS:
            self.climb()
            return "prices"
        if self.turns % 40 == 0:
            self.climb()
        self.found.neighbourhood(self.ascent.best, min(seconds, 10.0))
        return "neighbourhood"

    def climb(self) -> None:
        """Improve the prices, and try what they suggest."""
        proof = self.ascent.climb(ROUNDS, known=self.cost, stop=self.watch.over)
        self.raise_bound(proof.bound)
        for markup in MARKUPS:
            if not self.watch.over():
                self.found.follow_prices(proof.prices.person * markup)
