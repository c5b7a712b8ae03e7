"""The way from a problem to a plan: components, first plans, proofs, and improvement until the limits say stop."""

from collections.abc import Callable
from dataclasses import replace

from scheduler.allocation.assemble import in_order, people_left_out
from scheduler.allocation.campaign import Campaign, CampaignApart, TurnByTurn
from scheduler.allocation.components import split
from scheduler.allocation.errands import Apart
from scheduler.allocation.explain import explained
from scheduler.allocation.limits import Limits, Progress, Watch
from scheduler.allocation.objective import terms_of
from scheduler.allocation.options import space_of
from scheduler.allocation.pins import check_pins
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Space

# From so many pairs on several components are planned apart; below, starting processes would take longer than it saves.
WORTH_PROCESSES = 100_000


def allocate(
    problem: Problem,
    limits: Limits,
    *,
    start: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    apart: Apart | None = None,
) -> Plan:
    """
    Plan a problem as well as the limits allow, and say how good the plan provably is.

    The search begins with `start`, where it still keeps the rules, be it a plan of this problem or of one before it.
    With `apart`, the components of a large problem are planned in processes of their own.

    Raises:
        ProblemError: Pins contradict each other or the rules.
    """
    watch = Watch(limits, cancelled)
    space = space_of(problem)
    check_pins(space)
    parts = split(space)
    sessions = start.sessions if start else None
    campaign: Campaign
    if apart and len(parts) > 1 and space.pairs.count >= WORTH_PROCESSES:
        campaign = CampaignApart(space, parts, watch=watch, apart=apart, start=sessions, progress=progress)
    else:
        campaign = TurnByTurn(space, parts, watch=watch, start=sessions, progress=progress)
    campaign.run()
    return finished(space, campaign, watch)


def finished(space: Space, campaign: Campaign, watch: Watch) -> Plan:
    """The best plan so far, with its price, its proof and its reasons."""
    index = space.index
    sessions = in_order(index, campaign.sessions())
    terms = terms_of(index, sessions)
    objective = sum(terms.values())
    plan = Plan(
        sessions=sessions,
        unplaced=(),
        objective=objective,
        terms=terms,
        bound=min(objective, max(0.0, campaign.bound)),
        seconds=0.0,
        seed=watch.limits.seed,
        stopped=campaign.stop(),
    )
    unplaced = explained(space, plan, people_left_out(index, sessions), late=watch.patience())
    campaign.tell("done")
    return replace(plan, unplaced=unplaced, seconds=round(watch.seconds, 3))
