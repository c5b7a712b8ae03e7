"""What a plan leaves for every session that it does not hold: a room, staff at hand, people who would come."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.parts import Request
from scheduler.allocation.space import Bools, Floats, Ints, Space
from scheduler.allocation.standing import Standing


@dataclass(frozen=True, slots=True)
class Openings:
    """
    All options of a space beside one plan.

    Attributes:
        at_hand: By item, staff and first rank, who could still hold a session of the item from there on.
        held: By option, whether it is held.
        room: By option, whether a room is left, and the site has had its rest.
        gathered: By option, how many of those left out could come.
        fixed: By option, what opening it and the cheapest staff cost.
        pairs_of: By request, positions of its pairs.
    """

    space: Space
    at_hand: Bools
    held: Bools
    room: Bools
    gathered: Ints
    fixed: Floats
    pairs_of: Mapping[int, Ints]

    @classmethod
    def of(cls, space: Space, standing: Standing, left_out: Mapping[str, int]) -> "Openings":
        """Look at everything once."""
        return cls(
            space=space,
            at_hand=at_hand(space, standing),
            held=np.array([space.key(option) in standing.held for option in range(space.options.count)], bool),
            room=with_room(space, standing),
            gathered=gathered(space, left_out),
            fixed=space.options.open_cost + cheapest_crews(space)[space.options.item],
            pairs_of=pairs_by_request(space, left_out),
        )

    def hands(self, options: Ints, request: Request) -> Ints:
        """By option, how many staff are at hand who may meet a request."""
        space, index = self.space, self.space.index
        item, start = space.options.item[options], space.options.start[options]
        count = self.at_hand.sum(axis=1)[item, start]
        for who, name in enumerate(space.staff_ids):
            person = index.staff[name]
            if rules.is_recused(request.enterprise, person.recused):
                count = count - self.at_hand[item, who, start]
            elif any(bar.staff == name for bar in index.problem.barred):
                places = (rules.Place(request.id, key[0], key[2]) for key in map(space.key, options.tolist()))
                shunned = np.array([not rules.staff_may_meet(index, person, place) for place in places], bool)
                count = count - (self.at_hand[item, who, start] & shunned)
        return np.asarray(count, np.int64)


def at_hand(space: Space, standing: Standing) -> Bools:
    """By item, staff and first rank, who is free for all of a session's blocks, within their most."""
    position = {who: n for n, who in enumerate(space.staff_ids)}
    busy, left = np.zeros((len(space.staff_ids), space.ranks), bool), space.max_blocks.copy()
    for rank, names in standing.duties.items():
        busy[[position[who] for who in names], rank] = True
    for who, blocks in standing.blocks.items():
        left[position[who]] -= blocks
    free = space.free.copy()
    for item, length in enumerate(space.length.tolist()):
        free[item] &= (left >= length)[:, None]
        for shift in range(length):
            free[item, :, : space.ranks - shift] &= ~busy[:, shift:]
    return free


def with_room(space: Space, standing: Standing) -> Bools:
    """By option, whether one more session fits into the site's rooms and rest."""
    options = space.options
    rooms = np.array([space.index.sites[site].rooms for site in space.site_ids], np.int64)
    left = np.repeat(rooms[:, None], space.ranks, axis=1)
    position = {site: n for n, site in enumerate(space.site_ids)}
    for (site, rank), count in standing.rooms.items():
        left[position[site], rank] -= count
    length, fits = space.length[options.item], np.ones(options.count, bool)
    for shift in range(int(space.length.max(initial=1))):
        there = np.minimum(options.start + shift, max(0, space.ranks - 1))
        fits &= (shift >= length) | (left[options.site, there] > 0)
    resting = np.array([space.index.sites[site].rest_days > 0 for site in space.site_ids], bool)
    for option in np.nonzero(fits & resting[options.site])[0].tolist():
        fits[option] = standing.has_room(*space.key(option))
    return fits


def gathered(space: Space, left_out: Mapping[str, int]) -> Ints:
    """By option, how many of those left out could come; whoever has two rows counts once."""
    pairs = space.pairs
    people = np.array([left_out.get(request, 0) for request in space.request_ids], np.int64)
    again = np.zeros(pairs.count, bool)
    again[1:] = (pairs.option[1:] == pairs.option[:-1]) & (pairs.request[1:] == pairs.request[:-1])
    weights = np.where(again, 0, people[pairs.request])
    return np.bincount(pairs.option, weights, space.options.count).astype(np.int64)


def cheapest_crews(space: Space) -> Floats:
    """By item, what the cheapest staff who may hold it cost for one session."""
    costs = []
    for item, name in enumerate(space.item_ids):
        able = [p.block_cost for p in space.index.staff.values() if name in p.items]
        costs.append(sum(sorted(able)[: int(space.staff_needed[item])]) * int(space.length[item]))
    return np.array(costs, float)


def pairs_by_request(space: Space, left_out: Mapping[str, int]) -> dict[int, Ints]:
    """For those left out, the positions of their pairs."""
    wanted = np.array([request in left_out for request in space.request_ids], bool)
    at = np.nonzero(wanted[space.pairs.request])[0] if len(wanted) else np.zeros(0, np.int64)
    found: dict[int, list[int]] = defaultdict(list)
    for pair, request in zip(at.tolist(), space.pairs.request[at].tolist(), strict=True):
        found[request].append(pair)
    return {request: np.array(pairs, np.int64) for request, pairs in found.items()}
