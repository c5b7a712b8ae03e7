"""The way from a problem to a plan: components, first plans, proofs, and improvement until the limits say stop."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from scheduler.allocation.assemble import in_order, people_left_out, sessions_of
from scheduler.allocation.components import split
from scheduler.allocation.explain import explained
from scheduler.allocation.index import Index
from scheduler.allocation.limits import Limits, Progress, Watch
from scheduler.allocation.objective import terms_of
from scheduler.allocation.options import space_of
from scheduler.allocation.pins import check_pins
from scheduler.allocation.plan import Plan, Stop
from scheduler.allocation.problem import Problem
from scheduler.allocation.quest import Quest
from scheduler.allocation.space import Space

# Gaps below this are the rounding of sums, not room for a better plan.
CLOSED = 5e-7


def allocate(
    problem: Problem,
    limits: Limits,
    *,
    start: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """
    Plan a problem as well as the limits allow, and say how good the plan provably is.

    The search begins with `start`, where it still keeps the rules, be it a plan of this problem or of one before it.

    Raises:
        ProblemError: Pins contradict each other or the rules.
    """
    watch = Watch(limits, cancelled)
    space = space_of(problem)
    check_pins(space)
    parts = [problem] if watch.over() else split(space)  # with no time left to search, none is left to part either
    spaces = [space] if len(parts) == 1 else [space_of(part) for part in parts]
    quests = [Quest(each, limits=limits, watch=watch, start=start) for each in spaces]
    campaign = Campaign(space, quests, watch=watch, progress=progress)
    campaign.run()
    return campaign.plan()


class Campaign:
    """The quests for all components of a problem."""

    def __init__(
        self,
        space: Space,
        quests: Sequence[Quest],
        *,
        watch: Watch,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.space, self.quests, self.watch = space, quests, watch
        self.progress = progress or (lambda _: None)
        self.constant = unserved_cost(space, quests)

    @property
    def cost(self) -> float:
        """What the best plan so far costs."""
        return self.constant + sum(quest.cost for quest in self.quests)

    @property
    def bound(self) -> float:
        """What any plan costs at least."""
        return self.constant + sum(quest.bound for quest in self.quests)

    def run(self) -> None:
        """First a plan for everybody, then the component whose gap is worth most, turn by turn."""
        for quest in self.quests:
            quest.begin()
        self.tell("first plan")
        while not self.watch.over() and not self.good_enough():
            quest = max(self.quests, key=lambda each: each.cost - each.bound)
            share = len([each for each in self.quests if each.open])
            phase = quest.advance(self.watch.left / max(1, share))
            self.tell(phase)

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

    def plan(self) -> Plan:
        """The best plan so far, with its price, its proof and its reasons."""
        index: Index = self.space.index
        found = [session for quest in self.quests for session in sessions_of(quest.space, quest.draft)]
        sessions = in_order(index, found)
        terms = terms_of(index, sessions)
        objective = sum(terms.values())
        plan = Plan(
            sessions=sessions,
            unplaced=(),
            objective=objective,
            terms=terms,
            bound=min(objective, max(0.0, self.bound)),
            seconds=0.0,
            seed=self.watch.limits.seed,
            stopped=self.stop(),
        )
        unplaced = explained(self.space, plan, people_left_out(index, sessions), late=self.watch.patience())
        self.tell("done")
        return replace(plan, unplaced=unplaced, seconds=round(self.watch.seconds, 3))


def unserved_cost(space: Space, quests: Sequence[Quest]) -> float:
    """What requests cost that no session could ever take."""
    served = {request for quest in quests for request in quest.space.request_ids}
    problem = space.index.problem
    # Added up without rounding on the way: the order in which a file lists its requests says nothing.
    left = math.fsum(r.unplaced_cost * r.people for r in problem.requests if r.id not in served)
    gone = sum(
        row.people for row in problem.before if row.request in space.index.requests and row.request not in served
    )
    return left + problem.change_cost * gone
