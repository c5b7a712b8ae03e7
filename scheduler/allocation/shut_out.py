"""Why nothing at all is possible for a request: the rule at which every place drops out."""

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.case import Case, Finding, WayOut, held_or_own, staff_evidence
from scheduler.allocation.following import NONE
from scheduler.allocation.plan import Reason
from scheduler.allocation.writing import to_plain


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
    ways = start_ways(case, reason, stages.get(reason, []))
    nearest = min(ways)
    if reason is Reason.NO_STAFF and nearest.site and nearest.block:
        place = rules.Place(case.request.id, nearest.site, nearest.block)
        evidence["staff"] = staff_evidence(case, place)
    return reason, evidence, ways


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
    if len(able_staff(case, place)) < item.staff:
        return Reason.NO_STAFF
    places = index.offers[place.site, item.id].places
    return Reason.TOGETHER if request.together and request.people > places >= item.min_class else Reason.MIN_CLASS


def able_staff(case: Case, place: rules.Place) -> list[str]:
    """Who could hold a session there for this request, if nothing else were held."""
    index, item = case.index, case.index.items[case.request.item]
    span = rules.span_of(index, item.id, place.block) or range(0)
    there = {index.problem.blocks[rank].id for rank in span}
    return [
        who
        for who, person in sorted(index.staff.items())
        if item.id in person.items
        and (person.blocks is None or there <= set(person.blocks))
        and (person.max_blocks is None or person.max_blocks >= len(span))
        and rules.staff_may_meet(index, person, place)
    ]


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
    possible = [place for place in places if rules.span_of(case.index, case.request.item, place.block) is not None]
    if reason is Reason.NO_OFFER or not possible:
        text = f"let a site that it may reach offer {case.request.item} in its window"
        return [WayOut(0.0, text, "offer")]
    return [
        WayOut(held_or_own(case, place), text, change, place.site, place.block)
        for place in possible
        for change, text in [way_at(case, reason, place)]
    ]


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
        return "together", f"allow them to be split over sessions: {where}"
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
