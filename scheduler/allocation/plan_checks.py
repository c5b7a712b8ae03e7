"""The rules that a plan keeps as a whole, and the truth of its price."""

import math
from collections import Counter, defaultdict

from scheduler.allocation.witness import Found, Witness, label

SLACK = 1e-6


def reachable(seen: Witness) -> Found:
    """Everyone may go where they sit."""
    for session in seen.sound:
        for seating in session.seated:
            if seen.way(seen.request[seating.request], seen.site[session.site]) is None:
                yield label(session), f"{seating.request} may not go there"


def together(seen: Witness) -> Found:
    """Who stays together sits in one session wholly, or nowhere."""
    spots = defaultdict(list)
    for (request, _, _), people in seen.at_spot().items():
        spots[request].append(people)
    for request, counts in spots.items():
        if seen.request[request].together and counts != [seen.request[request].people]:
            yield f"request {request}", "not kept together"


def after(seen: Witness) -> Found:
    """Nobody sits a request without having sat the one it comes after, so many days before and ended."""
    for request in seen.problem.requests:
        if request.after is None:
            continue
        done = sorted(end for _, end in seen.sittings(request.after.request))
        begun = sorted(start for start, _ in seen.sittings(request.id))
        # The first to begin takes the first who was done: if that one is not in time, nobody is.
        for number, start in enumerate(begun):
            if number >= len(done):
                yield f"request {request.id}", f"{len(begun)} sit it, {len(done)} sit {request.after.request}"
                break
            position, day = done[number]
            if start[0] <= position or start[1] - day < request.after.days:
                yield f"request {request.id}", f"somebody sits it too soon after {request.after.request}"
                break


def tiers(seen: Witness) -> Found:
    """A session's tier is that of the lowest jurisdiction over everyone in it."""
    for session in seen.sound:
        if seen.tier(session) != session.tier:
            yield label(session), f"the tier is {seen.tier(session)}, the plan says {session.tier}"


def pins(seen: Witness) -> Found:
    """Pins are kept."""
    there = seen.at_spot()
    for pin in seen.problem.pins:
        if there[pin.request, pin.site, pin.block] < pin.people:
            yield f"pin of {pin.request} at {pin.site}, {pin.block}", "not kept"


def pinned_sessions(seen: Witness) -> Found:
    """Pinned sessions are held."""
    held = {session.key for session in seen.sound}
    for row in seen.problem.pinned_sessions:
        if (row.site, row.item, row.block) not in held:
            yield f"pinned session {row.site}/{row.item}/{row.block}", "not held"


def min_people(seen: Witness) -> Found:
    """Sessions under objection hold as many as asked for, or none."""
    people = {session.key: session.people for session in seen.sound}
    for row in seen.problem.min_people:
        if 0 < people.get((row.site, row.item, row.block), 0) < row.people:
            yield f"session {row.site}/{row.item}/{row.block}", f"fewer than {row.people} people"


def barred(seen: Witness) -> Found:
    """Nothing happens that an objection forbids."""
    for session in seen.sound:
        for bar in seen.problem.barred:
            there = (
                bar.site in {None, session.site}
                and bar.item in {None, session.item}
                and (bar.block is None or bar.block in seen.filled[session.key])
                and (bar.staff is None or bar.staff in session.staff)
            )
            for seating in session.seated if there else ():
                if bar.request in {None, seating.request}:
                    yield label(session), f"{seating.request} is barred"


def everybody_counted(seen: Witness) -> Found:
    """Every person is seated or listed as unplaced."""
    counted: Counter[str] = Counter()
    for session in seen.sound:
        for seating in session.seated:
            counted[seating.request] += seating.people
    for row in seen.plan.unplaced:
        if type(row.people) is not int or row.people < 1:
            yield f"unplaced {row.request}", "people must be a positive whole number"
        counted[row.request] += row.people
    for request in seen.problem.requests:
        if counted[request.id] != request.people:
            yield f"request {request.id}", f"{counted[request.id]} of {request.people} people counted"


def price(seen: Witness) -> Found:
    """The objective and its terms are what the sessions cost."""
    terms = priced(seen)
    total = sum(terms.values())
    slack = SLACK * max(1.0, abs(total))
    if not abs(seen.plan.objective - total) <= slack:
        yield "objective", f"stated {seen.plan.objective}, is {total}"
    for name, value in seen.plan.terms.items():
        if not abs(value - terms.get(name, 0.0)) <= slack:
            yield f"term {name}", f"stated {value}, is {terms.get(name, 0.0)}"


def bound(seen: Witness) -> Found:
    """The bound is a number that does not exceed the objective."""
    total = sum(priced(seen).values())
    if not (math.isfinite(seen.plan.bound) and seen.plan.bound <= total + SLACK * max(1.0, abs(total))):
        yield "bound", f"{seen.plan.bound}, the objective is {total}"


def priced(seen: Witness) -> dict[str, float]:
    """What the plan costs, term by term."""
    terms: dict[str, float] = defaultdict(float)
    left = {request.id: request.people for request in seen.problem.requests}
    for session in seen.sound:
        offer, tier, size = seen.offer(session), seen.tier(session), len(seen.filled[session.key])
        terms["open"] += offer.open_cost if offer else 0.0
        terms["tier"] += next((cost for name, cost in seen.problem.costs.tier.items() if name == tier), 0.0)
        terms["staff"] += sum(seen.person[who].block_cost * size for who in session.staff)
        for seating in session.seated:
            request = seen.request[seating.request]
            since = seen.date[seen.order[seen.window_of(request)[0]]]
            left[request.id] -= seating.people
            terms["travel"] += seating.people * (seen.way(request, seen.site[session.site]) or 0.0)
            terms["wait"] += seating.people * request.wait_cost * (seen.date[session.block] - since).days
    terms["unplaced"] = sum(seen.request[i].unplaced_cost * max(0, people) for i, people in left.items())
    there = seen.at_spot()
    moved = [
        max(0, row.people - there[row.request, row.site, row.block])
        for row in seen.problem.before
        if row.request in seen.request
    ]
    terms["change"] = seen.problem.change_cost * sum(moved)
    return terms
