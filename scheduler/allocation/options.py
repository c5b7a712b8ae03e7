"""From a problem to its search space: which sessions could be held at all, and who could sit in them."""

from dataclasses import dataclass

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.ahead import Columns, seat_ahead
from scheduler.allocation.eligible import Demand, allowed_at, demand_for, open_at, staff_free
from scheduler.allocation.following import Following
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Offer, Site
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Bools, Floats, Ints, Space

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Wishes:
    """Pins and objections, findable by session or by spot; of several about one thing the strictest counts."""

    held: frozenset[tuple[str, str, str]]
    least: dict[tuple[str, str, str], int]
    pins: dict[tuple[str, str, str], int]

    @classmethod
    def of(cls, problem: Problem) -> "Wishes":
        """Gather a problem's wishes."""
        least: dict[tuple[str, str, str], int] = {}
        for row in problem.min_people:
            session = (row.site, row.item, row.block)
            least[session] = max(row.people, least.get(session, 0))
        pins: dict[tuple[str, str, str], int] = {}
        for pin in problem.pins:
            spot = (pin.request, pin.site, pin.block)
            pins[spot] = max(pin.people, pins.get(spot, 0))
        held = frozenset((row.site, row.item, row.block) for row in problem.pinned_sessions)
        return cls(held=held, least=least, pins=pins)


@dataclass(frozen=True, slots=True)
class Shelf:
    """
    One item at one site.

    Attributes:
        near: By request, what the way costs one person; not a number where there is no way.
        steps: By request, how far up from the site the two meet; NOWHERE where they do not.
    """

    demand: Demand
    site_number: int
    site: Site
    offer: Offer
    blocks: tuple[str, ...]
    near: Floats
    steps: Ints
    least: Ints
    pinned: Bools


def space_of(problem: Problem) -> Space:
    """The search space of a problem."""
    index = Index.of(problem)
    free, wishes = staff_free(index), Wishes.of(problem)
    chunks = []
    sites = list(enumerate(index.sites[site] for site in sorted(index.sites)))
    for number, item in enumerate(sorted(index.items)):
        offering = [(at, site) for at, site in sites if (site.id, item) in index.offers]
        tops = {index.lines[site.jurisdiction][-1] for _, site in offering}
        demand = {top: demand_for(index, number, top, free) for top in sorted(tops)}
        for at, site in offering:
            here = demand[index.lines[site.jurisdiction][-1]]
            chunks.append(chunk_of(shelf_of(here, at, site, wishes), wishes))
    columns = joined(chunks, steps=max((len(line) for line in index.lines.values()), default=1))
    requests, following = [index.requests[i] for i in sorted(index.requests)], Following.of(index)
    seated = seat_ahead(index, *in_sequence(following, *columns))
    staff, items = [index.staff[i] for i in sorted(index.staff)], [index.items[i] for i in sorted(index.items)]
    ranks = len(index.days)
    return Space(
        index=index,
        site_ids=tuple(sorted(index.sites)),
        item_ids=tuple(item.id for item in items),
        staff_ids=tuple(person.id for person in staff),
        request_ids=tuple(request.id for request in requests),
        options=seated.options,
        pairs=seated.pairs,
        ahead=seated.ahead,
        base=seated.base,
        people=seated.people,
        unplaced_cost=np.array([request.unplaced_cost for request in requests], float),
        together=np.array([request.together for request in requests], bool),
        # What is longer than the horizon has no option, so that how much longer it is says nothing.
        length=np.array([min(item.length, ranks) for item in items], np.int64),
        staff_needed=np.array([item.staff for item in items], np.int64),
        free=free,
        block_cost=np.array([person.block_cost for person in staff], float),
        max_blocks=np.array([ranks if p.max_blocks is None else min(ranks, p.max_blocks) for p in staff], np.int64),
        following=following,
    )


def in_sequence(following: Following, options: Columns, pairs: Columns) -> tuple[Columns, Columns]:
    """The columns without the pairs that come too soon after, or without, what must be sat before."""
    if not len(following.later):
        return options, pairs
    kept = following.possible(pairs["request"], options["start"][pairs["option"]])
    return options, {name: column[kept] for name, column in pairs.items()}


def shelf_of(demand: Demand, site_number: int, site: Site, wishes: Wishes) -> Shelf:
    """What holds for every session of the item at the site."""
    index, item = demand.index, demand.item
    blocks = tuple(index.problem.blocks[start].id for start in demand.starts)
    step_to = {place: steps_between(index, site, place) for place in {each.jurisdiction for each in demand.asking}}
    steps = np.array([step_to[request.jurisdiction] for request in demand.asking], np.int64)
    near = [
        rules.travel_cost(index, request, site) if step != NOWHERE else None
        for request, step in zip(demand.asking, steps, strict=True)
    ]
    least = [max(item.min_class, wishes.least.get((site.id, item.id, block), 0)) for block in blocks]
    return Shelf(
        demand=demand,
        site_number=site_number,
        site=site,
        offer=index.offers[site.id, item.id],
        blocks=blocks,
        near=np.array(near, float),
        steps=steps,
        least=np.array(least, np.int64),
        pinned=np.array([(site.id, item.id, block) in wishes.held for block in blocks], bool),
    )


def steps_between(index: Index, site: Site, jurisdiction: str) -> int:
    """How far up from the site's jurisdiction the first one stands that covers the other too."""
    other = index.lines[jurisdiction]
    return next((n for n, place in enumerate(index.lines[site.jurisdiction]) if place in other), NOWHERE)


def chunk_of(shelf: Shelf, wishes: Wishes) -> tuple[Columns, Columns]:
    """The sessions of a shelf that somebody could use or a pin asks for, and who could sit in them."""
    demand, offer = shelf.demand, shelf.offer
    possible = open_at(demand, shelf.site) & (demand.free.sum(axis=0) >= demand.item.staff)
    reachable = ~np.isnan(shelf.near) & ~(demand.together & (demand.people > offer.places)) & (offer.places > 0)
    rows = np.nonzero(reachable)[0]
    cap = np.minimum(demand.people[rows], offer.places)
    allowed = allowed_at(demand, shelf.site, rows) & possible & (shelf.least <= offer.places)
    allowed &= (cap[:, None] * allowed).sum(axis=0) >= shelf.least
    kept = allowed.any(axis=0) | (shelf.pinned & possible)
    option, row = np.nonzero(allowed.T[kept])
    return option_columns(shelf, kept), pair_columns(shelf, np.nonzero(kept)[0][option], rows[row], wishes) | {
        "option": option,
        "cap": cap[row],
    }


def option_columns(shelf: Shelf, kept: Bools) -> Columns:
    """The columns of the sessions that are kept."""
    least, pinned = shelf.least[kept], shelf.pinned[kept]
    count, index = int(kept.sum()), shelf.demand.index
    prices, line = index.problem.costs.tier, index.lines[shelf.site.jurisdiction]
    tier_cost = [float(prices.get(index.jurisdictions[place].tier, 0)) for place in line]
    return {
        "site": np.full(count, shelf.site_number),
        "item": np.full(count, shelf.demand.number),
        "start": shelf.demand.starts[kept],
        "places": np.full(count, shelf.offer.places),
        "least": least,
        "open_cost": np.full(count, float(shelf.offer.open_cost)),
        "pinned": pinned,
        "empty": pinned & (least > 0) & (shelf.demand.item.min_class == 0),
        "tier_cost": np.tile(np.array(tier_cost), (count, 1)),
    }


def pair_columns(shelf: Shelf, column: Ints, request: Ints, wishes: Wishes) -> Columns:
    """The columns of the pairs, by position of the start and of the request on the shelf."""
    demand, index = shelf.demand, shelf.demand.index
    days = np.array(index.days, np.int64)
    since = np.array([index.days[index.window(each)[0]] for each in demand.asking], np.int64)
    wait = np.array([each.wait_cost for each in demand.asking], float)
    pins = {(r, b): people for (r, s, b), people in wishes.pins.items() if s == shelf.site.id}
    spots = ((demand.asking[r].id, shelf.blocks[c]) for r, c in zip(request, column, strict=True))
    pinned = [pins.get(spot, 0) for spot in spots] if pins else np.zeros(len(request))
    return {
        "request": demand.positions[request],
        "cost": shelf.near[request] + wait[request] * (days[demand.starts[column]] - since[request]),
        "step": shelf.steps[request],
        "pinned": np.array(pinned, np.int64),
    }


def joined(chunks: list[tuple[Columns, Columns]], *, steps: int) -> tuple[Columns, Columns]:
    """All shelves in one, the pairs numbered through."""
    chunks, offset = chunks or [no_columns(steps)], 0
    for options, pairs in chunks:
        pairs["option"] = pairs["option"] + offset
        short = steps - options["tier_cost"].shape[1]
        options["tier_cost"] = np.pad(options["tier_cost"], ((0, 0), (0, short)), constant_values=np.inf)
        offset += len(options["site"])
    return stacked([each for each, _ in chunks]), stacked([each for _, each in chunks])


def stacked(chunks: list[Columns]) -> Columns:
    """Columns of the same name, end to end."""
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def no_columns(steps: int) -> tuple[Columns, Columns]:
    """Columns of a space in which nothing is offered."""
    whole, number, claim = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool)
    options: Columns = dict.fromkeys(("site", "item", "start", "places", "least"), whole)
    options |= {"open_cost": number, "pinned": claim, "empty": claim, "tier_cost": np.zeros((0, steps))}
    pairs: Columns = dict.fromkeys(("option", "request", "step", "cap", "pinned"), whole)
    return options, pairs | {"cost": number}
