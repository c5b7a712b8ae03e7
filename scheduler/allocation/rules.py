"""The rules a place in a session must keep, one small function each, for the nightly run and the booking desk."""

import math
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from scheduler.allocation.index import Index
from scheduler.allocation.parts import Bar, Point, Request, Site, StaffMember, Tier

EARTH_RADIUS_KM = 6371.0088

Node = TypeVar("Node")


@dataclass(frozen=True, slots=True)
class Place:
    """A place somebody might take: the request, and the session's site and first block."""

    request: str
    site: str
    block: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its name, its sentence for people, and the function that decides it."""

    name: str
    sentence: str
    keeps: Callable[[Index, Place], bool]


def km_between(a: Point, b: Point) -> float:
    """Great-circle kilometres between two places."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))


def road_km(index: Index, request: Request, site: Site) -> float:
    """Kilometres by road from the request to the site; none to a site online."""
    if site.at is None or request.at is None:
        return 0.0
    return km_between(request.at, site.at) * index.problem.costs.road_factor


def travel_cost(index: Index, request: Request, site: Site) -> float | None:
    """Cost for one person of the request to go to the site, or None where they may not."""
    if index.problem.travel is not None:
        return index.problem.travel.get(request.id, {}).get(site.id)
    km = road_km(index, request, site)
    too_far = site.at is not None and request.max_km is not None and km > request.max_km
    return None if too_far else km * index.problem.costs.per_person_km


def span_of(index: Index, item: str, block: str) -> range | None:
    """Ranks of the blocks that a session of the item fills from this block, or None where they are not in a row."""
    start, length = index.rank[block], index.items[item].length
    span = range(start, start + length)
    if span.stop > len(index.days) or any(index.days[b] - index.days[a] > 1 for a, b in pairwise(span)):
        return None
    return span


def lowest_on_all(lines: Sequence[Sequence[Node]]) -> Node | None:
    """Of lines upward, the lowest node that stands on all of them, or None where there is none."""
    return next((node for node in lines[0] if all(node in line for line in lines[1:])), None)


def lowest_common(index: Index, jurisdictions: Iterable[str]) -> str | None:
    """The lowest jurisdiction that covers them all, or None where no tree holds them all."""
    return lowest_on_all([index.lines[each] for each in jurisdictions])


def tier_of(index: Index, site: str, requests: Iterable[str]) -> Tier | None:
    """The tier that a session at the site with these requests is consulted at, or None where nobody covers them all."""
    covered = [index.sites[site].jurisdiction, *(index.requests[each].jurisdiction for each in requests)]
    common = lowest_common(index, covered)
    return None if common is None else index.jurisdictions[common].tier


def bar_touches(index: Index, bar: Bar, place: Place) -> bool:
    """Whether an objection speaks of this place, whoever holds the session."""
    request = index.requests[place.request]
    named = ((bar.request, place.request), (bar.site, place.site), (bar.item, request.item))
    if any(wanted is not None and wanted != found for wanted, found in named):
        return False
    span = span_of(index, request.item, place.block)
    return bar.block is None or (span is not None and index.rank[bar.block] in span)


def site_offers_it(index: Index, place: Place) -> bool:
    """Whether the site offers the item asked for."""
    return (place.site, index.requests[place.request].item) in index.offers


def blocks_in_a_row(index: Index, place: Place) -> bool:
    """Whether a session that starts there ends before the blocks do, without a day's gap."""
    return span_of(index, index.requests[place.request].item, place.block) is not None


def site_is_open(index: Index, place: Place) -> bool:
    """Whether the site is open on every block of the session."""
    span = span_of(index, index.requests[place.request].item, place.block)
    open_blocks = index.sites[place.site].blocks
    if span is None or open_blocks is None:
        return span is not None
    return all(index.problem.blocks[rank].id in open_blocks for rank in span)


def window_fits(index: Index, place: Place) -> bool:
    """Whether every block of the session lies in the request's window and none is one it cannot use."""
    request = index.requests[place.request]
    span = span_of(index, request.item, place.block)
    first, last = index.window(request)
    if span is None or span.start < first or span[-1] > last:
        return False
    return not any(index.problem.blocks[rank].id in request.not_blocks for rank in span)


def way_is_allowed(index: Index, place: Place) -> bool:
    """Whether the request may go to the site."""
    return travel_cost(index, index.requests[place.request], index.sites[place.site]) is not None


def somebody_covers_both(index: Index, place: Place) -> bool:
    """Whether a jurisdiction covers the site and the request."""
    return tier_of(index, place.site, [place.request]) is not None


def nobody_objects(index: Index, place: Place) -> bool:
    """Whether no objection forbids the place; objections to staff are judged when staff are named."""
    return not any(bar.staff is None and bar_touches(index, bar, place) for bar in index.problem.barred)


def is_recused(enterprise: Hashable, recused: Container[Hashable]) -> bool:
    """Whether an enterprise is one whose people somebody must not examine or teach."""
    return enterprise in recused


def staff_may_meet(index: Index, person: StaffMember, place: Place) -> bool:
    """Whether the person may hold a session in which this request sits."""
    if is_recused(index.requests[place.request].enterprise, person.recused):
        return False
    return not any(bar.staff == person.id and bar_touches(index, bar, place) for bar in index.problem.barred)


PLACE_RULES = (
    Rule("offer", "The site offers the item.", site_offers_it),
    Rule("row", "A session's blocks follow each other, day on day.", blocks_in_a_row),
    Rule("open", "The site is open on every block of the session.", site_is_open),
    Rule("window", "Every block of the session lies in the request's window.", window_fits),
    Rule("way", "The request may go to the site.", way_is_allowed),
    Rule("cover", "One jurisdiction covers the site and the request.", somebody_covers_both),
    Rule("objection", "No objection forbids it.", nobody_objects),
)


def broken_by(index: Index, place: Place) -> Rule | None:
    """The first rule that a place breaks, or None."""
    return next((rule for rule in PLACE_RULES if not rule.keeps(index, place)), None)
