"""A plan while it is made: which options are held, who sits in them, who holds them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from scheduler.allocation.space import Bools, Floats, Ints, Space

Seats = dict[int, dict[int, int]]
"""By option: people by pair."""


@dataclass(slots=True)
class Draft:
    """
    Sessions held, besides the people seated ahead.

    Attributes:
        staff: By option, the positions of those who hold it.
        cost: The whole objective, what is settled ahead included.
    """

    seats: Seats = field(default_factory=dict)
    staff: dict[int, tuple[int, ...]] = field(default_factory=dict)
    cost: float = 0.0

    def copy(self) -> "Draft":
        """A draft that can change without this one."""
        seats = {option: dict(there) for option, there in self.seats.items()}
        return Draft(seats=seats, staff=dict(self.staff), cost=self.cost)


def seated_by_request(space: Space, seats: Seats) -> Ints:
    """By request, how many of those still to be seated are."""
    total = np.zeros(len(space.people), np.int64)
    for there in seats.values():
        for pair, people in there.items():
            total[space.pairs.request[pair]] += people
    return total


def steps_of(space: Space, seats: Seats) -> dict[int, int]:
    """By option, how far up it must be consulted."""
    ahead: dict[int, int] = {option: int(np.isfinite(space.options.tier_cost[option]).argmax()) for option in seats}
    return {
        option: max([ahead[option], *(int(space.pairs.step[pair]) for pair in there)])
        for option, there in seats.items()
    }


def cost_of(space: Space, seats: Seats, staff: dict[int, tuple[int, ...]]) -> float:
    """The whole objective of a draft."""
    options, pairs = space.options, space.pairs
    total = space.base + float(((space.people - seated_by_request(space, seats)) * space.unplaced_cost).sum())
    for option, step in sorted(steps_of(space, seats).items()):
        total += float(options.open_cost[option] + options.tier_cost[option, step])
        total += sum(float(pairs.cost[pair]) * people for pair, people in seats[option].items())
        total += sum(float(space.block_cost[who]) for who in staff.get(option, ())) * len(space.span(option))
    return total


def cost_by_circle(space: Space, draft: Draft) -> Floats:
    """By circle, what its sessions and the people left out of them cost; what is settled ahead is in none."""
    options, pairs = space.options, space.pairs
    circle = space.circles()
    left = space.people - seated_by_request(space, draft.seats)
    cost = np.asarray(np.bincount(space.asking_circle(), left * space.unplaced_cost, space.circle_count), np.float64)
    for option, step in steps_of(space, draft.seats).items():
        own = float(options.open_cost[option] + options.tier_cost[option, step])
        own += sum(float(pairs.cost[pair]) * people for pair, people in draft.seats[option].items())
        own += sum(float(space.block_cost[who]) for who in draft.staff.get(option, ())) * len(space.span(option))
        cost[circle[option]] += own
    return cost


def is_sound(space: Space, seats: Seats) -> bool:
    """Whether rooms, rest, places and everybody's number allow these sessions side by side."""
    if any(
        not space.options.least[o] <= sum(there.values()) <= space.options.places[o]
        for o, there in seats.items()
        if there
    ):
        return False
    seated = seated_by_request(space, seats)
    there = [{int(space.pairs.request[pair]) for pair in each} for each in seats.values()]
    spread = np.bincount([request for each in there for request in each], minlength=len(space.people))
    split = space.together & (seated > 0) & ((spread > 1) | (seated < space.people))
    if split.any() or (seated > space.people).any() or rooms_left(space, seats).min(initial=0) < 0:
        return False
    resting = [o for o in seats if space.index.sites[space.site_ids[space.options.site[o]]].rest_days]
    return not any(at_rest(space, {other: {} for other in resting if other != o})[o] for o in resting)


def rooms_left(space: Space, seats: Seats) -> Ints:
    """By site and rank, how many more sessions fit."""
    rooms = np.array([space.index.sites[site].rooms for site in space.site_ids], np.int64)
    left = np.repeat(rooms[:, None], space.ranks, axis=1)
    for option in seats:
        left[space.options.site[option], space.span(option)] -= 1
    return left


def at_rest(space: Space, seats: Seats) -> Bools:
    """By option, whether a held session's rest at its site keeps it from being held."""
    resting = np.zeros(space.options.count, bool)
    sites = {space.site_ids[site] for site in space.options.site[list(seats)].tolist()}
    if not any(space.index.sites[site].rest_days for site in sites):
        return resting
    days = np.array(space.index.days, np.int64)
    first, last = days[space.options.start], days[space.options.start + space.length[space.options.item] - 1]
    for option in seats:
        site = int(space.options.site[option])
        if rest := space.index.sites[space.site_ids[site]].rest_days:
            near = (first - last[option] < rest) & (first[option] - last < rest)
            resting |= near & (space.options.site == site)
    return resting


def slack_of(space: Space, seats: Seats, held: Iterable[int]) -> Ints:
    """How far everybody keeps behind those they follow, with the people seated ahead in the held options."""
    if not len(space.following.later):
        return np.zeros((0, space.ranks), np.int64)
    present = set(held)
    rows = [(option, request, people) for option, request, people in space.ahead if option in present]
    rows += [(o, int(space.pairs.request[p]), people) for o, there in seats.items() for p, people in there.items()]
    option, request, people = np.array(rows, np.int64).reshape(len(rows), 3).T
    return space.following.slack(request, space.options.start[option], people)


def nobody_overtakes(space: Space, seats: Seats) -> bool:
    """Whether everybody has sat what must come before."""
    return not len(space.following.later) or bool((slack_of(space, seats, seats) >= 0).all())
