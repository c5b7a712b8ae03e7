"""Whether the parts of a problem fit together: ids that exist, no duplicates, pins that can be kept one by one."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from scheduler.allocation.errors import ProblemError
from scheduler.allocation.fields import checked_cost
from scheduler.allocation.parts import MinPeople, Part, PinnedSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scheduler.allocation.problem import Problem

PART_ORDER = {part: rank for rank, part in enumerate(Part)}
Mention = tuple[str, str, str]
"""Where an id is mentioned, the list it must come from, the id."""


def check_parts(problem: Problem) -> None:
    """
    Refuse a problem whose parts do not fit together.

    Raises:
        ProblemError: It names the first fault found.
    """
    check_blocks(problem)
    check_duplicates(problem)
    check_mentions(problem)
    check_tree(problem)
    check_order(problem)
    check_addresses(problem)
    check_prices(problem)


def check_prices(problem: Problem) -> None:
    """The prices that apply everywhere are ones that sums can carry, also where a question has changed them."""
    checked_cost(problem.change_cost, "change_cost")
    for tier, cost in problem.costs.tier.items():
        checked_cost(cost, f"costs.tier[{tier.value!r}]")


def check_blocks(problem: Problem) -> None:
    """There is at least one block, and they stand in the order of time."""
    if not problem.blocks:
        raise ProblemError("blocks", "is empty", way_out="list at least one half-day")
    for earlier, later in pairwise(problem.blocks):
        if (later.date, PART_ORDER[later.part]) < (earlier.date, PART_ORDER[earlier.part]):
            raise ProblemError(
                f"blocks[{later.id!r}]", f"comes before {earlier.id!r} in time", way_out="list blocks in order of time"
            )


def check_duplicates(problem: Problem) -> None:
    """No two things of a kind share an id, no site offers an item twice."""
    for kind, ids in ids_by_kind(problem).items():
        refuse_twice(f"{kind}[%r]", ids)
    for site in problem.sites:
        refuse_twice(f"sites[{site.id!r}].offers[%r]", (offer.item for offer in site.offers))


def refuse_twice(where: str, ids: Iterable[str]) -> None:
    """
    Refuse a list of ids that names one twice.

    Raises:
        ProblemError: It names the smallest such id.
    """
    if twice := sorted(i for i, times in Counter(ids).items() if times > 1):
        raise ProblemError(where % twice[0], "is listed more than once", way_out="keep one of them or rename the other")


def check_mentions(problem: Problem) -> None:
    """Every id that is mentioned exists; rows of `before` and `travel` may speak of what is gone."""
    known = {kind: frozenset(ids) for kind, ids in ids_by_kind(problem).items()}
    mentions = chain(mentions_of_means(problem), mentions_of_demand(problem), mentions_of_wishes(problem))
    for where, kind, mentioned in mentions:
        if mentioned not in known[kind]:
            raise ProblemError(
                where, f"names {mentioned!r}, which is not in {kind}", way_out=f"add it to {kind} or mend the id"
            )


def ids_by_kind(problem: Problem) -> dict[str, list[str]]:
    """The ids of everything that can be mentioned."""
    return {
        "blocks": [block.id for block in problem.blocks],
        "jurisdictions": [place.id for place in problem.jurisdictions],
        "items": [item.id for item in problem.items],
        "sites": [site.id for site in problem.sites],
        "staff": [person.id for person in problem.staff],
        "requests": [request.id for request in problem.requests],
    }


def mentions_of_means(problem: Problem) -> Iterator[Mention]:
    """Ids mentioned by jurisdictions, sites and staff."""
    for place in problem.jurisdictions:
        if place.parent is not None:
            yield f"jurisdictions[{place.id!r}].parent", "jurisdictions", place.parent
    for site in problem.sites:
        where = f"sites[{site.id!r}]"
        yield f"{where}.jurisdiction", "jurisdictions", site.jurisdiction
        yield from ((f"{where}.blocks", "blocks", block) for block in site.blocks or ())
        yield from ((f"{where}.offers[{offer.item!r}].item", "items", offer.item) for offer in site.offers)
    for person in problem.staff:
        yield from ((f"staff[{person.id!r}].items", "items", item) for item in person.items)
        yield from ((f"staff[{person.id!r}].blocks", "blocks", block) for block in person.blocks or ())


def mentions_of_demand(problem: Problem) -> Iterator[Mention]:
    """Ids mentioned by requests."""
    for request in problem.requests:
        where = f"requests[{request.id!r}]"
        yield f"{where}.jurisdiction", "jurisdictions", request.jurisdiction
        yield f"{where}.item", "items", request.item
        if request.from_block is not None:
            yield f"{where}.from", "blocks", request.from_block
        if request.until_block is not None:
            yield f"{where}.until", "blocks", request.until_block
        yield from ((f"{where}.not_blocks", "blocks", block) for block in request.not_blocks)
        if request.after is not None:
            yield f"{where}.after.request", "requests", request.after.request


def mentions_of_wishes(problem: Problem) -> Iterator[Mention]:
    """Ids mentioned by pins and objections."""
    for n, pin in enumerate(problem.pins):
        yield f"pins[{n}].request", "requests", pin.request
        yield f"pins[{n}].site", "sites", pin.site
        yield f"pins[{n}].block", "blocks", pin.block
    yield from mentions_of_sessions("pinned_sessions", problem.pinned_sessions)
    yield from mentions_of_sessions("min_people", problem.min_people)
    for n, bar in enumerate(problem.barred):
        named = (
            ("requests", bar.request),
            ("sites", bar.site),
            ("blocks", bar.block),
            ("items", bar.item),
            ("staff", bar.staff),
        )
        yield from ((f"barred[{n}]", kind, value) for kind, value in named if value is not None)


def mentions_of_sessions(name: str, rows: Sequence[PinnedSession | MinPeople]) -> Iterator[Mention]:
    """Ids mentioned by a list of sessions."""
    for n, row in enumerate(rows):
        yield f"{name}[{n}].site", "sites", row.site
        yield f"{name}[{n}].item", "items", row.item
        yield f"{name}[{n}].block", "blocks", row.block


def check_tree(problem: Problem) -> None:
    """Following parents upward ends."""
    parents = {place.id: place.parent for place in problem.jurisdictions}
    if (looped := first_in_a_loop(parents)) is not None:
        raise ProblemError(
            f"jurisdictions[{looped!r}].parent", "leads back to itself", way_out="give the top one no parent"
        )


def check_order(problem: Problem) -> None:
    """Following requests back to the ones before them ends."""
    before = {request.id: request.after.request if request.after else None for request in problem.requests}
    if (looped := first_in_a_loop(before)) is not None:
        raise ProblemError(
            f"requests[{looped!r}].after", "leads back to itself", way_out="let the first of them come after nothing"
        )


def first_in_a_loop(onward: Mapping[str, str | None]) -> str | None:
    """The first found of those that lead back to themselves, None where every way ends."""
    ends: set[str] = set()
    for start in onward:
        way: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in ends:
            if at in way:
                return at
            way[at] = None
            at = onward[at]
        ends.update(way)
    return None


def check_addresses(problem: Problem) -> None:
    """Where distances count, every request has a place."""
    if problem.travel is not None or all(site.at is None for site in problem.sites):
        return
    for request in problem.requests:
        if request.at is None:
            raise ProblemError(
                f"requests[{request.id!r}].at", "is missing", way_out="give [latitude, longitude], or a travel matrix"
            )
