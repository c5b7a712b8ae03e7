"""The price of locality: how much is served at home, and what it costs, as consulting the higher tiers gets dearer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.limits import Limits, Progress
from scheduler.allocation.parts import Tier
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.solver import allocate

FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Point:
    """
    One setting of the tier costs, and the plan that answers it.

    Attributes:
        factor: What the tier costs of the problem are multiplied by.
        at_office: People served in their own office's sites, as a share of all who asked; likewise in their own town.
        money: What the plan costs but for consulting tiers: ways, waiting, sessions, staff and people left out.
        tier_cost: What consulting costs at the problem's own prices.
    """

    factor: float
    at_office: float
    at_town: float
    at_bureau: float
    left_out: float
    money: float
    tier_cost: float
    gap: float
    plan: Plan


def locality_curve(
    problem: Problem,
    limits: Limits,
    *,
    factors: Sequence[float] = FACTORS,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Point]:
    """One plan for each factor, each search begun from the plan before; `limits` are for each of them."""
    points: list[Point] = []
    for factor in factors:
        if cancelled is not None and cancelled():
            break
        start = points[-1].plan if points else None
        scaled = with_tier_costs(problem, factor)
        plan = allocate(scaled, limits, start=start, progress=progress, cancelled=cancelled)
        points.append(point_of(problem, factor, plan))
    return points


def with_tier_costs(problem: Problem, factor: float) -> Problem:
    """The problem with its tier costs multiplied."""
    tier = {name: cost * factor for name, cost in problem.costs.tier.items()}
    return replace(problem, costs=replace(problem.costs, tier=tier))


def point_of(problem: Problem, factor: float, plan: Plan) -> Point:
    """Where a plan lies on the curve."""
    shares = shares_served(Index.of(problem), plan)
    tiers = sum(problem.costs.tier.get(session.tier, 0) for session in plan.sessions)
    return Point(
        factor=factor,
        at_office=shares[Tier.OFFICE],
        at_town=shares[Tier.TOWN],
        at_bureau=shares[Tier.BUREAU],
        left_out=1 - sum(shares.values()) if problem.requests else 0.0,
        money=plan.objective - plan.terms.get("tier", 0.0),
        tier_cost=float(tiers),
        gap=plan.gap,
        plan=plan,
    )


def shares_served(index: Index, plan: Plan) -> dict[Tier, float]:
    """By tier, the share of everybody who sits at a site for which it is the lowest that covers site and person."""
    people = dict.fromkeys(Tier, 0)
    for session in plan.sessions:
        for seat in session.seated:
            tier = rules.tier_of(index, session.site, [seat.request])
            if tier is not None:
                people[tier] += seat.people
    asked = max(1, sum(request.people for request in index.problem.requests))
    return {tier: count / asked for tier, count in people.items()}
