"""Why a plan leaves people out who could sit somewhere: what stands against each place, and what that would cost."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.case import Case, Finding, WayOut, staff_evidence
from scheduler.allocation.plan import PlannedSession, Reason
from scheduler.allocation.space import Floats, Ints

# How many places are named as evidence, and for how many of them all staff.
SHOWN, STAFF_SHOWN = 5, 2
ORDER = (
    Reason.COST,
    Reason.TOGETHER,
    Reason.MIN_CLASS,
    Reason.NO_STAFF,
    Reason.ROOM,
    Reason.FULL,
    Reason.WINDOW,
)

Ways = dict[Reason, tuple[int, list[WayOut]]]
"""By reason, how many places it stands against, and the cheapest ways past it."""


def from_the_plan(case: Case, options: Ints) -> Finding:
    """What takes the options away: full sessions, rooms, staff, the least class, togetherness, or only the cost."""
    tallies: Ways = {}
    for reason, count, ways in (*joinings(case, options), *openings(case, options)):
        before, known = tallies.get(reason, (0, []))
        tallies[reason] = before + count, sorted([*known, *ways])[:SHOWN]
    reason = next(each for each in ORDER if each in tallies)
    evidence = {
        "options": len(options),
        "stopped_by": {str(each): count for each, (count, _) in sorted(tallies.items())},
        "nearest": [shown(case, reason, way, rank) for rank, way in enumerate(tallies[reason][1])],
    }
    return reason, evidence, [way for _, ways in tallies.values() for way in ways]


def shown(case: Case, reason: Reason, way: WayOut, rank: int) -> dict[str, Any]:
    """A place as evidence: what stands against it, which sessions and which staff."""
    entry = {"site": way.site, "block": way.block, "extra_cost": round(way.extra_cost, 2), "why": way.text}
    if way.site is None or way.block is None:
        return entry
    if reason is Reason.NO_STAFF:
        place = rules.Place(case.request.id, way.site, way.block)
        return entry | ({"staff": staff_evidence(case, place)} if rank < STAFF_SHOWN else {})
    held = case.standing.held.values()
    there = [session for session in held if (session.site, session.block) == (way.site, way.block)]
    return entry | {"sessions": [{"item": session.item, "people": session.people} for session in there]}


def joinings(case: Case, options: Ints) -> Iterator[tuple[Reason, int, list[WayOut]]]:
    """What keeps people from each session that is held."""
    options = options[case.openings.held[options] & ~case.overtakes(options)]
    for option, near in zip(options.tolist(), case.cost_at(options).tolist(), strict=True):
        reason, way = joining(case, case.standing.held[case.space.key(option)], near)
        yield reason, 1, [way]


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
        saved = free * (near - case.request.unplaced_cost)
    elif free < case.people:
        text = f"{case.people - free} more places at {where}, which has {free} left"
        reason, change = Reason.FULL, "places"
    elif step > 0:
        reason, text, change = Reason.COST, f"raise {where} to the tier of {tier}", "tier"
    return reason, WayOut(saved + step, text, change, session.site, session.block)


def openings(case: Case, options: Ints) -> Iterator[tuple[Reason, int, list[WayOut]]]:
    """What keeps sessions from being held for them, and others left out beside them."""
    space = case.space
    overtakes = case.overtakes(options)
    late, options = options[overtakes], options[~case.openings.held[options] & ~overtakes]
    need = space.staff_needed[space.options.item[options]]
    hands = case.openings.hands(options, case.request)
    least = np.maximum(case.index.items[case.request.item].min_class, space.options.least[options])
    fails = (
        (Reason.ROOM, ~case.openings.room[options]),
        (Reason.NO_STAFF, hands < need),
        (Reason.MIN_CLASS, case.openings.gathered[options] < least),
        (Reason.COST, np.ones(len(options), bool)),
    )
    lacking = np.stack([need - hands, least - case.openings.gathered[options]])
    cost, open_still = case.own_sessions(options), np.ones(len(options), bool)
    for reason, fail in fails:
        at = np.nonzero(open_still & fail)[0]
        open_still &= ~fail
        yield from told(case, reason, options[at], (cost[at], lacking[:, at]))
    yield from told(case, Reason.WINDOW, late, (case.own_sessions(late), np.zeros((2, len(late)), np.int64)))


def told(
    case: Case, reason: Reason, options: Ints, numbers: tuple[Floats, Ints]
) -> Iterator[tuple[Reason, int, list[WayOut]]]:
    """The cheapest ways past a reason, if it stands against anything."""
    cost, lacking = numbers
    if len(options):
        best = np.lexsort((options, cost))[:SHOWN]
        ways = [opening(case, reason, int(options[n]), (cost[n], *lacking[:, n].tolist())) for n in best.tolist()]
        yield reason, len(options), ways


def opening(case: Case, reason: Reason, option: int, numbers: tuple[float, int, int]) -> WayOut:
    """What would have to change for a session to be held, in words; too few people come on top of what else lacks."""
    cost, staff, people = numbers
    also = f" and {people} more people" if people > 0 else ""
    site, _, block = case.space.key(option)
    where, before = f"{site} at {block}", case.request.after.request if case.request.after else ""
    change, text = {
        Reason.ROOM: ("rooms", f"one more room{also} at {where}, or less rest"),
        Reason.NO_STAFF: ("staff", f"{staff} more staff{also} for {where}"),
        Reason.MIN_CLASS: ("people", f"{people} more people for {where}"),
        Reason.WINDOW: ("after", f"seat all of {before} early enough for {where}"),
        Reason.COST: ("cost", f"hold a session at {where} all the same"),
    }[reason]
    return WayOut(float(cost), text, change, site, block)
