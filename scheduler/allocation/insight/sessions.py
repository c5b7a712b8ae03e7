"""What each session costs by term, and what the next best for its people would have been."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.objective import session_terms
from scheduler.allocation.plan import PlannedSession
from scheduler.allocation.space import Space
from scheduler.allocation.standing import Standing

# Of the other places for a whole class so many are looked at, nearest first.
TRIED = 200


@dataclass(frozen=True, slots=True)
class NextBest:
    """
    Where the people of a session would go without it.

    Attributes:
        extra_cost: What that costs more than the session.
        how: `moved` as a class, `spread` over other sessions, or `left out`.
        site: Of the class that moved; likewise the block.
        people_left_out: How many of them find no place.
    """

    extra_cost: float
    how: str
    site: str | None = None
    block: str | None = None
    people_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """A session, its cost by term, and the next best."""

    session: PlannedSession
    terms: Mapping[str, float]
    next_best: NextBest

    @property
    def cost(self) -> float:
        """What the session costs in all."""
        return sum(self.terms.values())


def accounts(outlook: Outlook) -> list[Account]:
    """An account of every session, dearest for each of its people first."""
    reach = options_by_request(outlook.space)
    found = [account_of(outlook, session, reach) for session in outlook.plan.sessions]
    return sorted(found, key=lambda each: (-each.cost / max(1, each.session.people), each.session.key))


def options_by_request(space: Space) -> dict[str, frozenset[int]]:
    """By request, the options in which it could sit."""
    found: dict[int, set[int]] = defaultdict(set)
    for option, request in zip(space.pairs.option.tolist(), space.pairs.request.tolist(), strict=True):
        found[request].add(option)
    return {name: frozenset(found[n]) for n, name in enumerate(space.request_ids)}


def account_of(outlook: Outlook, session: PlannedSession, reach: Mapping[str, frozenset[int]]) -> Account:
    """What one session costs, and the cheaper of moving its class and spreading its people."""
    index = outlook.space.index
    terms = session_terms(index, session)
    others = tuple(each for each in outlook.plan.sessions if each.key != session.key)
    without = Standing.of(index, replace(outlook.plan, sessions=others))
    ways = [spread(outlook, session, without), *islice(moved(outlook, session, without, reach), 1)]
    best = min(ways, key=lambda way: (way.extra_cost, way.how))
    now = sum(terms.values())
    return Account(session, terms, replace(best, extra_cost=best.extra_cost - now))


def moved(
    outlook: Outlook, session: PlannedSession, without: Standing, reach: Mapping[str, frozenset[int]]
) -> Iterator[NextBest]:
    """Other places and times at which the whole class could be held, cheapest first; costs are whole."""
    space = outlook.space
    common = [reach[seat.request] for seat in session.seated]
    options = sorted(frozenset.intersection(*common)) if common else []
    classes = [held_at(outlook, session, space.key(option)) for option in options]
    priced = sorted(
        (sum(session_terms(space.index, held).values()), held.site, held.block, held)
        for held in classes
        if held is not None
    )
    for cost, site, block, held in priced[:TRIED]:
        if held.key not in without.held and crew_for(held, without) is not None:
            yield NextBest(cost, "moved", site, block)


def held_at(outlook: Outlook, session: PlannedSession, key: tuple[str, str, str]) -> PlannedSession | None:
    """The same class with the same staff at another place, None where it is the same place or too small."""
    index, (site, item, block) = outlook.space.index, key
    tier = rules.tier_of(index, site, [seat.request for seat in session.seated])
    if key == session.key or tier is None or session.people > index.offers[site, item].places:
        return None
    return replace(session, site=site, block=block, tier=tier)


def crew_for(held: PlannedSession, without: Standing) -> list[str] | None:
    """Staff for a class elsewhere, None where a room or somebody is missing."""
    if not without.has_room(held.site, held.item, held.block):
        return None
    places = tuple(rules.Place(seat.request, held.site, held.block) for seat in held.seated)
    free = without.free_staff(held.item, held.block, places)
    need = without.index.items[held.item].staff
    return free[:need] if len(free) >= need else None


def spread(outlook: Outlook, session: PlannedSession, without: Standing) -> NextBest:
    """The people one request after the other into the cheapest places left, the others left out; costs are whole."""
    space, index = outlook.space, outlook.space.index
    free = {key: index.offers[key[0], key[1]].places - other.people for key, other in without.held.items()}
    cost, left_out = 0.0, 0
    for seat in session.seated:
        request, left = index.requests[seat.request], seat.people
        position = space.request_ids.index(seat.request)
        mine = np.nonzero(space.pairs.request == position)[0]
        for pair in mine[np.argsort(space.pairs.cost[mine], kind="stable")].tolist():
            key, price = space.key(int(space.pairs.option[pair])), float(space.pairs.cost[pair])
            take = min(left, free.get(key, 0))
            if request.together and take < left:
                continue
            if take and price < request.unplaced_cost and joins(without, seat.request, key):
                free[key] -= take
                left -= take
                cost += take * price
        cost += left * request.unplaced_cost
        left_out += left
    return NextBest(cost, "left out" if left_out == session.people else "spread", people_left_out=left_out)


def joins(without: Standing, request: str, key: tuple[str, str, str]) -> bool:
    """Whether somebody may join a session as it is: its staff may meet them, and its tier covers them."""
    index, held = without.index, without.held[key]
    place = rules.Place(request, held.site, held.block)
    if not all(rules.staff_may_meet(index, index.staff[who], place) for who in held.staff):
        return False
    return rules.tier_of(index, held.site, [request, *(seat.request for seat in held.seated)]) == held.tier
