"""People left out, with what a plan leaves free; what would have to change for them, and its price."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.openings import Openings
from scheduler.allocation.parts import Request
from scheduler.allocation.plan import Reason
from scheduler.allocation.space import Bools, Floats, Ints, Space
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
        openings: What the plan leaves; all cases of a plan share it.
    """

    space: Space
    standing: Standing
    request: Request
    people: int
    openings: Openings

    @property
    def index(self) -> Index:
        """The problem, findable by id."""
        return self.space.index

    @property
    def position(self) -> int:
        """The request's position."""
        return bisect_left(self.space.request_ids, self.request.id)

    @property
    def pairs(self) -> Ints:
        """Positions of the request's pairs."""
        return self.openings.pairs_of.get(self.position, np.zeros(0, np.int64))

    def at_dearest(self, values: Floats | Ints, options: Ints) -> Floats:
        """By option, the highest value of its pairs: a row of an earlier plan is cheaper for some of the people."""
        mine = self.pairs
        dearest: Floats = np.full(self.space.options.count, -np.inf)
        np.maximum.at(dearest, self.space.pairs.option[mine], values[mine])
        return dearest[options]

    def cost_at(self, options: Ints) -> Floats:
        """By option, what the way and the wait cost one person."""
        return self.at_dearest(self.space.pairs.cost, options)

    def own_sessions(self, options: Ints) -> Floats:
        """By option, what a session for these people alone would add to the plan's cost."""
        step = self.at_dearest(self.space.pairs.step, options).astype(np.int64)
        tier = self.space.options.tier_cost[options, step]
        near = self.cost_at(options) - self.request.unplaced_cost
        cost: Floats = self.openings.fixed[options] + tier + self.people * near
        return cost

    def overtakes(self, options: Ints) -> Bools:
        """By option, whether too few of the people would be done in time with what they must sit before."""
        if (after := self.request.after) is None:
            return np.zeros(len(options), bool)
        opens = self.space.following.opens[self.space.following.link_of[self.position]]
        done = np.zeros(self.space.ranks + 1, np.int64)
        for session in self.standing.held.values():
            for seat in session.seated:
                if seat.request == after.request:
                    done[opens[self.index.rank[session.block]]] += seat.people
        late: Bools = done.cumsum()[self.space.options.start[options]] < self.request.people
        return late


Finding = tuple[Reason, dict[str, Any], list[WayOut]]
"""A reason, its evidence, and ways out."""


def own_session(case: Case, place: rules.Place, people: int) -> float:
    """What a session for so many of these people alone would add to the plan's cost."""
    index, request = case.index, case.request
    offer, item = index.offers[place.site, request.item], index.items[request.item]
    tier = rules.tier_of(index, place.site, [request.id])
    near = rules.travel_cost(index, request, index.sites[place.site]) or 0.0
    wait = request.wait_cost * max(0, index.days[index.rank[place.block]] - index.days[index.window(request)[0]])
    crew = sorted(p.block_cost for p in index.staff.values() if item.id in p.items)[: item.staff]
    fixed = offer.open_cost + (index.problem.costs.tier.get(tier, 0) if tier else 0) + sum(crew) * item.length
    return fixed + people * (near + wait - request.unplaced_cost)


def held_or_own(case: Case, place: rules.Place, *, split: bool = False) -> float:
    """
    What placing these people there would add to the plan's cost, in the session there or in one of their own.

    Who are `split` sit there as far as there are places: what becomes of the others is not priced.
    """
    index, request = case.index, case.request
    session = case.standing.held.get((place.site, request.item, place.block))
    places = index.offers[place.site, request.item].places
    free = places - session.people if session else 0
    people = min(case.people, free or places) if split else case.people
    if free < people:
        return own_session(case, place, people)
    near = rules.travel_cost(index, request, index.sites[place.site]) or 0.0
    wait = request.wait_cost * max(0, index.days[index.rank[place.block]] - index.days[index.window(request)[0]])
    return people * (near + wait - request.unplaced_cost)


def staff_evidence(case: Case, place: rules.Place) -> dict[str, str]:
    """For everybody qualified, what keeps them from a session there."""
    item = case.request.item
    found = {}
    for who, person in sorted(case.index.staff.items()):
        if item in person.items and (why := case.standing.against(who, item, place)) is not None:
            found[who] = why
    return found
