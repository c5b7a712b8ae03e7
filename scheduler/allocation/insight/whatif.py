"""What a change would cost: at once by the prices and by mending the plan, and then solved."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from scheduler.allocation.diff import Difference, difference
from scheduler.allocation.insight.outlook import Outlook, carried_over
from scheduler.allocation.limits import Limits, Progress
from scheduler.allocation.opening import stands
from scheduler.allocation.options import space_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.prices import Judge
from scheduler.allocation.problem import Problem
from scheduler.allocation.resume import resumed
from scheduler.allocation.solver import allocate
from scheduler.allocation.staffing import Staffing


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A change, solved.

    Attributes:
        unchanged: The plan without the change after as long a search, so that only the change is compared.
        changed: The best plan found with it.
        way: From the plan in hand to the changed one.
    """

    unchanged: Plan
    changed: Plan
    way: Difference

    @property
    def extra_cost(self) -> float:
        """What the change costs; negative if it saves."""
        return self.changed.objective - self.unchanged.objective

    @property
    def least(self) -> float:
        """What it costs at least, by proof."""
        return self.changed.bound - self.unchanged.objective

    @property
    def most(self) -> float:
        """What it costs at most, by proof."""
        return self.changed.objective - self.unchanged.bound


def by_prices(outlook: Outlook, changed: Problem) -> float:
    """What a change does to the bound at the prices of the plan's problem: a first estimate of its cost."""
    space = space_of(changed)
    now = outlook.judge.judge(outlook.proof.prices).bound
    then = Judge(space).judge(carried_over(outlook, space)).bound
    # What nobody could be seated for in either problem counts the same on both sides.
    return then - now


def by_mending(outlook: Outlook, changed: Problem) -> float | None:
    """What the plan costs more once it is mended by the quickest means; None where that does not keep the pins."""
    space = space_of(changed)
    draft = resumed(Staffing(space), outlook.plan)
    return draft.cost - outlook.plan.objective if stands(space, draft) else None


def solved(
    outlook: Outlook,
    changed: Problem,
    limits: Limits,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Answer:
    """
    Search on from the plan, half of the time without the change and half with it.

    Raises:
        ProblemError: The change contradicts pins.
    """
    half = replace(limits, seconds=limits.seconds / 2)
    unchanged = allocate(outlook.problem, half, start=outlook.plan, progress=progress, cancelled=cancelled)
    plan = allocate(changed, half, start=unchanged, progress=progress, cancelled=cancelled)
    return Answer(unchanged, plan, difference(outlook.plan, plan))
