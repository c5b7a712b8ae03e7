"""What would happen without an allocator: everybody to the centre, or each office for itself."""

from dataclasses import dataclass, replace

from scheduler.allocation.assemble import in_order, people_left_out, sessions_of
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.index import Index
from scheduler.allocation.objective import terms_of
from scheduler.allocation.options import space_of
from scheduler.allocation.parts import Bar, Tier
from scheduler.allocation.plan import PlannedSession
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Space
from scheduler.allocation.staffing import Staffing


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way of doing without, and what it costs on the same problem."""

    name: str
    cost: float
    people_unplaced: int
    sessions: tuple[PlannedSession, ...]


def baselines(problem: Problem) -> list[Baseline]:
    """Both ways; pins and objections to sites do not bind them, everything else does."""
    free = replace(problem, pins=(), pinned_sessions=(), min_people=())
    return [everybody_to_the_centre(free), each_office_for_itself(free)]


def everybody_to_the_centre(problem: Problem) -> Baseline:
    """Sessions only at sites of a bureau itself."""
    tiers = {place.id: place.tier for place in problem.jurisdictions}
    central = tuple(site for site in problem.sites if tiers[site.jurisdiction] == Tier.BUREAU)
    return priced("Everybody to the centre", problem, with_sites_only(problem, {site.id for site in central}))


def each_office_for_itself(problem: Problem) -> Baseline:
    """Every request only at the sites of its own office, or of those above it where the office has none."""
    index = Index.of(problem)
    own: dict[str, set[str]] = {}
    for place, line in index.lines.items():
        held_by = [{site.id for site in problem.sites if site.jurisdiction == each} for each in line]
        own[place] = next((sites for sites in held_by if sites), set())
    bars = [
        Bar(request=request.id, site=site.id)
        for request in problem.requests
        for site in problem.sites
        if site.id not in own[request.jurisdiction] and (site.id, request.item) in index.offers
    ]
    return priced("Each office for itself", problem, replace(problem, barred=(*problem.barred, *bars)))


def with_sites_only(problem: Problem, sites: set[str]) -> Problem:
    """The problem with fewer sites, and without objections to the others."""
    return replace(
        problem,
        sites=tuple(site for site in problem.sites if site.id in sites),
        barred=tuple(bar for bar in problem.barred if bar.site is None or bar.site in sites),
    )


def priced(name: str, problem: Problem, narrowed: Problem) -> Baseline:
    """A quick plan of the narrowed problem, at the prices of the whole one."""
    space: Space = space_of(narrowed)
    draft = Greedy(Staffing(space)).fill()
    index = Index.of(problem)
    sessions = in_order(index, sessions_of(space, draft))
    left = people_left_out(index, sessions)
    return Baseline(name, sum(terms_of(index, sessions).values()), sum(left.values()), sessions)
