"""A better bound, circle by circle: the people of one item under one top solved whole, staff and rooms at prices."""

from dataclasses import dataclass, replace

import numpy as np

from scheduler.allocation.ascent import Proof
from scheduler.allocation.draft import Draft
from scheduler.allocation.following import Following
from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import ScopeModel, model_of
from scheduler.allocation.prices import Judge, added_up
from scheduler.allocation.scope import scope_of
from scheduler.allocation.space import Floats, Ints, Options, Space

# Above so many requests the model of one circle takes longer than its bound is worth.
MANY_REQUESTS = 60
# Places that cost one person so much more than their price are left out of the model, and that much is charged.
MARGINS = (0.1, 0.3)
NODES = 500


class ItemBounds:
    """At fixed prices the circles fall apart; each one's share of the bound is raised by itself."""

    def __init__(self, space: Space, proof: Proof) -> None:
        """Take the prices' own bound, circle by circle, with a price for every room that is wanted too often."""
        self.space, self.proof = space, proof
        judge = Judge(space)
        gain = judge.classes(proof.prices)[0]
        rent, paid = room_rents(space, judge, gain)
        self.rent, self.gain = rent, gain - rent
        self.circle, self.asking_circle = space.circles(), space.asking_circle()
        worth = np.where(space.options.pinned, self.gain, np.maximum(self.gain, 0.0))
        worth = np.where(np.isfinite(worth), worth, 0.0)
        due = added_up(self.asking_circle, space.people * proof.prices.person, space.circle_count)
        self.shares = due - added_up(self.circle, worth, space.circle_count)
        self.rest = space.base - judge.hours(proof.prices)[0] - paid
        served = np.zeros(len(space.people), bool)
        served[space.pairs.request] = True
        asked = added_up(self.asking_circle, (served & (space.people > 0)).astype(float), space.circle_count)
        order = [n for n in np.argsort(asked, kind="stable").tolist() if 0 < asked[n] <= MANY_REQUESTS]
        self.todo = [(margin, circle) for margin in MARGINS for circle in order]
        self.settled: set[int] = set()

    @property
    def bound(self) -> float:
        """What any plan costs at least, as far as is known."""
        return self.rest + float(self.shares.sum())

    def propose(self, effort: Effort) -> "ItemModel | None":
        """The next circle at its next margin, None when all are done."""
        while self.todo:
            margin, circle = self.todo.pop(0)
            if circle not in self.settled:
                return self.model(circle, margin, replace(effort, gap=1e-3, nodes=NODES))
        return None

    def settle(self, proposal: "ItemModel", outcome: Outcome) -> None:
        """Raise the circle's share if its model proves more."""
        found = proposal.constant + outcome.bound
        self.shares[proposal.circle] = max(self.shares[proposal.circle], found - 1e-6 * abs(found))
        if not outcome.proven:
            self.settled.add(proposal.circle)

    def model(self, circle: int, margin: float, effort: Effort) -> "ItemModel":
        """
        One circle's model, where everything dearer by the margin is charged just that.

        An option that loses the extra for each of its places, and a pair that costs so much beyond the person's price,
        may be replaced by being served anywhere at price and extra: that only lowers the cost.
        """
        space, options, pairs = self.space, self.space.options, self.space.pairs
        person, asking = self.proof.prices.person, self.asking_circle == circle
        dear = float(np.abs(person[asking]) @ space.people[asking]) / max(1, int(space.people[asking].sum()))
        extra = margin * dear
        elsewhere: Floats = np.minimum(person + extra, space.unplaced_cost)
        kept = (self.circle == circle) & ((self.gain > -extra * options.places) | options.pinned)
        chosen = np.nonzero(kept[pairs.option] & (pairs.cost - person[pairs.request] < extra))[0]
        duty = space.staff_needed[options.item] * self.proof.prices.duty[options.item, options.start]
        priced = replace(
            space,
            options=relaxed(options, options.open_cost + duty + self.rent),
            unplaced_cost=elsewhere,
            staff_ids=(),
            staff_needed=np.zeros_like(space.staff_needed),
            free=space.free[:, :0],
            block_cost=space.block_cost[:0],
            max_blocks=space.max_blocks[:0],
            following=Following.none(len(space.people), space.ranks),
        )
        written = model_of(scope_of(priced, Draft(), np.nonzero(kept)[0], chosen))
        alone = asking.copy()
        alone[written.asked] = False
        return ItemModel(circle, written, float((space.people * elsewhere)[alone].sum()), effort)


def relaxed(options: Options, open_cost: Floats) -> Options:
    """
    Options whose people may be served elsewhere: no least class, and no tier dearer than one above it.

    Whoever makes a session's class large enough, or its tier a higher and cheaper one, may be among those left out.
    """
    tier_cost = np.minimum.accumulate(options.tier_cost[:, ::-1], axis=1)[:, ::-1]
    return replace(options, open_cost=open_cost, least=0 * options.least, tier_cost=tier_cost)


def room_rents(space: Space, judge: Judge, gain: Floats) -> tuple[Floats, float]:
    """
    What a room at a block is worth to whoever is the first to get none, by option; and all rents together.

    With these rents each option decides by itself, and together they decide no better than when they share rooms.
    """
    options, ranks = space.options, space.ranks
    rents = np.zeros(len(space.site_ids) * ranks)
    single = np.nonzero((gain > 0) & ~options.pinned & (judge.length == 1))[0]
    spot = options.site[single] * ranks + options.start[single]
    order = np.lexsort((-gain[single], spot))
    spot, option = spot[order], single[order]
    if len(spot):
        place = np.arange(len(spot)) - np.searchsorted(spot, spot)
        first_out = place == judge.rooms[option]
        rents[spot[first_out]] = gain[option[first_out]]
    rooms = np.array([space.index.sites[site].rooms for site in space.site_ids], np.int64)
    paid = float((rents.reshape(len(rooms), ranks) * np.maximum(rooms, 0)[:, None]).sum())
    return rents_of(space, rents), paid


def rents_of(space: Space, rents: Floats) -> Floats:
    """By option, the rents of all blocks it fills."""
    options, ranks = space.options, space.ranks
    length: Ints = space.length[options.item]
    rent = np.zeros(options.count)
    for shift in range(int(length.max(initial=1))):
        longer = np.nonzero(length > shift)[0]
        rent[longer] += rents[options.site[longer] * ranks + options.start[longer] + shift]
    return rent


@dataclass(frozen=True, slots=True)
class ItemModel:
    """One circle's model; the constant is for requests that it does not hold."""

    circle: int
    written: ScopeModel
    constant: float
    effort: Effort

    def solve(self) -> Outcome:
        """Solve it; this touches nothing that others share."""
        return solve(self.written.model, self.effort)
