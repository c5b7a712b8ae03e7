"""Better plans: a model over the sessions the prices like, then one neighbourhood after another."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from scheduler.allocation.ascent import Proof
from scheduler.allocation.crews import counts_of
from scheduler.allocation.draft import Draft, Seats, cost_of, seated_by_request
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import ScopeModel, model_of
from scheduler.allocation.neighbourhoods import Breadth, about, around, item_of, worth_a_thought
from scheduler.allocation.opening import opening_draft, stands
from scheduler.allocation.plan import Plan
from scheduler.allocation.scope import scope_of
from scheduler.allocation.solution import is_whole, merged, seats_of, values_of
from scheduler.allocation.space import Floats, Ints, Space
from scheduler.allocation.staffing import Names, Staffing

# Requests set free at once: fewer leave no choice, more take a model minutes.
SMALLEST, LARGEST = 20.0, 150.0
MIXED, LEFT_OUT = 0.4, 0.2
# Naming everybody anew takes too long for more sessions than these.
RENAMED = 500


@dataclass(frozen=True, slots=True)
class Move:
    """A part of the space to decide anew."""

    options: Ints
    pairs: Ints


class Search:
    """Holds the best draft of one space and improves it."""

    def __init__(self, space: Space, *, seed: int, stop: Callable[[], bool], start: Plan | None = None) -> None:
        self.space, self.seed, self.stop = space, seed, stop
        self.staffing = Staffing(space)
        self.draft = opening_draft(self.staffing, stop=stop, start=start)
        self.chance = Random(seed)  # noqa: S311 - repeatable choices, no secrets
        self.sizes: dict[int, float] = {}
        self.counts = counts_of(space)

    def try_move(self, move: Move, effort: Effort) -> Outcome:
        """Solve a part of the space; the draft changes only for the better."""
        written = model_of(scope_of(self.space, self.draft, move.options, move.pairs), self.counts)
        outcome = solve(written.model, effort, start=values_of(written, self.draft), stop=self.stop)
        if outcome.values is not None:
            self.take(written, outcome)
        return outcome

    def take(self, written: ScopeModel, outcome: Outcome) -> bool:
        """Make a solution the draft, if staff can be named and it costs less."""
        if outcome.values is None or not is_whole(written, outcome.values):
            return False
        seats = merged(self.draft, written, seats_of(written, outcome.values))
        names, short = self.names_for(written, seats)
        candidate = Draft(seats=seats, staff=names)
        if short:
            if any(self.space.options.pinned[option] for option in short):
                return False
            for option in short:
                del candidate.seats[option], candidate.staff[option]
            candidate = Greedy(self.staffing, candidate).fill()
        candidate.cost = cost_of(self.space, candidate.seats, candidate.staff)
        if candidate.cost >= self.draft.cost - 1e-9 * abs(self.draft.cost) or not stands(self.space, candidate):
            return False
        self.draft = candidate
        return True

    def names_for(self, written: ScopeModel, seats: Seats) -> tuple[Names, list[int]]:
        """Names for the sessions decided anew; if they do not suffice, for all of them."""
        inside = set(written.scope.options.tolist())
        kept = {option: names for option, names in self.draft.staff.items() if option not in inside and option in seats}
        names, short = self.staffing.name_most(seats, kept)
        if short and len(seats) <= RENAMED:
            names, short = self.staffing.name_most(seats, {})
        return names, short

    @property
    def constant(self) -> float:
        """What a model of everything leaves out: what is settled ahead, and requests that have no pairs."""
        alone = np.ones(len(self.space.people), bool)
        alone[self.space.pairs.request] = False
        return self.space.base + float((self.space.people * self.space.unplaced_cost)[alone].sum())

    def follow_prices(self, person: Floats) -> None:
        """Build a draft as if seating people were worth these prices, then fill it up; keep it if it costs less."""
        worth = np.minimum(person, self.space.unplaced_cost)
        guided = Greedy(self.staffing, worth=worth, stop=self.stop).fill()
        candidate = Greedy(self.staffing, guided, stop=self.stop).fill()
        if candidate.cost < self.draft.cost and stands(self.space, candidate):
            self.draft = candidate

    def neighbourhood(self, proof: Proof, seconds: float) -> None:
        """Decide one neighbourhood anew, and learn how large the next one of its item may be."""
        if (seed := self.pick()) is None:
            return
        # Staff tie items together in time, places tie requests of an item together: each has its turn.
        mixed = self.chance.random() < MIXED
        kind = -1 if mixed else item_of(self.space, seed)
        size = self.sizes.setdefault(kind, SMALLEST)
        breadth = Breadth(requests=int(size), options=int(12 * size), choices=30)
        free = (about if mixed else around)(self.space, self.draft, seed, breadth)
        options, pairs = worth_a_thought(self.space, proof, self.draft, free, breadth)
        before = self.draft.cost
        outcome = self.try_move(Move(options, pairs), Effort(seconds=seconds, gap=5e-3, nodes=60, seed=self.seed))
        if not outcome.proven:
            self.sizes[kind] = max(size * 0.85, SMALLEST)
        elif self.draft.cost >= before:
            self.sizes[kind] = min(size * 1.08, LARGEST)

    def pick(self) -> int | None:
        """A request to look around: often one that is left out, otherwise any; None where there is none."""
        asking = np.unique(self.space.pairs.request)
        short = self.space.people - seated_by_request(self.space, self.draft.seats)
        left_out = asking[short[asking] > 0]
        if len(left_out) and self.chance.random() < LEFT_OUT:
            asking = left_out
        return int(asking[self.chance.randrange(len(asking))]) if len(asking) else None
