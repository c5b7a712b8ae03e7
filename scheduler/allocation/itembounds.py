"""A better bound, item by item: the people of one item solved whole, staff still at their prices."""

from dataclasses import dataclass, replace

import numpy as np

from scheduler.allocation.ascent import Proof
from scheduler.allocation.draft import Draft
from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import ScopeModel, model_of
from scheduler.allocation.prices import Judge
from scheduler.allocation.scope import scope_of
from scheduler.allocation.space import Floats, Space

# Above so many requests the model of one item takes longer than its bound is worth.
MANY_REQUESTS = 45
# Places that cost one person so much more than their price are left out of the model, and that much is charged.
MARGINS = (0.1, 0.25)
NODES = 200


class ItemBounds:
    """At fixed prices the items fall apart; each one's share of the bound is raised by itself."""

    def __init__(self, space: Space, proof: Proof) -> None:
        """Take the prices' own bound, item by item; rooms that items share are not counted."""
        self.space, self.proof = space, proof
        judge = Judge(space)
        self.gain = judge.classes(proof.prices)[0]
        self.item_of = np.array([self.item_number(i) for i in space.request_ids], np.int64)
        worth = np.where(space.options.pinned, self.gain, np.maximum(self.gain, 0.0))
        worth = np.where(np.isfinite(worth), worth, 0.0)
        due = space.people * proof.prices.person
        self.shares = {
            item: float(due[self.item_of == item].sum() - worth[space.options.item == item].sum())
            for item in range(len(space.item_ids))
        }
        self.rest = space.base - judge.hours(proof.prices)[0]
        self.todo = [
            (margin, item)
            for margin in MARGINS
            for item in sorted(self.shares, key=self.requests_for)
            if 0 < self.requests_for(item) <= MANY_REQUESTS
        ]

    @property
    def bound(self) -> float:
        """What any plan costs at least, as far as is known."""
        return self.rest + sum(self.shares.values())

    def item_number(self, request: str) -> int:
        """Position of the item a request asks for."""
        return self.space.item_ids.index(self.space.index.requests[request].item)

    def requests_for(self, item: int) -> int:
        """How many requests ask for an item."""
        return int((self.item_of == item).sum())

    def propose(self, effort: Effort) -> "ItemModel | None":
        """The next item at its next margin, None when all are done."""
        if not self.todo:
            return None
        margin, item = self.todo.pop(0)
        asking = self.item_of == item
        extra = margin * float(np.average(self.proof.prices.person[asking], weights=self.space.people[asking]))
        return self.model(item, extra, replace(effort, gap=1e-3, nodes=NODES))

    def settle(self, proposal: "ItemModel", outcome: Outcome) -> None:
        """Raise the item's share if its model proves more."""
        found = proposal.constant + outcome.bound
        self.shares[proposal.item] = max(self.shares[proposal.item], found - 1e-7 * abs(found))

    def model(self, item: int, extra: float, effort: Effort) -> "ItemModel":
        """
        One item's model, where everything dearer by the extra is charged just that.

        An option that loses the extra for each of its places, and a pair that costs so much beyond the person's price,
        may be replaced by being served anywhere at price and extra: that only lowers the cost.
        """
        space, options, pairs = self.space, self.space.options, self.space.pairs
        person = self.proof.prices.person
        elsewhere: Floats = np.minimum(person + extra, space.unplaced_cost)
        near = (self.gain > -extra * options.places) | options.pinned
        kept = near & (options.item == item)
        chosen = np.nonzero(kept[pairs.option] & (pairs.cost - person[pairs.request] < extra))[0]
        duty = space.staff_needed[options.item] * self.proof.prices.duty[options.item, options.start]
        priced = replace(
            space,
            options=replace(options, open_cost=options.open_cost + duty, least=np.zeros_like(options.least)),
            unplaced_cost=elsewhere,
            staff_needed=np.zeros_like(space.staff_needed),
        )
        written = model_of(scope_of(priced, Draft(), np.nonzero(kept)[0], chosen))
        alone = self.item_of == item
        alone[written.asked] = False
        return ItemModel(item, written, float((space.people * elsewhere)[alone].sum()), effort)


@dataclass(frozen=True, slots=True)
class ItemModel:
    """One item's model; the constant is for requests that it does not hold."""

    item: int
    written: ScopeModel
    constant: float
    effort: Effort

    def solve(self) -> Outcome:
        """Solve it; this touches nothing that others share."""
        return solve(self.written.model, self.effort)
