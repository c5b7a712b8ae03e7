"""What is settled before anything is decided: people whom pins seat, and people whom an earlier plan would keep."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduler.allocation.index import Index
from scheduler.allocation.space import Ints, Options, Pairs

Columns = dict[str, Any]
"""Arrays by name, all of one length."""


@dataclass(frozen=True, slots=True)
class Seated:
    """A space's options and pairs for the people who are still to be seated."""

    options: Options
    pairs: Pairs
    ahead: tuple[tuple[int, int, int], ...]
    base: float
    people: Ints


def seat_ahead(index: Index, options: Columns, pairs: Columns) -> Seated:
    """Seat the pinned people, then price those an earlier plan put somewhere."""
    people = np.array([index.requests[i].people for i in sorted(index.requests)], np.int64)
    pinned = pinned_people(index, pairs, people)
    base = float((pinned * pairs["cost"]).sum())
    at, count = np.nonzero(pinned)[0], len(options["site"])
    ahead = tuple((int(pairs["option"][p]), int(pairs["request"][p]), int(pinned[p])) for p in at)

    taken = np.bincount(pairs["option"], pinned, count).astype(np.int64)
    for p in at:
        options["tier_cost"][pairs["option"][p], : pairs["step"][p]] = np.inf
    options["places"] = options["places"] - taken
    options["least"] = np.maximum(options["least"] - taken, 0)
    options["pinned"] = options["pinned"] | (taken > 0)
    options["empty"] = options["empty"] & (taken == 0)
    people = people - np.bincount(pairs["request"], pinned, len(people)).astype(np.int64)

    priced, stayed = staying(index, options, pairs, pinned)
    priced["cap"] = np.minimum(
        priced["cap"], np.minimum(people[priced["request"]], options["places"][priced["option"]])
    )
    kept = {name: column[priced["cap"] > 0] for name, column in priced.items()}
    kept["cap"] = kept["cap"].astype(np.int64)
    first = np.searchsorted(kept["option"], np.arange(count + 1))
    return Seated(
        options=Options(**options), pairs=Pairs(**kept, first=first), ahead=ahead, base=base + stayed, people=people
    )


def pinned_people(index: Index, pairs: Columns, people: Ints) -> Ints:
    """By pair, the people seated ahead: a pin on a request that stays together seats all of it."""
    requests = [index.requests[i] for i in sorted(index.requests)]
    together = np.array([request.together for request in requests], bool)
    pinned: Ints = pairs.pop("pinned")
    if pinned.any():
        whole = together[pairs["request"]] & (pinned > 0)
        pinned = np.where(whole, people[pairs["request"]], pinned)
    return pinned


def staying(index: Index, options: Columns, pairs: Columns, pinned: Ints) -> tuple[Columns, float]:
    """
    Give every pair that an earlier plan used a cheaper row for the people who stay.

    Returns:
        The pairs, and the constant that makes up for the cheaper rows: the change cost of everybody.
    """
    change = index.problem.change_cost
    earlier = [row for row in index.problem.before if row.request in index.requests]
    constant = float(change * sum(row.people for row in earlier))
    if not constant:
        return pairs, 0.0
    rows_at = defaultdict(list)
    sites, requests, blocks = sorted(index.sites), sorted(index.requests), index.problem.blocks
    for row in earlier:
        rows_at[row.request, row.site, row.block].append(row.people)
    segments: list[tuple[int, int, float]] = []
    for p, (option, request) in enumerate(zip(pairs["option"].tolist(), pairs["request"].tolist(), strict=True)):
        spot = (requests[request], sites[options["site"][option]], blocks[options["start"][option]].id)
        if spot not in rows_at:
            segments.append((p, int(pairs["cap"][p]), 0.0))
            continue
        ahead = int(pinned[p])
        constant -= change * sum(min(ahead, there) for there in rows_at[spot])
        left = sorted(there - ahead for there in rows_at[spot] if there > ahead)
        segments += split(p, cap=int(pairs["cap"][p]), left=left, together=index.requests[spot[0]].together)
    rows = np.array([p for p, _, _ in segments], np.int64)
    priced = {name: column[rows] for name, column in pairs.items()}
    priced["cap"] = np.array([cap for _, cap, _ in segments], np.int64)
    priced["cost"] = priced["cost"] - change * np.array([rate for _, _, rate in segments])
    return priced, constant


def split(pair: int, *, cap: int, left: list[int], together: bool) -> list[tuple[int, int, float]]:
    """
    A pair's people by how many rows of the earlier plan each would keep.

    Returns:
        The pair, people, and rows kept per person; one row for a request that stays together.
    """
    if together:
        return [(pair, cap, sum(min(cap, there) for there in left) / cap if cap else 0.0)]
    segments, used = [], 0
    for n, there in enumerate(left):
        if (size := min(there, cap) - used) > 0:
            segments.append((pair, size, float(len(left) - n)))
            used += size
    if cap > used:
        segments.append((pair, cap - used, 0.0))
    return segments
