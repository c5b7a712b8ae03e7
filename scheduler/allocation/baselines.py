"""What would happen without an allocator: everybody to the centre, or each office for itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scheduler.allocation.assemble import in_order, people_left_out, sessions_of
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.objective import terms_of
from scheduler.allocation.options import space_of
from scheduler.allocation.parts import Tier
from scheduler.allocation.plan import PlannedSession
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Bools, Space, with_pairs
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
    if cancelled():
        return []
    space = space_of(replace(problem, pins=(), pinned_sessions=(), min_people=()))
    ways = (
        ("centre", "Everybody to the centre", at_the_centre(space)),
        ("offices", "Each office for itself", at_home(space)),
    )
    made = [Baseline(key, name, *priced(with_pairs(space, kept), cancelled)) for key, name, kept in ways]
    return [] if cancelled() else made


def at_the_centre(space: Space) -> Bools:
    """Pairs at sites of a bureau itself."""
    index = space.index
    tiers = [index.jurisdictions[index.sites[site].jurisdiction].tier for site in space.site_ids]
    central = np.array([tier == Tier.BUREAU for tier in tiers], bool)
    kept: Bools = central[space.options.site[space.pairs.option]]
    return kept


def at_home(space: Space) -> Bools:
    """Pairs at sites of the request's own office, or of the first one above it that has any."""
    index = space.index
    number = {place: n for n, place in enumerate(sorted(index.jurisdictions))}
    held = [index.sites[site].jurisdiction for site in space.site_ids]
    own = {place: next((up for up in line if up in held), place) for place, line in index.lines.items()}
    host = np.array([number[place] for place in held], np.int64)
    home = np.array([number[own[index.requests[r].jurisdiction]] for r in space.request_ids], np.int64)
    kept: Bools = host[space.options.site[space.pairs.option]] == home[space.pairs.request]
    return kept


def priced(space: Space, stop: Callable[[], bool]) -> tuple[float, int, tuple[PlannedSession, ...]]:
    """A quick plan of a narrowed space: its cost, people left out, sessions."""
    draft = Greedy(Staffing(space), stop=stop).fill()
    sessions = in_order(space.index, sessions_of(space, draft))
    left = people_left_out(space.index, sessions)
    return sum(terms_of(space.index, sessions).values()), sum(left.values()), sessions
