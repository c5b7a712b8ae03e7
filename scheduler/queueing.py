"""
Whom freed places go to: first come, first served, and groups are neither split nor starved.

A group that does not fit may be passed by smaller ones, so that places do not stand empty for its sake; but only so
many times. After that whatever is freed is kept for it until it fits. A firm that waits for more than one thing gets no
more than its share of the session by all of them.

Beside the places that are open to all there may be those of tiers, which only some may draw on, the lowest tier's
first. Nobody is passed by those who take what they could not have had.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiter:
    """
    One firm in the queue of a session: for how many people, how often it was passed, what is kept for it there.

    `share` is how many more places of the session its firm may take; None where that does not matter.
    """

    id: int
    people: int
    passed: int = 0
    kept: int = 0
    firm: int = 0
    share: int | None = None
    draws_on: tuple[int, ...] = ()  # the tiers' shares that it may draw on, in this order

    @property
    def needs(self) -> int:
        """How many more places it takes until the group fits."""
        return max(self.people - self.kept, 0)


@dataclass(slots=True)
class Decision:
    """
    Whom places are offered to, who was passed how many times, and how many places are kept for whom.

    `drawn` says how many of what is offered or kept comes from which share; the others are open ones.
    """

    offered: list[int] = field(default_factory=list)
    passes: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)
    drawn: dict[int, dict[int, int]] = field(default_factory=dict)


OPEN = 0  # no tier's share has this key


@dataclass(slots=True)
class Stock:
    """What is left to give: places open to all, and those of each tier's share."""

    left: dict[int, int]

    def within_reach(self, waiter: Waiter) -> list[int]:
        """Where a waiter's places may come from, the lowest tier first, what is open to all last."""
        return [source for source in (*waiter.draws_on, OPEN) if self.left.get(source, 0) > 0]

    def reachable(self, waiter: Waiter) -> int:
        """How many places a waiter could have."""
        return sum(self.left[source] for source in self.within_reach(waiter))

    def take(self, waiter: Waiter, people: int) -> Counter[int]:
        """Take places for a waiter, and say how many came from where."""
        taken = Counter[int]()
        for source in self.within_reach(waiter):
            taken[source] = min(self.left[source], people - taken.total())
            self.left[source] -= taken[source]
        return +taken


def decide(
    places: int, queue: Sequence[Waiter], *, most_passes: int, shares: Mapping[int, int] | None = None
) -> Decision:
    """Give open places, and those of tiers' shares, to a queue in its order; what is left over stays as it is."""
    decision, passed, given = Decision(), list[Waiter](), Counter[int]()
    stock = Stock({OPEN: places, **(shares or {})})
    for waiter in queue:
        reachable = stock.reachable(waiter)
        if reachable <= 0:
            continue
        if waiter.share is not None and given[waiter.firm] + waiter.needs > waiter.share:
            continue
        if waiter.needs <= reachable:
            decision.offered.append(waiter.id)
            taken = give(decision, stock, waiter, waiter.needs)
            given[waiter.firm] += waiter.needs
            for earlier in passed:
                if any(source in (*earlier.draws_on, OPEN) for source in taken):
                    decision.passes[earlier.id] = decision.passes.get(earlier.id, 0) + 1
        else:
            passed.append(waiter)
        for tired in [each for each in passed if is_tired(each, decision, most_passes)]:
            if more := stock.reachable(tired):
                decision.kept[tired.id] = more
                give(decision, stock, tired, more)
    return decision


def give(decision: Decision, stock: Stock, waiter: Waiter, people: int) -> Counter[int]:
    """Take places for a waiter and write down which came from shares."""
    taken = stock.take(waiter, people)
    if drawn := {source: number for source, number in taken.items() if source != OPEN}:
        decision.drawn[waiter.id] = drawn
    return taken


def is_tired(waiter: Waiter, decision: Decision, most_passes: int) -> bool:
    """Whether a group was passed as often as one may be, or has places kept already: it is passed no more."""
    return waiter.kept > 0 or waiter.passed + decision.passes.get(waiter.id, 0) >= most_passes
