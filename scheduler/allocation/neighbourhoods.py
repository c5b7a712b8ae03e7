"""Which part of a draft to decide anew: sessions near each other, and the options worth a thought for their people."""

from dataclasses import dataclass

import numpy as np

from scheduler.allocation.ascent import Proof
from scheduler.allocation.draft import Draft
from scheduler.allocation.space import Bools, Floats, Ints, Space


@dataclass(frozen=True, slots=True)
class Breadth:
    """
    How much to look at.

    Attributes:
        requests: People's requests set free.
        options: Sessions to choose among.
        choices: Options for each request.
    """

    requests: int
    options: int
    choices: int


def worth_a_thought(space: Space, proof: Proof, draft: Draft, free: Bools, breadth: Breadth) -> tuple[Ints, Ints]:
    """The options that promise most to the free requests, and for each of these its best pairs."""
    pairs, options = space.pairs, space.options
    at = np.nonzero(free[pairs.request])[0]
    value = proof.prices.person[pairs.request[at]] - pairs.cost[at]
    promise = promises(space, proof, at, value)
    whole = [option for option, there in draft.seats.items() if free[[pairs.request[pair] for pair in there]].all()]
    promise[whole] = np.where(promise[whole] > -np.inf, np.inf, -np.inf)
    order = np.lexsort((np.arange(options.count), -promise))[: breadth.options]
    chosen = np.zeros(options.count, bool)
    chosen[order[promise[order] > -np.inf]] = True

    likely = chosen[pairs.option[at]]
    at, value = at[likely], value[likely]
    # A session already likely to be held is a better choice than an equally near one that is not.
    appeal = value + np.minimum(promise[pairs.option[at]], 0.0) / np.maximum(options.places[pairs.option[at]], 1)
    order = np.lexsort((at, -appeal, pairs.request[at]))
    request = pairs.request[at][order]
    new = np.r_[True, request[1:] != request[:-1]] if len(request) else np.zeros(0, bool)
    number = np.arange(len(request))
    place = number - np.maximum.accumulate(np.where(new, number, 0)) if len(request) else number
    kept = np.zeros(pairs.count, bool)
    kept[at[order[place < breadth.choices]]] = True
    for option, there in draft.seats.items():
        if chosen[option]:
            kept[list(there)] = True
    return np.nonzero(chosen)[0], np.nonzero(kept)[0]


def promises(space: Space, proof: Proof, at: Ints, value: Floats) -> Floats:
    """By option, what it earns at the prices, counting only what these pairs could bring."""
    pairs, options = space.pairs, space.options
    brought = np.bincount(pairs.option[at], np.maximum(value, 0) * pairs.cap[at], options.count)
    reachable = np.bincount(pairs.option[at], minlength=options.count) > 0
    fixed = options.open_cost + (options.tier_cost.min(axis=1) if options.count else 0.0)
    fixed = fixed + space.staff_needed[options.item] * proof.prices.duty[options.item, options.start]
    promise = np.minimum(proof.gain, brought - fixed)
    return np.where(reachable, np.where(np.isfinite(promise), promise, -1e18), -np.inf)


def around(space: Space, draft: Draft, seed: int, breadth: Breadth) -> Bools:
    """Requests to set free: one, those in the sessions of its item nearest to it, and some that are left out."""
    free = np.zeros(len(space.people), bool)
    sessions = [option for option in sorted(draft.seats) if draft.seats[option]]
    asking = np.unique(space.pairs.request)
    item = item_of(space, seed)
    near = nearness(space, seed)
    mine = [option for option in sessions if space.options.item[option] == item]
    mine.sort(key=lambda option: (near[space.options.site[option]], option))
    seated = np.zeros(len(space.people), bool)
    for option in sessions:
        seated[[space.pairs.request[pair] for pair in draft.seats[option]]] = True
    free[seed] = True
    for option in mine:
        if free.sum() >= breadth.requests:
            break
        free[[space.pairs.request[pair] for pair in draft.seats[option]]] = True
    left_out = [int(r) for r in asking if not seated[r] and item_of(space, int(r)) == item]
    free[left_out[: breadth.requests // 2]] = True
    return free


def about(space: Space, draft: Draft, seed: int, breadth: Breadth) -> Bools:
    """Requests to set free: those of the sessions nearest in time to the seed's, of any item, and some left out."""
    free = np.zeros(len(space.people), bool)
    free[seed] = True
    sessions = [option for option in sorted(draft.seats) if draft.seats[option]]
    mine = [o for o in sessions if seed in {int(space.pairs.request[pair]) for pair in draft.seats[o]}]
    windows = space.options.start[space.pairs.option[space.pairs.request == seed]]
    centre = int(space.options.start[mine[0]]) if mine else int(np.median(windows))
    sessions.sort(key=lambda option: (abs(int(space.options.start[option]) - centre), option))
    for option in sessions:
        if free.sum() >= breadth.requests:
            break
        free[[space.pairs.request[pair] for pair in draft.seats[option]]] = True
    return free


def item_of(space: Space, request: int) -> int:
    """Position of the item a request asks for."""
    return space.item_ids.index(space.index.requests[space.request_ids[request]].item)


def nearness(space: Space, request: int) -> Floats:
    """By site, the least that going there costs the request; infinite where it cannot."""
    mine = np.nonzero(space.pairs.request == request)[0]
    near = np.full(len(space.site_ids), np.inf)
    np.minimum.at(near, space.options.site[space.pairs.option[mine]], space.pairs.cost[mine])
    return near
