"""People left out, with what a plan leaves free; what would have to change for them, and its price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Request
from scheduler.allocation.plan import Reason
from scheduler.allocation.space import Space
from scheduler.allocation.standing import Standing


@dataclass(frozen=True, slots=True, order=True)
class WayOut:
    """Something that would have to change, and what the whole plan would cost more by then; negative if less."""

    extra_cost: float
    text: str
    change: str
    site: str | None = None
    block: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """
    People left out, and the sessions they could join or have held for them.

    Attributes:
        left_out: By request, who is left out in all.
        gathered: By option, how many of those could come there, as far as it was asked; all cases of a plan share it.
    """

    space: Space
    standing: Standing
    request: Request
    people: int
    left_out: Mapping[str, int]
    gathered: dict[int, int]

    @property
    def index(self) -> Index:
        """The problem, findable by id."""
        return self.space.index

    def gathered_in(self, option: int) -> int:
        """How many of those left out could come to an option."""
        if option not in self.gathered:
            space = self.space
            requests = {int(space.pairs.request[pair]) for pair in space.pairs_of(option)}
            self.gathered[option] = sum(self.left_out.get(space.request_ids[each], 0) for each in requests)
        return self.gathered[option]


Finding = tuple[Reason, dict[str, Any], list[WayOut]]
"""A reason, its evidence, and ways out."""


def own_session(case: Case, place: rules.Place) -> float:
    """What a session for these people alone would add to the plan's cost."""
    index, request = case.index, case.request
    offer, item = index.offers[place.site, request.item], index.items[request.item]
    tier = rules.tier_of(index, place.site, [request.id])
    near = rules.travel_cost(index, request, index.sites[place.site]) or 0.0
    wait = request.wait_cost * max(0, index.days[index.rank[place.block]] - index.days[index.window(request)[0]])
    crew = sorted(p.block_cost for p in index.staff.values() if item.id in p.items)[: item.staff]
    fixed = offer.open_cost + (index.problem.costs.tier.get(tier, 0) if tier else 0) + sum(crew) * item.length
    return fixed + case.people * (near + wait - request.unplaced_cost)


def held_or_own(case: Case, place: rules.Place) -> float:
    """What placing these people there would add to the plan's cost, in the session there or in one of their own."""
    index, request = case.index, case.request
    session = case.standing.held.get((place.site, request.item, place.block))
    if session is None or index.offers[place.site, request.item].places - session.people < case.people:
        return own_session(case, place)
    near = rules.travel_cost(index, request, index.sites[place.site]) or 0.0
    wait = request.wait_cost * max(0, index.days[index.rank[place.block]] - index.days[index.window(request)[0]])
    return case.people * (near + wait - request.unplaced_cost)


def staff_evidence(case: Case, place: rules.Place) -> dict[str, str]:
    """For everybody qualified, what keeps them from a session there."""
    item = case.request.item
    found = {}
    for who, person in sorted(case.index.staff.items()):
        if item in person.items and (why := case.standing.against(who, item, place)) is not None:
            found[who] = why
    return found
