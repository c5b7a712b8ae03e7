"""Places that are left outside a request's window."""

from collections.abc import Iterator

from scheduler.allocation import rules
from scheduler.allocation.case import Case, WayOut
from scheduler.allocation.plan import PlannedSession


def beyond_the_window(case: Case) -> Iterator[WayOut]:
    """Sessions with places left outside the window, which cost no session of their own."""
    index, request = case.index, case.request
    first, last = index.window(request)
    for session in case.standing.held.values():
        if (
            session.item != request.item
            or index.offers[session.site, session.item].places - session.people < case.people
        ):
            continue
        place = rules.Place(request.id, session.site, session.block)
        if rules.window_fits(index, place) or not would_do(case, session, place):
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
