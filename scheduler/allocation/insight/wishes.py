"""What it would cost to give one request what it wishes: a site, a half-day, or simply a place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.assemble import sessions_of
from scheduler.allocation.errors import ProblemError
from scheduler.allocation.insight.changes import refuse_unknown, request_named, with_request
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.limits import Limits, Progress
from scheduler.allocation.objective import terms_of
from scheduler.allocation.opening import stands
from scheduler.allocation.options import space_of
from scheduler.allocation.parts import Bar, Placement
from scheduler.allocation.plan import Plan, PlannedSession
from scheduler.allocation.prices import Judge, Prices
from scheduler.allocation.problem import Problem
from scheduler.allocation.resume import resumed
from scheduler.allocation.solver import allocate
from scheduler.allocation.space import Floats, Ints, Options, Pairs, Space
from scheduler.allocation.staffing import Staffing


@dataclass(frozen=True, slots=True)
class Wish:
    """All people of a request at a site, on a half-day, both, or anywhere."""

    request: str
    site: str | None = None
    block: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """
    What a wish would cost, without solving anything.

    Attributes:
        extra_cost: What the prices say that it costs the district beyond what the best plan costs.
        site: Where it would cost least; likewise the half-day.
    """

    extra_cost: float
    site: str
    block: str


def guess(outlook: Outlook, wish: Wish) -> Guess | None:
    """
    The cheapest way to fulfil a wish by the prices; None where no rule-abiding place fulfils it.

    Raises:
        ProblemError: The wish names something that does not exist.
    """
    check_wish(outlook.problem, wish)
    space = outlook.space
    request = space.request_ids.index(wish.request)
    options = fulfilling(outlook, wish, request)
    if not len(options):
        return None
    forced = earned_with(outlook, options, request)
    extra = np.maximum(outlook.proof.gain[options], 0.0) - forced
    best = int(extra.argmin())
    if not np.isfinite(extra[best]):
        return None
    site, _, block = space.key(int(options[best]))
    return Guess(max(0.0, float(extra[best])), site, block)


def fulfilling(outlook: Outlook, wish: Wish, request: int) -> Ints:
    """The options in which all of the request could sit and that are what it wishes."""
    space = outlook.space
    mine = space.pairs.request == request
    seats = np.bincount(space.pairs.option[mine], space.pairs.cap[mine], space.options.count)
    options = np.nonzero(seats >= space.people[request])[0] if mine.any() else np.zeros(0, np.int64)
    if wish.site is not None:
        options = options[space.options.site[options] == space.site_ids.index(wish.site)]
    if wish.block is not None:
        options = options[space.options.start[options] == space.index.rank[wish.block]]
    return options


def earned_with(outlook: Outlook, options: Ints, request: int) -> Floats:
    """By option, what it earns at the prices with all of the request in it and the best others beside them."""
    space, prices = narrowed(outlook.space, options), outlook.proof.prices
    # At such a price everybody of the request comes before anybody else; what it added is taken off again.
    bait = 1e3 * (1.0 + float(prices.person.max(initial=0.0)) + float(np.abs(space.options.open_cost).max(initial=0.0)))
    person = prices.person.copy()
    person[request] += bait
    gain, _, _ = Judge(space).classes(Prices(person=person, duty=prices.duty))
    return gain - bait * float(space.people[request])


def narrowed(space: Space, options: Ints) -> Space:
    """The space with these options only."""
    kept = np.isin(space.pairs.option, options)
    pairs = {field.name: getattr(space.pairs, field.name) for field in fields(space.pairs)}
    pairs = {name: column[kept] for name, column in pairs.items() if name != "first"}
    pairs["option"] = np.searchsorted(options, pairs["option"])
    first = np.searchsorted(pairs["option"], np.arange(len(options) + 1))
    columns = {field.name: getattr(space.options, field.name)[options] for field in fields(space.options)}
    return replace(space, options=Options(**columns), pairs=Pairs(**pairs, first=first))


def mended(outlook: Outlook, wish: Wish) -> float | None:
    """What the plan costs more once the wish is fulfilled by the quickest means; None where those do not do it."""
    space = space_of(bound_to(outlook, wish))
    draft = resumed(Staffing(space), outlook.plan)
    sessions = sessions_of(space, draft)
    if not stands(space, draft) or not all_seated(outlook, wish, sessions):
        return None
    return sum(terms_of(outlook.space.index, sessions).values()) - outlook.plan.objective


def all_seated(outlook: Outlook, wish: Wish, sessions: Iterable[PlannedSession]) -> bool:
    """Whether everybody of the request sits somewhere."""
    seated = sum(seat.people for session in sessions for seat in session.seated if seat.request == wish.request)
    return seated == request_named(outlook.problem, wish.request).people


def check_wish(problem: Problem, wish: Wish) -> None:
    """
    Make sure that the wish speaks of what exists.

    Raises:
        ProblemError: It does not.
    """
    request_named(problem, wish.request)
    if wish.site is not None:
        refuse_unknown(wish.site, [each.id for each in problem.sites], "sites")
    if wish.block is not None:
        refuse_unknown(wish.block, [each.id for each in problem.blocks], "blocks")


def fulfilled(
    outlook: Outlook,
    wish: Wish,
    limits: Limits,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Plan, float]:
    """
    The best plan found that fulfils a wish, and what it costs more than the plan in hand.

    Raises:
        ProblemError: The wish breaks a rule, contradicts pins, or no plan was found that fulfils it.
    """
    problem = outlook.problem
    check_wish(problem, wish)
    bound = bound_to(outlook, wish)
    plan = allocate(bound, limits, start=outlook.plan, progress=progress, cancelled=cancelled)
    if not all_seated(outlook, wish, plan.sessions):
        where = f"requests[{wish.request!r}]"
        raise ProblemError(
            where, "cannot all be seated so in any plan found", way_out="wish for less, or search longer"
        )
    cost = sum(terms_of(outlook.space.index, plan.sessions).values())
    return plan, cost - outlook.plan.objective


def bound_to(outlook: Outlook, wish: Wish) -> Problem:
    """The problem in which the request sits as it wishes, or at a price that no plan would pay."""
    problem = outlook.problem
    request = request_named(problem, wish.request)
    if wish.site is not None and wish.block is not None:
        pins = [pin for pin in problem.pins if pin.request != wish.request]
        return replace(problem, pins=(*pins, Placement(request.id, wish.site, wish.block, request.people)))
    dear = replace(request, unplaced_cost=request.unplaced_cost + 10 * dearest(outlook))
    elsewhere = [
        Bar(request=request.id, site=site.id)
        for site in problem.sites
        if wish.site is not None and site.id != wish.site
    ]
    if wish.block is not None:
        span = rules.span_of(outlook.space.index, request.item, wish.block) or range(0)
        inside = {problem.blocks[rank].id for rank in span}
        outside = tuple(block.id for block in problem.blocks if block.id not in inside)
        dear = replace(dear, not_blocks=tuple(dict.fromkeys([*dear.not_blocks, *outside])))
    return replace(with_request(problem, dear), barred=(*problem.barred, *elsewhere))


def dearest(outlook: Outlook) -> float:
    """What the dearest session of the problem costs."""
    options = outlook.space.options
    if not options.count:
        return 1.0
    tiers = np.where(np.isfinite(options.tier_cost), options.tier_cost, 0.0).max(axis=1)
    duty = outlook.space.block_cost.max(initial=0.0) * (outlook.space.staff_needed * outlook.space.length).max(
        initial=0
    )
    return float((options.open_cost + tiers).max() + duty)
