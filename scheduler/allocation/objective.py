"""What a plan costs, term by term, from the problem and the plan alone."""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.plan import TERMS, PlannedSession


def terms_of(index: Index, sessions: Iterable[PlannedSession]) -> dict[str, float]:
    """The objective's terms; whoever sits in no session counts as unplaced."""
    parts: dict[str, list[float]] = {name: [] for name in TERMS}
    seated: dict[str, int] = defaultdict(int)
    at_spot: dict[tuple[str, str, str], int] = defaultdict(int)
    for session in sessions:
        for name, cost in session_terms(index, session).items():
            parts[name].append(cost)
        for seating in session.seated:
            seated[seating.request] += seating.people
            at_spot[seating.request, session.site, session.block] += seating.people
    for request in index.problem.requests:
        parts["unplaced"].append(request.unplaced_cost * (request.people - seated[request.id]))
    for row in index.problem.before:
        if row.request in index.requests:
            moved = max(0, row.people - at_spot[row.request, row.site, row.block])
            parts["change"].append(index.problem.change_cost * moved)
    return {name: fsum(costs) for name, costs in parts.items()}


def session_terms(index: Index, session: PlannedSession) -> dict[str, float]:
    """What one session costs, by term."""
    site, span = index.sites[session.site], rules.span_of(index, session.item, session.block)
    length = len(span) if span else 0
    terms = {
        "open": index.offers[session.site, session.item].open_cost,
        "tier": index.problem.costs.tier.get(session.tier, 0),
        "staff": fsum(index.staff[who].block_cost * length for who in session.staff),
    }
    travel, wait = [], []
    for seating in session.seated:
        request = index.requests[seating.request]
        travel.append((rules.travel_cost(index, request, site) or 0.0) * seating.people)
        days = index.days[index.rank[session.block]] - index.days[index.window(request)[0]]
        wait.append(request.wait_cost * days * seating.people)
    return {**{name: float(cost) for name, cost in terms.items()}, "travel": fsum(travel), "wait": fsum(wait)}
