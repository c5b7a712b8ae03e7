"""Whether a plan keeps every rule of its problem: written apart from the solver, sharing none of its code."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from scheduler.allocation.parts import Jurisdiction
from scheduler.allocation.plan import Plan, PlannedSession
from scheduler.allocation.problem import Problem
from scheduler.allocation.verify_reader import Reader

SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a plan breaks, and where."""

    rule: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.where}: {self.detail}"


def verify(problem: Problem, plan: Plan) -> list[Violation]:
    """Every violation, in the order of the rules; none means that the plan may be used."""
    reader = Reader(problem)
    unknown = list(unknown_ids(reader, plan))
    if unknown:
        return unknown
    return [
        *known_sessions(reader, plan),
        *rooms_and_rest(reader, plan),
        *people(reader, plan),
        *staff(reader, plan),
        *staff_load(reader, plan),
        *seats(reader, plan),
        *tiers(reader, plan),
        *wishes(reader, plan),
        *together(reader, plan),
        *money(reader, plan),
    ]


def name(session: PlannedSession) -> str:
    """A session as a person finds it."""
    return "/".join(session.key)


def unknown_ids(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """Nothing is planned that the problem does not know."""
    for session in plan.sessions:
        asked = [seating.request for seating in session.seated]
        if (session.site, session.item) not in reader.offers or session.block not in reader.rank:
            yield Violation("offer", name(session), "the site does not offer the item, or there is no such half-day")
        if not set(session.staff) <= set(reader.staff) or not set(asked) <= set(reader.requests):
            yield Violation("known", name(session), "unknown staff or request")
    for row in plan.unplaced:
        if row.request not in reader.requests:
            yield Violation("known", row.request, "no such request")


def known_sessions(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """Sessions are planned once, on half-days in a row on which the site is open."""
    for key, count in Counter(session.key for session in plan.sessions).items():
        if count > 1:
            yield Violation("once", "/".join(key), "is planned twice")
    for session in plan.sessions:
        span, site = reader.span(session), reader.sites[session.site]
        if not span:
            yield Violation("row", name(session), "its half-days are not in a row")
        if site.blocks is not None and not set(span) <= set(site.blocks):
            yield Violation("open", name(session), "the site is closed")


def rooms_and_rest(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """A site holds no more sessions at once than it has rooms, and rests between days."""
    filled = Counter((session.site, block) for session in plan.sessions for block in reader.span(session))
    for (site, block), count in filled.items():
        if count > reader.sites[site].rooms:
            yield Violation("rooms", f"{site}/{block}", f"{count} sessions in {reader.sites[site].rooms} rooms")
    days = defaultdict(list)
    for session in plan.sessions:
        dates = [reader.problem.blocks[reader.rank[block]].date for block in reader.span(session)]
        if dates:
            days[session.site].append((dates[0], dates[-1]))
    for site, spans in days.items():
        least = reader.sites[site].rest_days
        for (_, ended), (starts, _) in pairwise(sorted(spans)):
            if least and (starts - ended).days < least:
                yield Violation("rest", site, f"{(starts - ended).days} days before {starts}, the least is {least}")


def people(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """People fit the places and make up the least class; everybody is seated or accounted for, exactly."""
    for session in plan.sessions:
        places, least = reader.offers[session.site, session.item].places, reader.items[session.item].min_class
        if not least <= session.people <= places:
            yield Violation("size", name(session), f"{session.people} people, of {least} to {places}")
        if any(seating.people < 1 for seating in session.seated):
            yield Violation("whole", name(session), "people are positive whole numbers")
        if len({seating.request for seating in session.seated}) < len(session.seated):
            yield Violation("once", name(session), "a request is listed twice")
    placed = Counter[str]()
    for session in plan.sessions:
        placed.update({seating.request: seating.people for seating in session.seated})
    placed_or_not = placed + Counter(dict.fromkeys(reader.requests, 0))
    for row in plan.unplaced:
        placed_or_not[row.request] += row.people
        if row.people < 1:
            yield Violation("whole", row.request, "people are positive whole numbers")
    for request in reader.requests.values():
        if placed_or_not[request.id] != request.people:
            yield Violation("everybody", request.id, f"{placed_or_not[request.id]} of {request.people} accounted for")


def staff(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """Sessions have the item's staff, each able, free and unbiased."""
    for session in plan.sessions:
        span = reader.span(session)
        firms = {reader.requests[seating.request].enterprise for seating in session.seated}
        if len(set(session.staff)) != reader.items[session.item].staff or len(set(session.staff)) != len(session.staff):
            yield Violation("staff", name(session), f"{len(session.staff)}, of {reader.items[session.item].staff}")
        for key in session.staff:
            person = reader.staff[key]
            if session.item not in person.items:
                yield Violation("skill", name(session), f"{key} is not qualified")
            if person.blocks is not None and not set(span) <= set(person.blocks):
                yield Violation("free", name(session), f"{key} is not available")
            if firms & set(person.recused):
                yield Violation("recusal", name(session), f"{key} is recused")


def staff_load(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """Nobody serves in two sessions at once, or more half-days than they may."""
    duties = [(key, block) for session in plan.sessions for block in reader.span(session) for key in session.staff]
    for (key, block), count in Counter(duties).items():
        if count > 1:
            yield Violation("two places", f"{key}/{block}", f"{count} sessions at once")
    for key, blocks in Counter(key for key, _ in duties).items():
        most = reader.staff[key].max_blocks
        if most is not None and blocks > most:
            yield Violation("load", key, f"{blocks} half-days, the most is {most}")


def seats(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """People sit in their own item's sessions, inside their window, where they may go and nobody objects."""
    for session in plan.sessions:
        span = reader.span(session)
        for seating in session.seated:
            request, where = reader.requests[seating.request], f"{name(session)}/{seating.request}"
            first = reader.rank[request.from_block] if request.from_block is not None else 0
            last = reader.rank[request.until_block] if request.until_block is not None else len(reader.rank) - 1
            if request.item != session.item:
                yield Violation("item", where, f"asked for {request.item}")
            if any(not first <= reader.rank[block] <= last or block in request.not_blocks for block in span):
                yield Violation("window", where, "outside the window")
            if reader.travel(request, reader.sites[session.site]) is None:
                yield Violation("way", where, "may not go there")
            for bar in reader.problem.barred:
                if (
                    bar.request in (None, request.id)
                    and bar.site in (None, session.site)
                    and bar.item in (None, session.item)
                    and (bar.block is None or bar.block in span)
                    and (bar.staff is None or bar.staff in session.staff)
                ):
                    yield Violation("objection", where, f"{bar}")


def tiers(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """A session's tier is that of the lowest jurisdiction that covers its site and everyone in it."""
    for session in plan.sessions:
        found = covering(reader, session)
        if found is None:
            yield Violation("cover", name(session), "no jurisdiction covers everyone")
        elif found.tier is not session.tier:
            yield Violation("tier", name(session), f"is {found.tier}, the plan says {session.tier}")


def covering(reader: Reader, session: PlannedSession) -> Jurisdiction | None:
    """The lowest jurisdiction over a session's site and people."""
    ground = [reader.sites[session.site].jurisdiction]
    ground += [reader.requests[seating.request].jurisdiction for seating in session.seated]
    lines = [reader.line(each) for each in ground]
    return next((node for node in lines[0] if all(node in line for line in lines[1:])), None)


def wishes(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """Pins are kept, and objections about size are met."""
    at = Counter[tuple[str, str, str]]()
    for session in plan.sessions:
        for seating in session.seated:
            at[seating.request, session.site, session.block] += seating.people
    held = {session.key: session.people for session in plan.sessions}
    for pin in reader.problem.pins:
        if at[pin.request, pin.site, pin.block] < pin.people:
            yield Violation("pin", pin.request, f"{pin.people} people at {pin.site}/{pin.block}")
    for pinned in reader.problem.pinned_sessions:
        if (pinned.site, pinned.item, pinned.block) not in held:
            yield Violation("pinned session", f"{pinned.site}/{pinned.item}/{pinned.block}", "is not held")
    for least in reader.problem.min_people:
        if 0 < held.get((least.site, least.item, least.block), 0) < least.people:
            yield Violation("least people", f"{least.site}/{least.item}/{least.block}", f"fewer than {least.people}")


def together(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """A request that stays together sits in one session, or in none."""
    spots = defaultdict(set)
    for session in plan.sessions:
        for seating in session.seated:
            spots[seating.request].add(session.key)
    left = {row.request for row in plan.unplaced}
    for request in reader.requests.values():
        if request.together and spots[request.id] and (len(spots[request.id]) > 1 or request.id in left):
            yield Violation("together", request.id, "is split")


def money(reader: Reader, plan: Plan) -> Iterator[Violation]:
    """The objective, its terms and the bound are what they say."""
    terms = price(reader, plan)
    total = sum(terms.values())
    slack = SLACK * max(1.0, abs(total))
    if not math.isfinite(plan.objective) or abs(plan.objective - total) > slack:
        yield Violation("objective", "plan", f"stated {plan.objective}, is {total}")
    if not math.isfinite(plan.bound) or plan.bound > total + slack:
        yield Violation("bound", "plan", f"{plan.bound} above {total}")
    for term, stated in plan.terms.items():
        if abs(stated - terms.get(term, 0.0)) > slack:
            yield Violation("term", term, f"stated {stated}, is {terms.get(term, 0.0)}")


def price(reader: Reader, plan: Plan) -> Mapping[str, float]:
    """The cost of a plan by term."""
    problem, terms = reader.problem, defaultdict[str, float](float)
    at = Counter[tuple[str, str, str]]()
    left = Counter[str]({request.id: request.people for request in problem.requests})
    for session in plan.sessions:
        terms["open"] += reader.offers[session.site, session.item].open_cost
        terms["tier"] += problem.costs.tier.get(session.tier, 0)
        terms["staff"] += sum(reader.staff[key].block_cost for key in session.staff) * len(reader.span(session))
        day = problem.blocks[reader.rank[session.block]].date
        for seating in session.seated:
            request = reader.requests[seating.request]
            start = problem.blocks[reader.rank[request.from_block] if request.from_block is not None else 0].date
            terms["travel"] += (reader.travel(request, reader.sites[session.site]) or 0.0) * seating.people
            terms["wait"] += request.wait_cost * (day - start).days * seating.people
            left[request.id] -= seating.people
            at[request.id, session.site, session.block] += seating.people
    terms["unplaced"] = sum(request.unplaced_cost * max(0, left[request.id]) for request in problem.requests)
    terms["change"] = problem.change_cost * sum(
        max(0, row.people - at[row.request, row.site, row.block])
        for row in problem.before
        if row.request in reader.requests
    )
    return terms
