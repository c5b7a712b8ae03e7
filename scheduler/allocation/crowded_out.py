"""Why a plan leaves people out who could sit somewhere: what stands against each place, and what that would cost."""

from collections.abc import Iterator
from typing import Any

from scheduler.allocation import rules
from scheduler.allocation.case import Case, Finding, WayOut, own_session, staff_evidence
from scheduler.allocation.plan import PlannedSession, Reason

# How many places are named as evidence.
SHOWN = 5


def from_the_plan(case: Case, options: list[tuple[int, float]]) -> Finding:
    """What takes the options away: full sessions, rooms, staff, the least class, togetherness, or only the cost."""
    tallies: dict[Reason, list[WayOut]] = {}
    for way in ways_through(case, options):
        tallies.setdefault(way[0], []).append(way[1])
    order = (Reason.COST, Reason.TOGETHER, Reason.MIN_CLASS, Reason.NO_STAFF, Reason.ROOM, Reason.FULL, Reason.WINDOW)
    reason = next(each for each in order if each in tallies)
    evidence = {
        "options": len(options),
        "stopped_by": {str(each): len(ways) for each, ways in sorted(tallies.items())},
        "nearest": [shown(case, reason, way) for way in sorted(tallies[reason])[:SHOWN]],
    }
    return reason, evidence, [way for ways in tallies.values() for way in ways]


def shown(case: Case, reason: Reason, way: WayOut) -> dict[str, Any]:
    """A place as evidence: what stands against it, which sessions and which staff."""
    entry = {"site": way.site, "block": way.block, "extra_cost": round(way.extra_cost, 2), "why": way.text}
    if way.site is None or way.block is None:
        return entry
    if reason is Reason.NO_STAFF:
        return entry | {"staff": staff_evidence(case, rules.Place(case.request.id, way.site, way.block))}
    held = case.standing.held.values()
    there = [session for session in held if (session.site, session.block) == (way.site, way.block)]
    return entry | {"sessions": [{"item": session.item, "people": session.people} for session in there]}


def beyond_the_window(case: Case) -> Iterator[WayOut]:
    """Sessions with places left outside the window, which cost no session of their own."""
    index, request = case.index, case.request
    first, last = index.window(request)
    for session in case.standing.held.values():
        free = index.offers[session.site, session.item].places - session.people if session.item == request.item else 0
        place = rules.Place(request.id, session.site, session.block)
        inside = rules.window_fits(index, place)
        if free < case.people or inside or not would_do(case, session, place):
            continue
        rank = index.rank[session.block]
        near = rules.travel_cost(index, request, index.sites[session.site]) or 0.0
        wait = request.wait_cost * max(0, index.days[rank] - index.days[first])
        outside = "until" if rank > last else "from" if rank < first else "on"
        text = f"let them come {outside} {session.block}: places are left at {session.site}"
        cost = case.people * (near + wait - request.unplaced_cost)
        yield WayOut(cost, text, "window", session.site, session.block)


def would_do(case: Case, session: PlannedSession, place: rules.Place) -> bool:
    """Whether a session would do for a request but for its window: way, objections, staff and tier as it is."""
    index = case.index
    others = all(rule.keeps(index, place) for rule in rules.PLACE_RULES if rule.keeps is not rules.window_fits)
    if not others or case.request.after is not None:
        return False
    tier = rules.tier_of(index, session.site, [*(seat.request for seat in session.seated), case.request.id])
    return tier == session.tier and all(rules.staff_may_meet(index, index.staff[who], place) for who in session.staff)


def ways_through(case: Case, options: list[tuple[int, float]]) -> Iterator[tuple[Reason, WayOut]]:
    """For each option what stands against it, and what getting past that would cost."""
    for option, near in options:
        site, item, block = case.space.key(option)
        session = case.standing.held.get((site, item, block))
        if overtakes(case, option):
            yield too_soon(case, option)
        elif session is not None:
            yield joining(case, session, near)
        else:
            yield opening(case, option)


def overtakes(case: Case, option: int) -> bool:
    """Whether too few of the people would be done in time with what they must sit before."""
    if (after := case.request.after) is None:
        return False
    space, following = case.space, case.space.following
    opens = following.opens[following.link_of[space.request_ids.index(case.request.id)]]
    done = sum(
        seat.people
        for session in case.standing.held.values()
        for seat in session.seated
        if seat.request == after.request and opens[case.index.rank[session.block]] <= space.options.start[option]
    )
    return done < case.request.people


def too_soon(case: Case, option: int) -> tuple[Reason, WayOut]:
    """The way out where people would have to be done with something else before."""
    site, _, block = case.space.key(option)
    place = rules.Place(case.request.id, site, block)
    before = case.request.after.request if case.request.after else ""
    text = f"seat all of {before} early enough for {site} at {block}"
    return Reason.WINDOW, WayOut(own_session(case, place), text, "after", site, block)


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
        text = f"{case.people - free} more places at {where}, which has {free} left"
        reason, change = Reason.FULL, "places"
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
        return Reason.ROOM, WayOut(fixed, f"one more room at {where}, or less rest", "rooms", site, block)
    free = case.standing.free_staff(item, block, (place,))
    if len(free) < need:
        missing = need - len(free)
        return Reason.NO_STAFF, WayOut(fixed, f"{missing} more staff for {where}", "staff", site, block)
    together = case.gathered_in(option)
    if together < least:
        return Reason.MIN_CLASS, WayOut(fixed, f"{least - together} more people for {where}", "people", site, block)
    return Reason.COST, WayOut(fixed, f"hold a session at {where} all the same", "cost", site, block)
