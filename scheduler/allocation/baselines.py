"""What would happen without an allocator: everybody to the centre, or each office for itself."""

from collections.abc import Callable
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
    """
    A way of doing without, and what it costs on the same problem.

    Attributes:
        key: How documents name it: `centre` or `offices`.
        name: How people name it.
    """

    key: str
    name: str
    cost: float
    people_unplaced: int
    sessions: tuple[PlannedSession, ...]


def baselines(problem: Problem, *, cancelled: Callable[[], bool] = lambda: False) -> list[Baseline]:
    """Both ways, or none once somebody asked to stop; pins do not bind them, every other rule does."""
    free = replace(problem, pins=(), pinned_sessions=(), min_people=())
    ways = (
        ("centre", "Everybody to the centre", everybody_to_the_centre),
        ("offices", "Each office for itself", each_office_for_itself),
    )
    made = []
    for key, name, narrowed in ways:
        if not cancelled():
            made.append(Baseline(key, name, *priced(free, narrowed(free), stop=cancelled)))
    return [] if cancelled() else made


def everybody_to_the_centre(problem: Problem) -> Problem:
    """The problem with sessions only at sites of a bureau itself."""
    tiers = {place.id: place.tier for place in problem.jurisdictions}
    central = tuple(site for site in problem.sites if tiers[site.jurisdiction] == Tier.BUREAU)
    return with_sites_only(problem, {site.id for site in central})


def each_office_for_itself(problem: Problem) -> Problem:
    """The problem with every request only at the sites of its own office, or of the next one up that has any."""
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
    return replace(problem, barred=(*problem.barred, *bars))


def with_sites_only(problem: Problem, sites: set[str]) -> Problem:
    """The problem with fewer sites, and without objections to the others."""
    return replace(
        problem,
        sites=tuple(site for site in problem.sites if site.id in sites),
        barred=tuple(bar for bar in problem.barred if bar.site is None or bar.site in sites),
    )


def priced(
    problem: Problem, narrowed: Problem, *, stop: Callable[[], bool]
) -> tuple[float, int, tuple[PlannedSession, ...]]:
    """A quick plan of the narrowed problem: its cost at the prices of the whole one, people left out, sessions."""
    space: Space = space_of(narrowed)
    draft = Greedy(Staffing(space), stop=stop).fill()
    index = Index.of(problem)
    sessions = in_order(index, sessions_of(space, draft))
    left = people_left_out(index, sessions)
    return sum(terms_of(index, sessions).values()), sum(left.values()), sessions
