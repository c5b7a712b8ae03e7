"""Why nothing at all is possible for a request: the rule at which every place drops out."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.case import Case, Finding, WayOut, held_or_own, staff_evidence
from scheduler.allocation.following import NONE
from scheduler.allocation.plan import Reason
from scheduler.allocation.writing import to_plain


def from_the_start(case: Case) -> Finding:
    """Why there is no option at all: the last stage at which every place drops out."""
    index, item = case.index, case.index.items[case.request.item]
    offering = [site for site in sorted(index.sites) if (site, item.id) in index.offers]
    reached = [site for site in offering if may_reach(case, site)]
    stages = stages_of(case, reached)
    reason = next((reason for reason in LATEST_FIRST if reason in stages), Reason.NO_OFFER)
    evidence: dict[str, Any] = {
        "sites_that_offer": len(offering),
        "sites_it_may_reach": len(reached),
        "places_lost": {str(each): len(places) for each, places in sorted(stages.items())},
        "least_class": item.min_class,
        "staff_needed": item.staff,
    }
    ways = (
        start_ways(case, reason, stages.get(reason, [])) if reached else [*farther(case, offering)] or [no_offer(case)]
    )
    nearest = min(ways)
    if reason is Reason.NO_STAFF and nearest.site and nearest.block:
        place = rules.Place(case.request.id, nearest.site, nearest.block)
        evidence["staff"] = staff_evidence(case, place)
    return reason, evidence, ways


LATEST_FIRST = (Reason.TOGETHER, Reason.MIN_CLASS, Reason.NO_STAFF, Reason.BARRED, Reason.WINDOW)


def may_reach(case: Case, site: str) -> bool:
    """Whether the request may go to a site, and somebody covers both."""
    place = rules.Place(case.request.id, site, next(iter(case.index.rank)))
    return rules.way_is_allowed(case.index, place) and rules.somebody_covers_both(case.index, place)


def stages_of(case: Case, sites: Sequence[str]) -> dict[Reason, list[rules.Place]]:
    """What each place at these sites fails on, in the order in which rules are met."""
    index, request = case.index, case.request
    stages: dict[Reason, list[rules.Place]] = defaultdict(list)
    spans = [block for block in index.rank if rules.span_of(index, request.item, block) is not None]
    if sites and not spans:
        stages[Reason.WINDOW] = []
    ready = ready_at(case)
    for block in spans:
        first = rules.Place(request.id, sites[0], block) if sites else None
        inside = first is not None and rules.window_fits(index, first) and index.rank[block] >= ready
        for site in sites:
            place = rules.Place(request.id, site, block)
            stages[stage_of(case, place) if inside else Reason.WINDOW].append(place)
    return stages


def stage_of(case: Case, place: rules.Place) -> Reason:
    """What a place inside the window fails on."""
    index, request = case.index, case.request
    if not rules.site_is_open(index, place):
        return Reason.WINDOW
    if not rules.nobody_objects(index, place):
        return Reason.BARRED
    if len(able_staff(case, place)) < index.items[request.item].staff:
        return Reason.NO_STAFF
    places, least = index.offers[place.site, request.item].places, index.items[request.item].min_class
    return Reason.TOGETHER if request.together and request.people > places >= least else Reason.MIN_CLASS


def able_staff(case: Case, place: rules.Place) -> list[str]:
    """Who could hold a session there for this request, if nothing else were held."""
    index, space = case.index, case.space
    item = bisect_left(space.item_ids, case.request.item)
    free = np.nonzero(space.free[item, :, index.rank[place.block]])[0].tolist()
    able = [space.staff_ids[who] for who in free]
    return [who for who in able if rules.staff_may_meet(index, index.staff[who], place)]


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
    """What would open a place to a request that has none; costs are those of the session there or of one of its own."""
    possible = worth_pricing(case, places)
    if not possible:
        return [WayOut(0.0, f"list half-days on end, as many as {case.request.item} takes", "blocks")]
    return [
        WayOut(held_or_own(case, place, split=reason is Reason.TOGETHER), text, change, place.site, place.block)
        for place in possible
        for change, text in [way_at(case, reason, place)]
    ]


def no_offer(case: Case) -> WayOut:
    """What is left where no site that offers the item can be reached."""
    return WayOut(0.0, f"let a site that it may reach offer {case.request.item} in its window", "offer")


def farther(case: Case, offering: Sequence[str]) -> Iterator[WayOut]:
    """Sites that would do if people went farther than they said, each on its first half-day that fits."""
    index, request = case.index, case.request
    if request.max_km is None or index.problem.travel is not None:
        return
    for site in offering:
        places = (rules.Place(request.id, site, block) for block in index.rank)
        others = [rule.keeps for rule in rules.PLACE_RULES if rule.keeps is not rules.way_is_allowed]
        if (place := next((p for p in places if all(keeps(index, p) for keeps in others)), None)) is not None:
            km = rules.road_km(index, request, index.sites[site])
            cost = held_or_own(case, place) + case.people * km * index.problem.costs.per_person_km
            yield WayOut(cost, f"let them go {km:.1f} km, to {site} on {place.block}", "max_km", site, place.block)


def worth_pricing(case: Case, places: list[rules.Place]) -> list[rules.Place]:
    """Of each site the earliest place, and wherever a session of the item is held: the others only cost more."""
    seen: set[str] = set()
    kept = []
    for place in places:
        if place.site not in seen or (place.site, case.request.item, place.block) in case.standing.held:
            kept.append(place)
        seen.add(place.site)
    return kept


def way_at(case: Case, reason: Reason, place: rules.Place) -> tuple[str, str]:
    """What would have to change for a place to be possible: a name and words."""
    where, item = f"{place.site} on {place.block}", case.index.items[case.request.item]
    if reason is Reason.WINDOW:
        return "window", window_way(case, place)
    if reason is Reason.BARRED:
        return "objection", f"withdraw the objection to {objections_to(case, place)}: {where}"
    if reason is Reason.NO_STAFF:
        missing = item.staff - len(able_staff(case, place))
        return "staff", f"{missing} more of staff who hold {item.id}: {where}"
    if reason is Reason.TOGETHER:
        places = case.index.offers[place.site, item.id].places
        return "together", f"allow a split over sessions, of which {where} has {places} places"
    missing = max(1, item.min_class - case.request.people)
    return "min_class", f"{missing} more people for a class of {item.min_class}: {where}"


def objections_to(case: Case, place: rules.Place) -> str:
    """The objections that forbid a place, in words."""
    touching = [bar for bar in case.index.problem.barred if bar.staff is None]
    touching = [bar for bar in touching if rules.bar_touches(case.index, bar, place)]
    named = [" ".join(f"{name} {value}" for name, value in sorted(to_plain(bar).items())) for bar in touching]
    return "; ".join(each or "everything" for each in named)


def window_way(case: Case, place: rules.Place) -> str:
    """Which half-day would have to be free, and whose."""
    index, request = case.index, case.request
    span = rules.span_of(index, request.item, place.block) or range(0)
    first, last = index.window(request)
    if not rules.site_is_open(index, place):
        return f"open {place.site} on {place.block}"
    if span[-1] > last:
        return f"let them come until {index.problem.blocks[span[-1]].id}: {place.site}"
    if span.start < first:
        return f"let them come from {place.block} on: {place.site}"
    if request.after is not None and span.start < ready_at(case):
        return f"let {request.after.request} be over before {place.block}: {place.site}"
    return f"free {place.block} for them: {place.site}"
