"""
Whether a plan keeps every rule and tells the truth about its price.

Written apart from the solver: nothing here uses the search space, the rules' functions or the objective's.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.allocation import plan_checks, session_checks
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.witness import Found, Witness


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a plan breaks: its name, what breaks it, and how."""

    rule: str
    where: str
    why: str


CHECKS: dict[str, Callable[[Witness], Found]] = {
    check.__name__: check
    for check in (
        session_checks.known_ids,
        session_checks.offered_once,
        session_checks.blocks_in_a_row,
        session_checks.site_open,
        session_checks.rooms,
        session_checks.rest,
        session_checks.places,
        session_checks.min_class,
        session_checks.staff_count,
        session_checks.staff_qualified,
        session_checks.staff_available,
        session_checks.staff_recused,
        session_checks.staff_once,
        session_checks.staff_max_blocks,
        session_checks.right_item,
        session_checks.window,
        plan_checks.reachable,
        plan_checks.together,
        plan_checks.after,
        plan_checks.tiers,
        plan_checks.pins,
        plan_checks.pinned_sessions,
        plan_checks.min_people,
        plan_checks.barred,
        plan_checks.everybody_counted,
        plan_checks.price,
        plan_checks.bound,
    )
}
"""Every rule of a plan, by name; the sentence of each is its docstring."""


def verify(problem: Problem, plan: Plan) -> list[Violation]:
    """Everything a plan breaks; an empty list where it keeps every rule."""
    seen = Witness(problem, plan)
    return [Violation(rule, where, why) for rule, check in CHECKS.items() for where, why in check(seen)]
