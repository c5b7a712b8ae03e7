"""The first plan: again and again the session that serves people most cheaply, until nothing is worth it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from scheduler.allocation.draft import Draft, at_rest, cost_of, rooms_left, slack_of
from scheduler.allocation.following import NONE, room_to_begin
from scheduler.allocation.space import Bools, Floats, Ints, Space
from scheduler.allocation.staffing import Staffing

NO_OFFER = (1.0, -1)
"""A class that costs all it saves is not worth holding."""


@dataclass(frozen=True, slots=True)
class Stars:
    """The pairs of one item under one top jurisdiction, cheapest first within each option."""

    options: Ints
    pairs: Ints
    segment: Ints
    first: Ints

    @classmethod
    def of(cls, space: Space, mine: Ints) -> "Stars":
        """Sort some of the pairs."""
        mine = mine[np.lexsort((space.pairs.cost[mine], space.pairs.option[mine]))]
        owner = space.pairs.option[mine]
        first = np.nonzero(np.r_[True, owner[1:] != owner[:-1]])[0] if len(owner) else np.zeros(0, np.int64)
        size = np.diff(np.r_[first, len(owner)])
        return cls(options=owner[first], pairs=mine, segment=np.repeat(np.arange(len(first)), size), first=first)

    def where(self, kept: Bools) -> tuple["Stars", Ints]:
        """Only some of the pairs, and the positions of the options that still have any."""
        segment = self.segment[kept]
        new = np.r_[True, segment[1:] != segment[:-1]] if len(segment) else np.zeros(0, bool)
        first = np.nonzero(new)[0]
        rows = segment[first]
        return Stars(self.options[rows], self.pairs[kept], np.cumsum(new) - 1, first), rows


def neighbours_of(circle: int, circles: Iterable[int], tops: int) -> list[int]:
    """Those of the circles that share a top jurisdiction, and so sites, with one of them."""
    return [other for other in circles if other % tops == circle % tops]


class Greedy:
    """Builds a draft star by star; names are given at once, so that every step is a plan."""

    def __init__(
        self,
        staffing: Staffing,
        draft: Draft | None = None,
        *,
        worth: Floats | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        space = staffing.space
        self.space, self.staffing, self.stop = space, staffing, stop
        self.worth = space.unplaced_cost if worth is None else worth
        self.draft = draft.copy() if draft else Draft()
        self.people = space.people.copy()
        self.rooms = rooms_left(space, self.draft.seats)
        self.usable = ~at_rest(space, self.draft.seats)
        self.busy = np.zeros((len(space.staff_ids), space.ranks), bool)
        self.blocks = space.max_blocks.copy()
        for option, there in self.draft.seats.items():
            self.usable[option] = False
            for pair, count in there.items():
                self.people[space.pairs.request[pair]] -= count
            for who in self.draft.staff.get(option, ()):
                self.busy[who, space.span(option)] = True
                self.blocks[who] -= len(space.span(option))
        self.to_begin = self.room_to_begin()
        self.follows = bool(len(space.following.later))
        needed = space.staff_needed[space.options.item]
        dear = float(np.mean(space.block_cost)) if len(space.block_cost) else 0.0
        self.fixed = space.options.open_cost + dear * needed * space.length[space.options.item]

    def fill(self) -> Draft:
        """Add stars while they save money."""
        for option in np.nonzero(self.space.options.pinned)[0].tolist():
            if option not in self.draft.seats and self.usable[option]:
                self.hold(option)
        circles, tops = self.space.circles(), max(1, len(self.space.tops()))
        circle = circles[self.space.pairs.option]
        stars = {n: Stars.of(self.space, np.nonzero(circle == n)[0]) for n in np.unique(circle).tolist()}
        ratios = {n: self.ratios(star) for n, star in stars.items()}
        offers = {n: self.offer(star, ratios[n]) for n, star in stars.items()}
        while not self.stop() and (best := min(offers.values(), default=NO_OFFER)) < NO_OFFER:
            n, option = int(circles[best[1]]), best[1]
            touched = self.touched_by(option, n, circle) if self.hold(option) else []
            self.usable[option] = False
            ratios.update({other: self.ratios(stars[other]) for other in touched})
            # A session takes rooms from the other items under its top jurisdiction, and from nobody else.
            again = {n, *touched, *(neighbours_of(n, stars, tops) if touched else [])}
            offers.update({other: self.offer(stars[other], ratios[other]) for other in again})
        self.draft.cost = cost_of(self.space, self.draft.seats, self.draft.staff)
        return self.draft

    def ratios(self, star: Stars) -> Floats:
        """By option of a star list, the share of its worth that its best class costs; one or more is not worth it."""
        space, options = self.space, self.space.options
        best = np.full(len(star.options), np.inf)
        gone = space.together & (self.people < space.people)
        left = np.where(gone, 0, self.people)[space.pairs.request[star.pairs]]
        worth, cost = self.worth[space.pairs.request[star.pairs]], space.pairs.cost[star.pairs]
        wanted = (left > 0) & (cost < worth)
        star, rows = star.where(wanted)
        worth, cost, pairs = worth[wanted], cost[wanted], star.pairs
        left = np.minimum(left[wanted], self.may_begin(pairs)) if self.follows else left[wanted]
        places, least = (of[star.options][star.segment] for of in (options.places, options.least))
        cheapest = np.full(len(rows), np.inf)
        for step in range(options.tier_cost.shape[1]):
            cap = np.where(space.pairs.step[pairs] <= step, np.minimum(space.pairs.cap[pairs], left), 0)
            seated = np.cumsum(cap)
            seated = seated - (seated[star.first] - cap[star.first])[star.segment]
            take = np.clip(places - (seated - cap), 0, cap)
            fixed = (self.fixed + options.tier_cost[:, step])[star.options]
            spent = self.running(take * cost, star) + fixed[star.segment]
            saved = self.running(take * worth, star)
            enough = (take > 0) & (np.minimum(seated, places) >= least)
            share = np.where(enough, spent / np.maximum(saved, 1e-9), np.inf)
            if len(share):
                cheapest = np.minimum(cheapest, np.minimum.reduceat(share, star.first))
        best[rows] = cheapest
        return best

    def running(self, values: Floats, star: Stars) -> Floats:
        """Sums up to each pair within its option."""
        total = np.cumsum(values)
        sums: Floats = total - (total[star.first] - values[star.first])[star.segment]
        return sums

    def offer(self, star: Stars, ratios: Floats) -> tuple[float, int]:
        """The cheapest class of a star list that rooms allow, and its option; or that there is none worth it."""
        ratio = np.where(self.allowed(star.options), ratios, np.inf)
        at = int(ratio.argmin())
        return (float(ratio[at]), int(star.options[at])) if ratio[at] < 1 else NO_OFFER

    def allowed(self, options: Ints) -> Bools:
        """By option, whether it is unused and a room is left on all its blocks."""
        space = self.space
        allowed = self.usable[options].copy()
        start, length = space.options.start[options], space.length[space.options.item[options]]
        for shift in range(int(length.max(initial=1))):
            rank = np.minimum(start + shift, space.ranks - 1)
            allowed &= (shift >= length) | (self.rooms[space.options.site[options], rank] > 0)
        return allowed

    def hold(self, option: int) -> bool:
        """Seat the best class of an option and name its staff, if both can be done."""
        there = self.best_class(option)
        pinned = bool(self.space.options.pinned[option])
        if not (there or pinned) or self.rooms[self.space.options.site[option], self.space.span(option)].min() < 1:
            return False
        if (names := self.names_for(option, there)) is None:
            return False
        self.draft.seats[option], self.draft.staff[option] = there, names
        for pair, count in there.items():
            self.people[self.space.pairs.request[pair]] -= count
        span = self.space.span(option)
        for who in names:
            self.busy[who, span] = True
            self.blocks[who] -= len(span)
        self.rooms[self.space.options.site[option], span] -= 1
        self.to_begin = self.room_to_begin()
        self.usable &= ~at_rest(self.space, {option: there})
        return True

    def best_class(self, option: int) -> dict[int, int]:
        """The people for whom the option is the best bargain, over all tiers."""
        best, best_saving = {}, 0.0
        for step in np.nonzero(np.isfinite(self.space.options.tier_cost[option]))[0].tolist():
            there = self.class_at(option, step)
            worth = sum(self.saving(pair) * count for pair, count in there.items())
            saving = worth - float(self.fixed[option] + self.space.options.tier_cost[option, step])
            if there and saving > best_saving:
                best, best_saving = there, saving
        return best

    def class_at(self, option: int, step: int) -> dict[int, int]:
        """Who would sit in an option consulted that far up; nobody where too few would."""
        space, places = self.space, int(self.space.options.places[option])
        there: dict[int, int] = {}
        seated: dict[int, int] = defaultdict(int)
        for pair, request, cap in self.takers(option, step):
            count = min(cap, places, self.free_at(pair, request) - seated[request])
            whole = not space.together[request] or count == space.people[request]
            if count > 0 and whole:
                there[pair] = count
                seated[request] += count
                places -= count
            if not places:
                break
        return there if sum(there.values()) >= space.options.least[option] else {}

    def takers(self, option: int, step: int) -> list[tuple[int, int, int]]:
        """Pairs of an option worth seating at the step, cheapest first, with their requests and caps."""
        pairs = np.array(self.space.pairs_of(option), np.int64)
        request, cost = self.space.pairs.request[pairs], self.space.pairs.cost[pairs]
        worth = (self.space.pairs.step[pairs] <= step) & (cost < self.worth[request]) & (self.people[request] > 0)
        pairs = pairs[worth][np.argsort(cost[worth], kind="stable")]
        columns = (pairs, self.space.pairs.request[pairs], self.space.pairs.cap[pairs])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def free_at(self, pair: int, request: int) -> int:
        """How many people of a pair's request could still begin there."""
        free, link = int(self.people[request]), int(self.space.following.link_of[request])
        if link == NONE:
            return free
        return min(free, int(self.to_begin[link, self.space.options.start[self.space.pairs.option[pair]]]))

    def room_to_begin(self) -> Ints:
        """By link and rank, how many more may begin what they must sit something else before."""
        held = {*self.draft.seats, *np.nonzero(self.space.options.pinned)[0].tolist()}
        return room_to_begin(slack_of(self.space, self.draft.seats, held))

    def may_begin(self, pairs: Ints) -> Ints:
        """By pair, how many people of its request may begin there, as far as what comes before goes."""
        link = self.space.following.link_of[self.space.pairs.request[pairs]]
        most = np.full(len(pairs), np.iinfo(np.int64).max)
        follows = np.nonzero(link != NONE)[0]
        start = self.space.options.start[self.space.pairs.option[pairs[follows]]]
        most[follows] = self.to_begin[link[follows], start]
        return most

    def touched_by(self, option: int, own: int, circle: Ints) -> list[int]:
        """The circles whose best classes a new session changes: its own, and those of people who follow its people."""
        following = self.space.following
        if not len(following.later):
            return [own]
        there = {int(self.space.pairs.request[pair]) for pair in self.draft.seats[option]}
        later = following.later[np.isin(following.earlier, list(there))]
        return sorted({own, *circle[np.isin(self.space.pairs.request, later)].tolist()})

    def saving(self, pair: int) -> float:
        """What seating one person there is worth beyond its cost."""
        return float(self.worth[self.space.pairs.request[pair]] - self.space.pairs.cost[pair])

    def names_for(self, option: int, there: dict[int, int]) -> tuple[int, ...] | None:
        """Staff who are free for it, the ones with most blocks left first."""
        space, span = self.space, self.space.span(option)
        need = int(space.staff_needed[space.options.item[option]])
        if not need:
            return ()
        could = np.array(self.staffing.could_hold(option, there), np.int64)
        idle = ~self.busy[could, span.start : span.stop].any(axis=1) & (self.blocks[could] >= len(span))
        free = could[idle].tolist()
        free.sort(key=lambda who: (space.block_cost[who], -self.blocks[who], who))
        return tuple(sorted(free[:need])) if len(free) >= need else None
