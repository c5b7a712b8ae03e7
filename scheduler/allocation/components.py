"""Parts of a problem that share nothing: no request, site or staff; they are solved one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Ints, Space


@dataclass(frozen=True, slots=True)
class Circles:
    """Which sites, requests and staff hang together: by position, the number of their circle."""

    site: Ints
    request: Ints
    staff: Ints


def split(space: Space) -> list[Problem]:
    """The problem's components, largest first; requests that nothing serves are in none of them."""
    circles, problem = hanging_together(space), space.index.problem
    asking = {space.request_ids[r] for r in np.unique(space.pairs.request).tolist()} | {
        space.request_ids[request] for _, request, _ in space.ahead
    }
    asking |= everybody_followed(problem, asking)
    used = np.unique(circles.site[np.unique(space.options.site)])
    parts = [part_of(space, circles, number, asking) for number in used.tolist()]
    return sorted(parts, key=lambda part: (-len(part.requests), min((r.id for r in part.requests), default="")))


def everybody_followed(problem: Problem, requests: set[str]) -> set[str]:
    """The requests that these follow, and those that they follow in turn."""
    before = {request.id: request.after.request for request in problem.requests if request.after}
    found: set[str] = set()
    while more := {before[each] for each in requests | found if each in before} - found:
        found |= more
    return found


def hanging_together(space: Space) -> Circles:
    """Join requests with the sites they could use, sites with the staff who could come, and what follows each other."""
    sites, requests = len(space.site_ids), len(space.request_ids)
    at = np.unique(space.options.site[space.pairs.option] * max(1, requests) + space.pairs.request)
    links = [(at // max(1, requests), sites + at % max(1, requests))]
    links += [(space.options.site[[option]], np.array([sites + request])) for option, request, _ in space.ahead]
    for item in np.nonzero(space.staff_needed)[0].tolist():
        hosts = np.unique(space.options.site[space.options.item == item])
        crew = sites + requests + np.nonzero(space.free[item].any(axis=1))[0]
        if len(hosts) and len(crew):
            links += [(hosts, np.repeat(crew[:1], len(hosts))), (np.repeat(crew[:1], len(crew)), crew)]
    links.append((sites + space.following.later, sites + space.following.earlier))
    one, other = (np.concatenate(ends) for ends in zip(*links, strict=True))
    number = circle_numbers(one, other, sites + requests + len(space.staff_ids))
    return Circles(number[:sites], number[sites : sites + requests], number[sites + requests :])


def circle_numbers(one: Ints, other: Ints, count: int) -> Ints:
    """By thing, the smallest of those it hangs together with over links from one to the other."""
    number = np.arange(count)
    while True:
        low = np.minimum(number[one], number[other])
        lower = number.copy()
        for end in (number[one], number[other], one, other):
            np.minimum.at(lower, end, low)
        lower = lower[lower]
        if (lower == number).all():
            return number
        number = lower


def part_of(space: Space, circles: Circles, number: int, asking: set[str]) -> Problem:
    """The problem with only what belongs to one circle."""

    def mine(ids: Sequence[str], belongs: Ints) -> set[str]:
        return {ids[n] for n in np.nonzero(belongs == number)[0].tolist()}

    problem = space.index.problem
    sites, staff = mine(space.site_ids, circles.site), mine(space.staff_ids, circles.staff)
    requests = mine(space.request_ids, circles.request) & asking
    return replace(
        problem,
        sites=tuple(site for site in problem.sites if site.id in sites),
        staff=tuple(person for person in problem.staff if person.id in staff),
        requests=tuple(request for request in problem.requests if request.id in requests),
        pins=tuple(pin for pin in problem.pins if pin.request in requests),
        pinned_sessions=tuple(row for row in problem.pinned_sessions if row.site in sites),
        min_people=tuple(row for row in problem.min_people if row.site in sites),
        barred=tuple(
            bar
            for bar in problem.barred
            if bar.site in {None, *sites} and bar.staff in {None, *staff} and bar.request in {None, *requests}
        ),
        before=tuple(row for row in problem.before if row.request in requests),
    )
