"""The bound: people and staff hours get prices, every session is judged by itself, and the prices are improved."""

from dataclasses import dataclass

import numpy as np

from scheduler.allocation.space import Floats, Ints, Space


def added_up(at: Ints, weights: Floats, size: int) -> Floats:
    """The weights that fall to each position, added up."""
    total: Floats = np.asarray(np.bincount(at, weights, size), np.float64)
    return total


@dataclass(frozen=True, slots=True)
class Prices:
    """
    What seating one person is worth, and what one staff duty costs.

    Attributes:
        person: By request; never above what leaving one out costs.
        duty: By item and first rank, for one of the session's staff.
    """

    person: Floats
    duty: Floats


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a set of prices says.

    Attributes:
        bound: No plan costs less, as far as these prices can tell.
        gain: By option, what holding it would earn at these prices at most; -infinity where it cannot be filled.
        held: By option, how far it is held.
        seated: By pair.
        short: By request, people asked beyond people seated.
        wanted: By item and first rank, duties asked beyond duties offered.
    """

    bound: float
    gain: Floats
    held: Floats
    seated: Floats
    short: Floats
    wanted: Floats


class Judge:
    """
    Judges prices over one space.

    The demand of each request and the staff of each session are priced instead of enforced; what remains falls apart
    into one knapsack for each session, the best sessions for each room, and the best hours of each person. Every
    relaxation only ever lowers the result, so it bounds all plans from below.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        options = space.options
        self.need = space.staff_needed[options.item].astype(float)
        self.length = space.length[options.item]
        self.steps = options.tier_cost.shape[1]
        self.cheapest = options.tier_cost.min(axis=1) if options.count else np.zeros(0)
        rooms = np.array([space.index.sites[site].rooms for site in space.site_ids], np.int64)
        self.rooms = rooms[options.site] if options.count else np.zeros(0, np.int64)
        self.forced = np.nonzero(options.pinned)[0]

    def judge(self, prices: Prices) -> Verdict:
        """The bound that prices give, and where they are wrong."""
        space = self.space
        gain, chosen, take = self.classes(prices)
        held = self.rooms_filled(gain)
        seated: Floats = np.zeros(space.pairs.count)
        seated[chosen] = take * held[space.pairs.option[chosen]]
        staff_gain, offered = self.hours(prices)
        finite = np.where(np.isfinite(gain), gain, 0.0)
        bound = space.base + float((space.people * prices.person).sum()) - float((held * finite).sum()) - staff_gain
        short = space.people - added_up(space.pairs.request, seated, len(space.people))
        short[(prices.person >= space.unplaced_cost) & (short > 0)] = 0.0
        wanted = -offered
        np.add.at(wanted, (space.options.item, space.options.start), self.need * held)
        return Verdict(bound=bound, gain=gain, held=held, seated=seated, short=short, wanted=wanted)

    def classes(self, prices: Prices) -> tuple[Floats, Ints, Floats]:
        """
        By option the gain of its best class; and the people of each pair in the best classes.

        A class may be smaller than the least one, which never lowers the gain, so that only people who are worth their
        seat have to be looked at; pinned sessions, which are held even at a loss, are filled as they must be.
        """
        options, pairs = self.space.options, self.space.pairs
        fixed = options.open_cost + self.need * prices.duty[options.item, options.start]
        value = prices.person[pairs.request] - pairs.cost
        hoped = np.bincount(pairs.option, np.maximum(value, 0) * pairs.cap, options.count)
        promising = hoped > fixed + self.cheapest
        at = np.nonzero((promising[pairs.option] & (value > 0)) | options.pinned[pairs.option])[0]
        order, coarse = by_option_and_value(pairs.option[at], value[at])
        at = at[order]
        owner = pairs.option[at]
        first = np.nonzero(np.r_[True, owner[1:] != owner[:-1]])[0] if len(owner) else np.zeros(0, np.int64)
        segment = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(owner)]))
        least = np.where(options.pinned, options.least, 0)[owner[first]]
        # Nobody looks closer at what is not promising: all its people together would not pay for it.
        gain = np.where(promising, -np.inf, hoped - fixed - self.cheapest)
        gain[self.forced] = -(fixed + self.cheapest)[self.forced]
        gain[self.forced[(options.least > 0)[self.forced] & ~options.empty[self.forced]]] = -np.inf
        take = np.zeros(len(at))
        wish = np.where(value[at] > 0, options.places[owner], options.least[owner])
        for step in range(self.steps):
            cap = np.where(pairs.step[at] <= step, pairs.cap[at], 0)
            before = np.cumsum(cap) - cap
            before = before - before[first][segment]
            taken = np.clip(wish - before, 0, cap)
            total = np.bincount(segment, taken, len(first))
            earned = np.bincount(segment, taken * value[at], len(first))
            earned = earned + coarse * total - fixed[owner[first]] - options.tier_cost[owner[first], step]
            earned[total < least] = -np.inf
            better = earned > gain[owner[first]]
            gain[owner[first][better]] = earned[better]
            take = np.where(better[segment], taken, take)
        return gain, at, take

    def rooms_filled(self, gain: Floats) -> Floats:
        """By option, how far it is held when each room takes the best offers, each block by itself."""
        options, ranks = self.space.options, self.space.ranks
        good = np.nonzero((gain > 0) & ~options.pinned)[0]
        parts = [good[self.length[good] > shift] for shift in range(int(self.length.max(initial=1)))]
        option = np.concatenate(parts)
        spot = np.concatenate([options.site[part] * ranks + options.start[part] + n for n, part in enumerate(parts)])
        order = np.lexsort((option, -(gain / self.length)[option], spot))
        spots, number = spot[order], np.arange(len(spot))
        new = np.r_[True, spots[1:] != spots[:-1]] if len(spots) else np.zeros(0, bool)
        place = number - np.maximum.accumulate(np.where(new, number, 0)) if len(spots) else number
        taken = option[order[place < self.rooms[option[order]]]]
        held = added_up(taken, 1.0 / self.length[taken], options.count)
        held[self.forced] = 1.0
        return held

    def hours(self, prices: Prices) -> tuple[float, Floats]:
        """What staff would earn beyond their cost, each in their best hours; and the duties they offer."""
        space = self.space
        offered: Floats = np.zeros(prices.duty.shape)
        if not len(space.staff_ids) or not len(space.item_ids):
            return 0.0, offered
        pay = np.full((len(space.staff_ids), space.ranks), -np.inf)
        whose = np.zeros(pay.shape, np.int64)
        for item, length in enumerate(space.length.tolist()):
            hourly = np.where(space.free[item], prices.duty[item] / length, -np.inf)
            for shift in range(length):
                moved = np.full(pay.shape, -np.inf)
                moved[:, shift:] = hourly[:, : space.ranks - shift]
                better = moved > pay
                pay = np.where(better, moved, pay)
                whose = np.where(better, item * space.ranks + np.arange(space.ranks) - shift, whose)
        pay = np.maximum(pay - space.block_cost[:, None], 0.0)
        order = np.argsort(-pay, axis=1, kind="stable")
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.broadcast_to(np.arange(space.ranks), order.shape), axis=1)
        works = (place < space.max_blocks[:, None]) & (pay > 0)
        duty = whose[works]
        offered = added_up(duty, 1.0 / space.length[duty // space.ranks], offered.size).reshape(offered.shape)
        return float(pay[works].sum()), offered


def by_option_and_value(option: Ints, value: Floats) -> tuple[Ints, float]:
    """
    The order by option, dearest first within each, and how far values may lie apart that count as equal in it.

    One sort of one key is several times faster than two; what its rounding hides is then granted to every person.
    """
    low, high = float(value.min(initial=0.0)), float(value.max(initial=0.0))
    order: Ints = np.argsort(option + (high - value) / max((high - low) * (1 + 1e-9), 1e-9))
    return order, (high - low) * (2.0 + float(option.max(initial=0))) * 4 * float(np.finfo(np.float64).eps)


def first_prices(space: Space) -> Prices:
    """Prices to begin with: a person's share of the best full class, a duty's own cost."""
    options, pairs = space.options, space.pairs
    dear = float(np.mean(space.block_cost)) if len(space.block_cost) else 0.0
    person = space.unplaced_cost.copy()
    if options.count:
        fixed = options.open_cost + options.tier_cost.min(axis=1)
        fixed = fixed + dear * (space.staff_needed * space.length)[options.item]
        np.minimum.at(person, pairs.request, pairs.cost + (fixed / np.maximum(options.places, 1))[pairs.option])
    duty = np.zeros((len(space.item_ids), space.ranks)) + dear * space.length[:, None]
    return Prices(person=person, duty=duty)
