"""Changes to think about, each on a copy of the problem."""

from collections.abc import Collection
from dataclasses import replace
from statistics import median_low

from scheduler.allocation.errors import ProblemError
from scheduler.allocation.parts import Request, Site, StaffMember
from scheduler.allocation.problem import Problem


def close_site(problem: Problem, site: str) -> Problem:
    """Nothing is held at the site."""
    return with_site(problem, replace(site_named(problem, site), blocks=()))


def close_half_day(problem: Problem, site: str, block: str) -> Problem:
    """The site is closed on one half-day."""
    refuse_unknown(block, [each.id for each in problem.blocks], "blocks")
    found = site_named(problem, site)
    usual = [each.id for each in problem.blocks] if found.blocks is None else found.blocks
    return with_site(problem, replace(found, blocks=tuple(each for each in usual if each != block)))


def open_half_day(problem: Problem, site: str, block: str) -> Problem:
    """The site is open on one half-day more."""
    refuse_unknown(block, [each.id for each in problem.blocks], "blocks")
    found = site_named(problem, site)
    blocks = None if found.blocks is None else tuple(dict.fromkeys([*found.blocks, block]))
    return with_site(problem, replace(found, blocks=blocks))


def add_room(problem: Problem, site: str) -> Problem:
    """The site has one room more."""
    found = site_named(problem, site)
    return with_site(problem, replace(found, rooms=found.rooms + 1))


def add_staff(problem: Problem, items: Collection[str]) -> Problem:
    """One person more, qualified for the items, on every half-day; paid and bound like those who hold them now."""
    for item in items:
        refuse_unknown(item, [each.id for each in problem.items], "items")
    alike = [person for person in problem.staff if set(items) & set(person.items)]
    limits = [person.max_blocks for person in alike if person.max_blocks is not None]
    cost = median_low([person.block_cost for person in alike]) if alike else 0.0
    most = median_low(limits) if limits and len(limits) == len(alike) else None
    taken, number = {person.id for person in problem.staff}, 1
    while (name := f"one-more-{number}") in taken:
        number += 1
    person = StaffMember(id=name, items=tuple(sorted(items)), block_cost=cost, max_blocks=most)
    return replace(problem, staff=(*problem.staff, person))


def without_staff(problem: Problem, who: str) -> Problem:
    """The person holds nothing, as if sick throughout."""
    refuse_unknown(who, [each.id for each in problem.staff], "staff")
    staff = tuple(replace(each, blocks=()) if each.id == who else each for each in problem.staff)
    return replace(problem, staff=staff)


def set_least_class(problem: Problem, item: str, people: int) -> Problem:
    """Sessions of the item need so many people at least."""
    refuse_unknown(item, [each.id for each in problem.items], "items")
    if people < 0:
        raise ProblemError(f"items[{item!r}].min_class", f"is {people}", way_out="give 0 or more")
    items = tuple(replace(each, min_class=people) if each.id == item else each for each in problem.items)
    return replace(problem, items=items)


def shift_window(problem: Problem, request: str, first: str | None, last: str | None) -> Problem:
    """The request can be held from one half-day to another; None is the first or the last that exists."""
    return with_request(problem, replace(request_named(problem, request), from_block=first, until_block=last))


def allow_split(problem: Problem, request: str) -> Problem:
    """The request need not stay together."""
    return with_request(problem, replace(request_named(problem, request), together=False))


def withdraw(problem: Problem, request: str) -> Problem:
    """The request is gone, with its pins and objections, and whoever follows it waits for nobody."""
    request_named(problem, request)
    others = tuple(each for each in problem.requests if each.id != request)
    return replace(
        problem,
        requests=tuple(
            replace(each, after=None) if each.after and each.after.request == request else each for each in others
        ),
        pins=tuple(pin for pin in problem.pins if pin.request != request),
        barred=tuple(bar for bar in problem.barred if bar.request != request),
    )


def site_named(problem: Problem, site: str) -> Site:
    """
    The site with an id.

    Raises:
        ProblemError: There is none.
    """
    refuse_unknown(site, [each.id for each in problem.sites], "sites")
    return next(each for each in problem.sites if each.id == site)


def request_named(problem: Problem, request: str) -> Request:
    """
    The request with an id.

    Raises:
        ProblemError: There is none.
    """
    refuse_unknown(request, [each.id for each in problem.requests], "requests")
    return next(each for each in problem.requests if each.id == request)


def with_site(problem: Problem, site: Site) -> Problem:
    """The problem with a site replaced."""
    return replace(problem, sites=tuple(site if each.id == site.id else each for each in problem.sites))


def with_request(problem: Problem, request: Request) -> Problem:
    """The problem with a request replaced."""
    return replace(problem, requests=tuple(request if each.id == request.id else each for each in problem.requests))


def refuse_unknown(mentioned: str, known: Collection[str], kind: str) -> None:
    """
    Make sure that what is asked about exists.

    Raises:
        ProblemError: It does not.
    """
    if mentioned not in known:
        near = ", ".join(sorted(known)[:5])
        raise ProblemError(kind, f"has no {mentioned!r}", way_out=f"name one of them, such as {near or 'none'}")
