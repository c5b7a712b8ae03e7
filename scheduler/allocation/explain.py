"""Why people have no place: the reason, the numbers behind it and the cheapest way out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scheduler.allocation.case import Case
from scheduler.allocation.crowded_out import from_the_plan
from scheduler.allocation.elsewhen import beyond_the_window
from scheduler.allocation.openings import Openings
from scheduler.allocation.plan import Plan, Reason, Unplaced
from scheduler.allocation.shut_out import from_the_start
from scheduler.allocation.space import Space
from scheduler.allocation.standing import Standing


def explained(
    space: Space, plan: Plan, left_out: Mapping[str, int], *, late: Callable[[], bool] = lambda: False
) -> tuple[Unplaced, ...]:
    """
    A line with its reason for every request that is not wholly seated.

    Thousands are left out where the search was stopped before its first plan was whole; once it is late, what could
    serve a request is not looked into any more, and its line says so.
    """
    standing = Standing.of(space.index, plan)
    openings = Openings.of(space, standing, left_out)
    cases = [
        Case(space, standing, space.index.requests[request], people, openings)
        for request, people in sorted(left_out.items())
    ]
    return tuple(unlooked_line(case) if late() else line_for(case) for case in cases)


def unlooked_line(case: Case) -> Unplaced:
    """The line of a case for which there was no time."""
    evidence = {"people_asked": case.request.people, "people_left_out": case.people, "looked_into": False}
    return Unplaced(case.request.id, case.people, Reason.FULL, {"evidence": evidence})


def line_for(case: Case) -> Unplaced:
    """The line of one case: what keeps it out of the search space first, then what the plan takes from it."""
    options = np.unique(case.space.pairs.option[case.pairs])
    reason, evidence, ways = from_the_plan(case, options) if len(options) else from_the_start(case)
    ways += beyond_the_window(case)
    evidence = {"people_asked": case.request.people, "people_left_out": case.people, **evidence}
    detail: dict[str, Any] = {"evidence": evidence}
    if ways:
        best = min(ways)
        detail["way_out"] = {
            "text": best.text,
            "change": best.change,
            "extra_cost": round(float(best.extra_cost), 2),
            **({"site": best.site} if best.site else {}),
            **({"block": best.block} if best.block else {}),
        }
    return Unplaced(case.request.id, case.people, reason, detail)
