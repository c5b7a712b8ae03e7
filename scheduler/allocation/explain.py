"""Why people have no place: the reason, the numbers behind it and the cheapest way out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.following import NONE
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Request
from scheduler.allocation.plan import Plan, PlannedSession, Reason, Unplaced
from scheduler.allocation.space import Space
from scheduler.allocation.standing import Standing

# How many sessions are named as evidence.
SHOWN = 5


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
    """People left out, and the sessions they could join or have held for them."""

    space: Space
    standing: Standing
    request: Request
    people: int
    left_out: Mapping[str, int]

    @property
    def index(self) -> Index:
        """The problem, findable by id."""
        return self.space.index


def explained(space: Space, plan: Plan, left_out: Mapping[str, int]) -> tuple[Unplaced, ...]:
    """A line with its reason for every request that is not wholly seated."""
    standing = Standing.of(space.index, plan)
    cases = [
        Case(space, standing, space.index.requests[request], people, left_out)
        for request, people in sorted(left_out.items())
    ]
    return tuple(line_for(case) for case in cases)


def line_for(case: Case) -> Unplaced:
    """The line of one case: what keeps it out of the search space first, then what the plan takes from it."""
    options = options_of(case)
    reason, evidence, ways = from_the_plan(case, options) if options else from_the_start(case)
    evidence = {"people_asked": case.request.people, "people_left_out": case.people, **evidence}
    detail: dict[str, Any] = {"evidence": evidence}
    if ways:
        best = min(ways)
        detail["way_out"] = {
            "text": best.text,
            "change": best.change,
            "extra_cost": round(best.extra_cost, 2),
            **({"site": best.site} if best.site else {}),
            **({"block": best.block} if best.block else {}),
        }
    return Unplaced(case.request.id, case.people, reason, detail)


Finding = tuple[Reason, dict[str, Any], list[WayOut]]


def options_of(case: Case) -> list[tuple[int, float]]:
    """The options a request could sit in, with what the way and the wait cost one person."""
    position = case.space.request_ids.index(case.request.id)
    mine = np.nonzero(case.space.pairs.request == position)[0]
    costs: dict[int, float] = {}
    for option, cost in zip(case.space.pairs.option[mine].tolist(), case.space.pairs.cost[mine].tolist(), strict=True):
        costs[option] = max(cost, costs.get(option, cost))
    return sorted(costs.items())


def from_the_start(case: Case) -> Finding:
    """Why there is no option at all: the first stage at which every place drops out."""
    stages: dict[Reason, list[rules.Place]] = {}
    index, item = case.index, case.index.items[case.request.item]
    for site in sorted(index.sites):
        if (site, case.request.item) not in index.offers:
            continue
        for block in index.rank:
            place = rules.Place(case.request.id, site, block)
            stages.setdefault(stage_of(case, place), []).append(place)
    lasted = [reason for reason in LATEST_FIRST if reason in stages]
    reason = lasted[0] if lasted else Reason.NO_OFFER
    evidence = {
        "sites_that_offer": len({place.site for places in stages.values() for place in places}),
        "places_lost": {str(each): len(places) for each, places in sorted(stages.items())},
        "least_class": item.min_class,
        "staff_needed": item.staff,
    }
    return reason, evidence, start_ways(case, reason, stages.get(reason, []))


LATEST_FIRST = (Reason.TOGETHER, Reason.MIN_CLASS, Reason.NO_STAFF, Reason.BARRED, Reason.WINDOW, Reason.NO_OFFER)


def stage_of(case: Case, place: rules.Place) -> Reason:
    """What a place fails on, in the order in which rules are met."""
    index, request = case.index, case.request
    broken = rules.broken_by(index, place)
    reasons = {
        "offer": Reason.NO_OFFER,
        "way": Reason.NO_OFFER,
        "cover": Reason.NO_OFFER,
        "row": Reason.WINDOW,
        "open": Reason.WINDOW,
        "window": Reason.WINDOW,
        "objection": Reason.BARRED,
    }
    unreachable = not (rules.way_is_allowed(index, place) and rules.somebody_covers_both(index, place))
    if unreachable:
        return Reason.NO_OFFER
    if broken is not None:
        return reasons[broken.name]
    if index.rank[place.block] < ready_at(case):
        return Reason.WINDOW
    item = index.items[request.item]
    span = rules.span_of(index, item.id, place.block) or range(0)
    there = {index.problem.blocks[rank].id for rank in span}
    able = [
        person
        for person in index.staff.values()
        if item.id in person.items
        and (person.blocks is None or there <= set(person.blocks))
        and (person.max_blocks is None or person.max_blocks >= len(span))
        and rules.staff_may_meet(index, person, place)
    ]
    if len(able) < item.staff:
        return Reason.NO_STAFF
    places = index.offers[place.site, item.id].places
    return Reason.TOGETHER if request.together and request.people > places >= item.min_class else Reason.MIN_CLASS


def ready_at(case: Case) -> int:
    """The first rank at which somebody could be done with what must be sat before; one past the last if none could."""
    following, space = case.space.following, case.space
    link = following.link_of[space.request_ids.index(case.request.id)]
    if link == NONE:
        return 0
    earlier = following.earlier[link]
    ahead = [option for option, request, _ in space.ahead if request == earlier]
    mine = np.concatenate([space.pairs.option[space.pairs.request == earlier], np.array(ahead, np.int64)])
    return following.ready(link, space.options.start[mine])


def start_ways(case: Case, reason: Reason, places: list[rules.Place]) -> list[WayOut]:
    """What would open a place to a request that has none; costs are those of a session of its own."""
    least = case.index.items[case.request.item].min_class
    texts = {
        Reason.NO_OFFER: ("offer", f"let a site it may reach offer {case.request.item}"),
        Reason.WINDOW: ("window", "widen the window"),
        Reason.BARRED: ("objection", "withdraw an objection"),
        Reason.NO_STAFF: ("staff", "add somebody qualified on that half-day"),
        Reason.MIN_CLASS: (
            "min_class",
            f"find more people for a class of {least}",
        ),
        Reason.TOGETHER: ("together", "allow the people to be split over sessions"),
    }
    change, text = texts[reason]
    if not places or reason == Reason.NO_OFFER:
        return [WayOut(0.0, text, change)]
    return [
        WayOut(own_session(case, place), f"{text}: {place.site} at {place.block}", change, place.site, place.block)
        for place in places
        if rules.span_of(case.index, case.request.item, place.block) is not None
    ] or [WayOut(0.0, text, change)]


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


def from_the_plan(case: Case, options: list[tuple[int, float]]) -> Finding:
    """What takes the options away: full sessions, rooms, staff, the least class, togetherness, or only the cost."""
    tallies: dict[Reason, list[WayOut]] = {}
    for way in ways_through(case, options):
        tallies.setdefault(way[0], []).append(way[1])
    order = (Reason.COST, Reason.TOGETHER, Reason.MIN_CLASS, Reason.NO_STAFF, Reason.ROOM, Reason.FULL)
    reason = next(each for each in order if each in tallies)
    shown = [
        {"site": way.site, "block": way.block, "extra_cost": round(way.extra_cost, 2)}
        for way in sorted(tallies[reason])[:SHOWN]
    ]
    evidence = {
        "options": len(options),
        "stopped_by": {str(each): len(ways) for each, ways in sorted(tallies.items())},
        "nearest": shown,
    }
    return reason, evidence, [way for ways in tallies.values() for way in ways]


def ways_through(case: Case, options: list[tuple[int, float]]) -> Iterator[tuple[Reason, WayOut]]:
    """For each option what stands against it, and what getting past that would cost."""
    for option, near in options:
        site, item, block = case.space.key(option)
        session = case.standing.held.get((site, item, block))
        if session is not None:
            yield joining(case, session, near)
        else:
            yield opening(case, option)


def joining(case: Case, session: PlannedSession, near: float) -> tuple[Reason, WayOut]:
    """What keeps the people from a session that is held."""
    index = case.index
    free = index.offers[session.site, session.item].places - session.people
    place = rules.Place(case.request.id, session.site, session.block)
    saved = case.people * (near - case.request.unplaced_cost)
    tier = rules.tier_of(index, session.site, [*(s.request for s in session.seated), case.request.id])
    prices = index.problem.costs.tier
    step = (prices.get(tier, 0) if tier else 0) - prices.get(session.tier, 0)
    where = f"{session.site} at {session.block}"
    reason, text, change = Reason.COST, f"accept the way and the wait to {where}", "cost"
    if not all(rules.staff_may_meet(index, index.staff[who], place) for who in session.staff):
        reason, text, change = Reason.NO_STAFF, f"other staff for {where}", "staff"
    elif case.request.together and 0 < free < case.people:
        reason, text, change = Reason.TOGETHER, f"allow a split: {free} of them fit into {where}", "together"
    elif free < case.people:
        reason, text, change = Reason.FULL, f"{case.people - free} more places at {where}", "places"
    elif step > 0:
        reason, text, change = Reason.COST, f"raise {where} to the tier of {tier}", "tier"
    return reason, WayOut(saved + step, text, change, session.site, session.block)


def opening(case: Case, option: int) -> tuple[Reason, WayOut]:
    """What keeps a session from being held for the people, and others left out beside them."""
    index, space = case.index, case.space
    site, item, block = space.key(option)
    place, where = rules.Place(case.request.id, site, block), f"{site} at {block}"
    fixed = own_session(case, place)
    need, least = index.items[item].staff, max(index.items[item].min_class, int(space.options.least[option]))
    if not case.standing.has_room(site, item, block):
        return Reason.ROOM, WayOut(fixed, f"one more room at {where}", "rooms", site, block)
    free = case.standing.free_staff(item, block, (place,))
    if len(free) < need:
        missing = need - len(free)
        return Reason.NO_STAFF, WayOut(fixed, f"{missing} more staff for {where}", "staff", site, block)
    together = sum(case.left_out.get(space.request_ids[r], 0) for r in requests_in(space, option))
    if together < least:
        return Reason.MIN_CLASS, WayOut(fixed, f"{least - together} more people for {where}", "people", site, block)
    return Reason.COST, WayOut(fixed, f"hold a session at {where} all the same", "cost", site, block)


def requests_in(space: Space, option: int) -> set[int]:
    """Everybody who could sit in an option."""
    return {int(space.pairs.request[pair]) for pair in space.pairs_of(option)}
