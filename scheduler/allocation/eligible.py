"""Who could sit in which sessions of one item, by request and first block."""

from dataclasses import dataclass

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Bar, Item, Request, Site, StaffMember
from scheduler.allocation.space import Bools, Ints


@dataclass(frozen=True, slots=True)
class Demand:
    """
    Everyone under one top jurisdiction who asks for one item, and when a session of it can start.

    Attributes:
        number: The item's position.
        positions: The requests' positions.
        starts: Ranks at which a session can start.
        windows: By request and start, whether the session lies in the request's window.
        free: By staff and start, whether they may hold it.
        recused: By staff and request, whether they must not meet.
        crew: By request and start, how many of the free may meet the enterprise.
    """

    index: Index
    number: int
    item: Item
    asking: tuple[Request, ...]
    positions: Ints
    people: Ints
    together: Bools
    starts: Ints
    windows: Bools
    free: Bools
    recused: Bools
    crew: Ints
    staff: tuple[StaffMember, ...]


def demand_for(index: Index, number: int, top: str, free: Bools) -> Demand:
    """Gather the demand for the item at a position under a top jurisdiction: no session crosses it."""
    item = index.items[sorted(index.items)[number]]
    found = [
        (n, index.requests[i])
        for n, i in enumerate(sorted(index.requests))
        if index.requests[i].item == item.id and index.lines[index.requests[i].jurisdiction][-1] == top
    ]
    asking = tuple(request for _, request in found)
    staff = tuple(index.staff[i] for i in sorted(index.staff))
    starts = starts_of(index, item)
    windows = np.array([window_of(index, request, starts) for request in asking], bool)
    shunned = [frozenset(person.recused) for person in staff]
    recused = np.array([[request.enterprise in names for request in asking] for names in shunned], bool)
    recused = recused.reshape(len(staff), len(asking))
    free_here = free[number][:, starts]
    return Demand(
        index=index,
        number=number,
        item=item,
        asking=asking,
        positions=np.array([n for n, _ in found], np.int64),
        people=np.array([request.people for request in asking], np.int64),
        together=np.array([request.together for request in asking], bool),
        starts=starts,
        windows=windows.reshape(len(asking), len(starts)),
        free=free_here,
        recused=recused,
        crew=(~recused).T.astype(np.int64) @ free_here.astype(np.int64),
        staff=staff,
    )


def starts_of(index: Index, item: Item) -> Ints:
    """Ranks at which a session of the item can start."""
    return np.array([r for b, r in index.rank.items() if rules.span_of(index, item.id, b) is not None], np.int64)


def covers_span(ranks: Bools, starts: Ints, length: int) -> Bools:
    """For each start, whether all of its blocks are among the ranks."""
    total = np.concatenate(([0], np.cumsum(ranks)))
    covered: Bools = total[starts + length] - total[starts] == length
    return covered


def ranks_named(index: Index, blocks: tuple[str, ...] | None) -> Bools:
    """The ranks of the blocks, all of them where none are named."""
    named = np.full(len(index.days), blocks is None)
    named[[index.rank[block] for block in blocks or ()]] = True
    return named


def window_of(index: Index, request: Request, starts: Ints) -> Bools:
    """For each start, whether the session lies in the request's window."""
    usable = np.zeros(len(index.days), bool)
    first, last = index.window(request)
    usable[first : last + 1] = True
    usable[[index.rank[block] for block in request.not_blocks]] = False
    return covers_span(usable, starts, index.items[request.item].length)


def open_at(demand: Demand, site: Site) -> Bools:
    """For each start, whether the site is open on all blocks of the session."""
    return covers_span(ranks_named(demand.index, site.blocks), demand.starts, demand.item.length)


def staff_free(index: Index) -> Bools:
    """By item, staff and rank, whether they may hold a session that starts there."""
    staff = [index.staff[i] for i in sorted(index.staff)]
    free = np.zeros((len(index.items), len(staff), len(index.days)), bool)
    for number, item in enumerate(index.items[i] for i in sorted(index.items)):
        starts = starts_of(index, item)
        for row, person in enumerate(staff):
            most = len(index.days) if person.max_blocks is None else person.max_blocks
            if item.id in person.items and item.length <= most:
                free[number, row, starts] = covers_span(ranks_named(index, person.blocks), starts, item.length)
    return free


def allowed_at(demand: Demand, site: Site, rows: Ints) -> Bools:
    """For some of the requests, by start, whether window, objections and staff leave the place open."""
    allowed = demand.windows[rows]
    here = [bar for bar in demand.index.problem.barred if speaks_of(bar, demand.item, site)]
    for bar in here:
        if bar.staff is None:
            allowed &= ~touched(demand, bar)[rows]
    left = demand.crew[rows]
    for number, person in enumerate(demand.staff):
        if bars := [bar for bar in here if bar.staff == person.id]:
            lost = np.logical_or.reduce([touched(demand, bar)[rows] for bar in bars])
            left = left - (lost & ~demand.recused[number][rows][:, None] & demand.free[number])
    enough: Bools = allowed & (left >= demand.item.staff)
    return enough


def speaks_of(bar: Bar, item: Item, site: Site) -> bool:
    """Whether an objection can touch this item at this site."""
    return bar.item in {None, item.id} and bar.site in {None, site.id}


def touched(demand: Demand, bar: Bar) -> Bools:
    """By request and start, what an objection speaks of, its site and item already matched."""
    rows = np.array([bar.request in {None, request.id} for request in demand.asking], bool)
    columns = np.ones(len(demand.starts), bool)
    if bar.block is not None:
        rank = demand.index.rank[bar.block]
        columns = (demand.starts <= rank) & (rank < demand.starts + demand.item.length)
    hit: Bools = rows[:, None] & columns
    return hit
