"""What one more of each means would be worth by the prices: rooms, examiners, half-days; dearest first."""

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median_low

import numpy as np

from scheduler.allocation.insight.outlook import Outlook, carried_over
from scheduler.allocation.options import space_of
from scheduler.allocation.prices import Judge
from scheduler.allocation.space import Floats, Space


@dataclass(frozen=True, slots=True)
class Scarce:
    """
    One more of something.

    Attributes:
        kind: `room`, `examiner`, `half-day of a site` or `half-day of an examiner`.
        what: A site, items or a person.
        worth: By how much the best plan could cost less, as far as the prices tell.
        block: The half-day on which it helps most; None where it helps on many.
    """

    kind: str
    what: str
    worth: float
    block: str | None = None


def most_wanted(outlook: Outlook, *, of_each: int = 3) -> list[Scarce]:
    """What would help most, ranked; of each kind only the best few."""
    found: list[Scarce] = []
    for kind in (rooms, examiners, half_days_of_sites, half_days_of_examiners):
        helpful = sorted((each for each in kind(outlook) if each.worth > 0), key=by_worth)
        found += helpful[:of_each]
    return sorted(found, key=by_worth)


def by_worth(scarce: Scarce) -> tuple[float, str, str, str]:
    """Dearest first; ties by name."""
    return -scarce.worth, scarce.kind, scarce.what, scarce.block or ""


def rooms(outlook: Outlook) -> list[Scarce]:
    """By site, what the best sessions that find no room would earn, half-day by half-day."""
    space = outlook.space
    waiting = beyond_rooms(space, outlook.proof.gain)
    found = []
    for site, spots in sorted(waiting.items()):
        best = max(spots, key=lambda rank: (spots[rank], -rank))
        block = space.index.problem.blocks[best].id
        found.append(Scarce("room", space.site_ids[site], sum(spots.values()), block))
    return found


def beyond_rooms(space: Space, gain: Floats) -> dict[int, dict[int, float]]:
    """By site and rank, what the best session that finds no room there earns a block."""
    offers: dict[tuple[int, int], list[float]] = defaultdict(list)
    for option in np.nonzero((gain > 0) & ~space.options.pinned)[0].tolist():
        span = space.span(option)
        for rank in span:
            offers[int(space.options.site[option]), rank].append(float(gain[option]) / len(span))
    waiting: dict[int, dict[int, float]] = defaultdict(dict)
    for (site, rank), earned in offers.items():
        rooms_there = space.index.sites[space.site_ids[site]].rooms
        if len(earned) > rooms_there:
            waiting[site][rank] = sorted(earned, reverse=True)[rooms_there]
    return waiting


def hourly(outlook: Outlook) -> Floats:
    """By item and rank, what a block of a duty earns that covers the rank, at its best start."""
    space, duty = outlook.space, outlook.proof.prices.duty
    worth = np.zeros((len(space.item_ids), space.ranks))
    for item, length in enumerate(space.length.tolist()):
        for shift in range(min(length, space.ranks)):
            worth[item, shift:] = np.maximum(worth[item, shift:], duty[item, : space.ranks - shift] / length)
    return worth


def examiners(outlook: Outlook) -> list[Scarce]:
    """For each combination of items that somebody holds, what one more such person would earn beyond the usual pay."""
    space, worth = outlook.space, hourly(outlook)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for who, name in enumerate(space.staff_ids):
        alike[tuple(sorted(space.index.staff[name].items))].append(who)
    found = []
    for items, people in sorted(alike.items()):
        if items:
            cost = median_low(space.block_cost[people].tolist())
            most = median_low(space.max_blocks[people].tolist())
            pay = worth[[space.item_ids.index(item) for item in items]].max(axis=0) - cost
            best = np.sort(np.maximum(pay, 0.0))[::-1][: int(most)]
            found.append(Scarce("examiner", ", ".join(items), float(best.sum())))
    return found


def half_days_of_examiners(outlook: Outlook) -> list[Scarce]:
    """For each person, what the best half-day would earn on which they cannot be asked now."""
    space, worth = outlook.space, hourly(outlook)
    found = []
    for who, name in enumerate(space.staff_ids):
        items = [
            space.item_ids.index(item) for item in space.index.staff[name].items if space.index.items[item].length == 1
        ]
        if items:
            away = ~space.free[items, who].any(axis=0)
            pay = np.where(away, worth[items].max(axis=0) - space.block_cost[who], 0.0)
            best = int(pay.argmax())
            found.append(Scarce("half-day of an examiner", name, float(pay[best]), space.index.problem.blocks[best].id))
    return found


def half_days_of_sites(outlook: Outlook) -> list[Scarce]:
    """For each site, what the best session would earn on a half-day on which the site is closed now."""
    problem = outlook.problem
    opened = space_of(replace(problem, sites=tuple(replace(site, blocks=None) for site in problem.sites)))
    gain, _, _ = Judge(opened).classes(carried_over(outlook, opened))
    best: dict[str, tuple[float, str]] = {}
    for option in np.nonzero(gain > 0)[0].tolist():
        site, _, block = opened.key(option)
        closed = outlook.space.index.sites[site].blocks
        shut = [each for each in names_of(opened, opened.span(option)) if closed is not None and each not in closed]
        if shut == [block] and (gain[option], block) > best.get(site, (0.0, "")):
            best[site] = (float(gain[option]), block)
    return [Scarce("half-day of a site", site, worth, block) for site, (worth, block) in sorted(best.items())]


def names_of(space: Space, ranks: range) -> list[str]:
    """The ids of the blocks at these ranks."""
    return [space.index.problem.blocks[int(rank)].id for rank in ranks]
