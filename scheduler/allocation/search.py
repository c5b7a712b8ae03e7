"""Better plans: a model over the sessions the prices like, then one neighbourhood after another."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np

from scheduler.allocation.ascent import Proof
from scheduler.allocation.crews import Counts, counts_of
from scheduler.allocation.draft import Draft, Seats, cost_of, is_sound, seated_by_request
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.limits import Watch
from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import ScopeModel, model_of
from scheduler.allocation.neighbourhoods import Breadth, about, around, worth_a_thought
from scheduler.allocation.opening import opening_draft, stands
from scheduler.allocation.plan import Plan
from scheduler.allocation.scope import scope_of
from scheduler.allocation.solution import is_whole, merged, seats_of, values_of
from scheduler.allocation.space import Bools, Floats, Space
from scheduler.allocation.staffing import Names, Staffing

# Requests set free at once: fewer leave no choice, more take a model minutes.
SMALLEST, LARGEST = 30.0, 150.0
PER_REQUEST = 5
GROWTH, SHRINK = 1.08, 0.85
MIXED, LEFT_OUT = 0.25, 0.15
NODES = 200
# A circle with no more requests than this is decided whole, once, before parts of it are.
WHOLE = 45
# The kernel: everybody at once, each with the choices that the prices like best.
KERNEL, KERNEL_OPTIONS, MOST_SEATS = -2, 400, 25_000
# Naming everybody anew takes too long for more sessions than these.
RENAMED = 500


@dataclass(slots=True)
class Kernel:
    """
    How large the next kernel is: it grows as long as it is solved in time.

    Attributes:
        choices: For each request.
        seconds: Time to solve it.
        ready: Whether it is to be tried; never again once it was too much.
    """

    choices: int = 5
    seconds: float = 4.0
    ready: bool = True

    def fits(self, requests: int) -> bool:
        """Whether the model is one that can be solved in time at all."""
        return requests * self.choices <= MOST_SEATS

    def learn(self, *, is_proven: bool) -> None:
        """Take what came of it."""
        self.ready = is_proven
        self.choices, self.seconds = self.choices * 2, self.seconds * 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """A neighbourhood's model, to be solved beside others and settled in order."""

    kind: int
    written: ScopeModel
    start: Floats | None
    effort: Effort
    stop: Callable[[], bool]

    def solve(self) -> Outcome:
        """Solve it; this touches nothing that others share."""
        return solve(self.written.model, self.effort, start=self.start, stop=self.stop)


class Search:
    """Holds the best draft of one space and improves it."""

    def __init__(self, space: Space, *, seed: int, watch: Watch, start: Plan | None = None) -> None:
        self.space, self.seed, self.stop = space, seed, watch.over
        self.staffing = Staffing(space)
        self.draft = opening_draft(self.staffing, stop=watch.late, start=start)
        self.chance = Random(seed)  # noqa: S311 - repeatable choices, no secrets
        self.sizes: dict[int, float] = {}
        self.asking = np.unique(space.pairs.request)
        self.circle = space.asking_circle()
        size = np.bincount(self.circle[self.asking], minlength=space.circle_count)
        self.whole = [n for n in np.argsort(-size, kind="stable").tolist() if 1 < size[n] <= WHOLE]
        self.tried: set[tuple[bytes, frozenset[int]]] = set()
        self.kernel = Kernel()

    def twin(self) -> "Search":
        """A search of its own from the same draft."""
        other = copy(self)
        other.sizes, other.tried, other.whole = dict(self.sizes), set(self.tried), list(self.whole)
        other.kernel = Kernel()
        other.chance = Random(self.seed)  # noqa: S311 - repeatable choices, no secrets
        return other

    @cached_property
    def counts(self) -> Counts:
        """Staff as neighbourhoods count them."""
        return counts_of(self.space)

    def take(self, written: ScopeModel, outcome: Outcome) -> bool:
        """Make a solution the draft, if staff can be named and it costs less."""
        if outcome.values is None or not is_whole(written, outcome.values):
            return False
        seats = merged(self.draft, written, seats_of(written, outcome.values))
        # Another neighbourhood may have been settled since this one was proposed.
        if not is_sound(self.space, seats):
            return False
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

    def propose(self, proof: Proof, missing: Floats, seconds: float) -> Proposal | None:
        """A neighbourhood to decide anew, rather where most is missing; None where it is known to hold nothing new."""
        if not len(self.asking):
            return None
        if self.kernel.ready and self.kernel.fits(len(self.asking)):
            return self.propose_kernel(proof, seconds)
        kind, free, breadth = self.whole_circle(self.whole.pop(0)) if self.whole else self.part(missing)
        options, pairs = worth_a_thought(self.space, proof, self.draft, free, breadth)
        mark = (free.tobytes(), frozenset(self.draft.seats.keys() & set(options.tolist())))
        if mark in self.tried:
            self.sizes[kind] = min(self.sizes[kind] * GROWTH, LARGEST)
            return None
        self.tried.add(mark)
        written = model_of(scope_of(self.space, self.draft, options, pairs), self.counts)
        effort = Effort(seconds=seconds, gap=5e-3, nodes=NODES, seed=self.seed)
        return Proposal(kind, written, values_of(written, self.draft), effort, self.stop)

    def propose_kernel(self, proof: Proof, seconds: float) -> Proposal:
        """Everybody at once, among the sessions and seats that the prices like."""
        self.kernel.ready = False
        free = np.zeros(len(self.space.people), bool)
        free[self.asking] = True
        breadth = Breadth(requests=len(self.asking), options=KERNEL_OPTIONS, choices=self.kernel.choices)
        options, pairs = worth_a_thought(self.space, proof, self.draft, free, breadth)
        written = model_of(scope_of(self.space, self.draft, options, pairs), self.counts)
        effort = Effort(seconds=max(seconds, self.kernel.seconds), gap=1e-3, nodes=NODES, seed=self.seed)
        return Proposal(KERNEL, written, values_of(written, self.draft), effort, self.stop)

    def whole_circle(self, circle: int) -> tuple[int, Bools, Breadth]:
        """Everybody of a circle."""
        free = self.circle == circle
        size = int(free.sum())
        self.sizes.setdefault(circle, SMALLEST)
        return circle, free, Breadth(requests=size, options=PER_REQUEST * size, choices=30)

    def part(self, missing: Floats) -> tuple[int, Bools, Breadth]:
        """Requests near one of them: in time, over all items, or in place, within one circle."""
        seed = self.pick(missing)
        # Staff tie items together in time, places tie requests of an item together: each has its turn.
        mixed = self.chance.random() < MIXED
        kind = -1 if mixed else int(self.circle[seed])
        size = self.sizes.setdefault(kind, SMALLEST)
        breadth = Breadth(requests=int(size), options=int(PER_REQUEST * size), choices=30)
        return kind, (about if mixed else around)(self.space, self.draft, seed, breadth), breadth

    def settle(self, proposal: Proposal, outcome: Outcome) -> None:
        """Take what came of a proposal, and learn how large the next one of its kind may be."""
        better = self.take(proposal.written, outcome)
        if proposal.kind == KERNEL:
            self.kernel.learn(is_proven=outcome.proven)
            return
        size = self.sizes[proposal.kind]
        if not outcome.proven:
            self.sizes[proposal.kind] = max(size * SHRINK, SMALLEST)
        elif not better:
            self.sizes[proposal.kind] = min(size * GROWTH, LARGEST)

    def pick(self, missing: Floats) -> int:
        """A request to look around: often one that is left out, otherwise one where much is missing."""
        short = self.space.people - seated_by_request(self.space, self.draft.seats)
        left_out = self.asking[short[self.asking] > 0]
        if len(left_out) and self.chance.random() < LEFT_OUT:
            return int(left_out[self.chance.randrange(len(left_out))])
        size = np.bincount(self.circle[self.asking], minlength=len(missing))
        weights = np.cumsum((np.maximum(missing, 0.0) / np.maximum(size, 1) + 1e-9)[self.circle[self.asking]])
        return int(self.asking[np.searchsorted(weights, self.chance.random() * weights[-1])])
