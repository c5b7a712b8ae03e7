"""Staff in a model: as a flow of people, exact but for recusals, or only counted, much lighter."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from scheduler.allocation.milp import Model
from scheduler.allocation.scope import Scope
from scheduler.allocation.space import Bools, Floats, Ints, Space

Held = tuple[Ints, Ints]
"""Options and the columns that hold them."""

# Up to so many items every group is tried, 255 of them.
MANY_ITEMS = 8

Duties = tuple[Ints, Ints, Ints, Ints]
"""Column, item, staff and first rank of every duty somebody could take."""


def add_flow(model: Model, scope: Scope, held: Held) -> Duties:
    """Every duty gets a column: who does what from when; cost, hours and limits are exact."""
    space = scope.space
    wanted = scope.needed > 0
    option, column = needing_staff(space, held)
    wanted[space.options.item[option], space.options.start[option]] = True
    item, who, start = np.nonzero(space.free & wanted[:, None, :])
    # With sessions of one block the flow is whole by itself; longer ones tie blocks together.
    long = bool((space.length > 1).any())
    duty = model.add_columns(space.block_cost[who] * space.length[item], np.ones(len(item)), whole=long)

    every = np.nonzero(wanted.reshape(-1))[0]
    rows = model.add_rows(len(every), low=scope.needed.reshape(-1)[every].astype(float))
    model.put(rows[np.searchsorted(every, item * space.ranks + start)], duty, 1.0)
    key = space.options.item[option] * space.ranks + space.options.start[option]
    model.put(rows[np.searchsorted(every, key)], column, -space.staff_needed[space.options.item[option]].astype(float))
    add_hours(model, scope, (duty, item, who, start))
    return duty, item, who, start


def add_hours(model: Model, scope: Scope, duties: Duties) -> None:
    """Everybody holds one session at a time, and no more blocks than they may."""
    duty, item, who, start = duties
    space, length = scope.space, scope.space.length[item]
    busy = model.add_rows(len(space.staff_ids) * space.ranks, high=1.0)
    for shift in range(int(length.max(initial=1))):
        at = length > shift
        model.put(busy[who[at] * space.ranks + start[at] + shift], duty[at], 1.0)
    limits = model.add_rows(len(space.staff_ids), high=scope.blocks_left.astype(float))
    model.put(limits[who], duty, length.astype(float))


@dataclass(frozen=True, slots=True)
class Counts:
    """
    Groups of items that share a circle of staff, rank by rank: together they can hold no more than it numbers.

    Attributes:
        groups: By rank, then row and item, whether the row counts the item.
        most: By rank and row, how many staff could hold any of them.
    """

    groups: tuple[Bools, ...]
    most: tuple[Ints, ...]


def counts_of(space: Space) -> Counts:
    """
    The groups that matter, by Hall's theorem: for every circle of staff, all items that only they can hold.

    With many items only small groups are tried; names are checked afterwards in any case.
    """
    items = np.nonzero(space.staff_needed)[0].tolist()
    sizes = range(1, len(items) + 1) if len(items) <= MANY_ITEMS else (1, 2, 3, len(items))
    groups = [group for size in sizes for group in combinations(items, size)]
    present = presence(space)
    label = np.random.default_rng(0).integers(1, 2**62, len(space.staff_ids), dtype=np.uint64)
    circles: list[dict[int, tuple[set[int], int]]] = [{} for _ in range(space.ranks)]
    for group in groups:
        there = present[list(group)].any(axis=0)
        marks = (there * label[:, None]).sum(axis=0, dtype=np.uint64).tolist()
        for rank, (mark, size) in enumerate(zip(marks, there.sum(axis=0).tolist(), strict=True)):
            circles[rank].setdefault(mark, (set(), size))[0].update(group)
    rows = [sorted((sorted(each), most) for each, most in circle.values()) for circle in circles]
    number = np.arange(len(space.item_ids))
    return Counts(
        groups=tuple(
            np.array([np.isin(number, each) for each, _ in row], bool).reshape(len(row), len(number)) for row in rows
        ),
        most=tuple(np.array([most for _, most in row], np.int64) for row in rows),
    )


def add_counts(model: Model, scope: Scope, held: Held, counts: Counts) -> None:
    """
    Sessions need no more staff than there are, block by block and over all blocks.

    Whether names can be given is only known afterwards: recusals and everybody's most blocks are not seen here.
    """
    space = scope.space
    option, column = needing_staff(space, held)
    outside = outside_by_rank(scope)
    length = space.length[space.options.item[option]]
    need = space.staff_needed[space.options.item[option]].astype(float)
    for rank in np.nonzero(scope.ranks)[0].tolist():
        start = space.options.start[option]
        here = np.nonzero((start <= rank) & (rank < start + length))[0]
        groups = counts.groups[rank][:, space.options.item[option[here]]]
        left = np.maximum(counts.most[rank] - counts.groups[rank] @ outside[:, rank], 0)
        telling = np.nonzero(groups @ need[here] > left)[0]
        row, at = np.nonzero(groups[telling])
        rows = model.add_rows(len(telling), high=left[telling].astype(float))
        model.put(rows[row], column[here[at]], need[here[at]])
    hours = scope.blocks_left.sum() - outside[:, scope.ranks].sum()
    total = model.add_rows(1, high=max(0.0, float(hours)))
    model.put(np.repeat(total, len(option)), column, need * length)


def needing_staff(space: Space, held: Held) -> Held:
    """Those of the columns whose sessions need staff at all."""
    needy = space.staff_needed[space.options.item[held[0]]] > 0
    return held[0][needy], held[1][needy]


def presence(space: Space) -> Bools:
    """By item, staff and rank, whether somebody could be in a session of the item then."""
    present = np.zeros(space.free.shape, bool)
    for item, length in enumerate(space.length.tolist()):
        for shift in range(length):
            present[item, :, shift:] |= space.free[item, :, : space.ranks - shift]
    return present


def outside_by_rank(scope: Scope) -> Ints:
    """By item and rank, staff that sessions outside the scope keep there."""
    kept = np.zeros(scope.needed.shape, np.int64)
    for item, length in enumerate(scope.space.length.tolist()):
        for shift in range(length):
            kept[item, shift:] += scope.needed[item, : scope.space.ranks - shift]
    return kept


def cheapest_duty(space: Space) -> Floats:
    """By option, the least that its staff can cost."""
    options = space.options
    least = np.zeros(options.count)
    for item in range(len(space.item_ids)):
        need = int(space.staff_needed[item])
        mine = np.nonzero(options.item == item)[0]
        if need and len(mine):
            cost = np.where(space.free[item], space.block_cost[:, None], np.inf)
            cheapest = np.sort(cost, axis=0)[:need].sum(axis=0) * space.length[item]
            least[mine] = cheapest[options.start[mine]]
    return least
