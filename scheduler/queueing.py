"""
Whom freed places go to: first come, first served, and groups are neither split nor starved.

A group that does not fit may be passed by smaller ones, so that places do not stand empty for its sake; but only so
many times. After that whatever is freed is kept for it until it fits. A firm that waits for more than one thing gets no
more than its share of the session by all of them.
"""

from collections import Counter
from collections.abc import Sequence
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

    @property
    def needs(self) -> int:
        """How many more places it takes until the group fits."""
        return max(self.people - self.kept, 0)


@dataclass(slots=True)
class Decision:
    """Whom places are offered to, who was passed how many times, and how many places are kept for whom."""

    offered: list[int] = field(default_factory=list)
    passes: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)


def decide(places: int, queue: Sequence[Waiter], *, most_passes: int) -> Decision:
    """Give open places to a queue in its order; what is left over is open to everyone."""
    decision, passed, given = Decision(), list[Waiter](), Counter[int]()
    for waiter in queue:
        if places <= 0:
            break
        if waiter.share is not None and given[waiter.firm] + waiter.needs > waiter.share:
            continue
        if waiter.needs <= places:
            decision.offered.append(waiter.id)
            places -= waiter.needs
            given[waiter.firm] += waiter.needs
            for earlier in passed:
                decision.passes[earlier.id] = decision.passes.get(earlier.id, 0) + 1
        else:
            passed.append(waiter)
        first_tired = next((each for each in passed if is_tired(each, decision, most_passes)), None)
        if first_tired and places:
            decision.kept[first_tired.id] = places
            break
    return decision


def is_tired(waiter: Waiter, decision: Decision, most_passes: int) -> bool:
    """Whether a group was passed as often as one may be, or has places kept already: it is passed no more."""
    return waiter.kept > 0 or waiter.passed + decision.passes.get(waiter.id, 0) >= most_passes
