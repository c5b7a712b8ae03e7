"""A plan with the prices that its problem puts on people and staff: what questions about it are answered from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduler.allocation.ascent import Ascent, Proof
from scheduler.allocation.options import space_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.prices import Judge, Prices, first_prices
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Space
from scheduler.allocation.standing import Standing

# After so many steps the prices of a month lie within a few per cent of the best ones.
ROUNDS = 120


@dataclass(frozen=True, slots=True)
class Outlook:
    """
    A plan, what it leaves free, and prices: what seating one more person is worth, what one more duty of staff.

    Attributes:
        proof: The prices, and what holding each option would earn at them.
    """

    plan: Plan
    space: Space
    standing: Standing
    judge: Judge
    proof: Proof

    @classmethod
    def of(
        cls, problem: Problem, plan: Plan, *, rounds: int = ROUNDS, stop: Callable[[], bool] = lambda: False
    ) -> "Outlook":
        """Find the prices, which takes a few seconds for a district's month; every question after that is quick."""
        space = space_of(problem)
        ascent = Ascent(space)
        proof = ascent.climb(rounds, known=ascent.towards(plan.objective), stop=stop)
        return cls(plan, space, Standing.of(space.index, plan), ascent.judge, proof)

    @property
    def problem(self) -> Problem:
        """What the plan answers."""
        return self.space.index.problem


def carried_over(outlook: Outlook, space: Space) -> Prices:
    """The prices in the space of a changed problem; who and what is new gets a first price."""
    old, first, prices = outlook.space, first_prices(space), outlook.proof.prices
    person = dict(zip(old.request_ids, prices.person.tolist(), strict=True))
    carried = [person.get(request, float(first.person[n])) for n, request in enumerate(space.request_ids)]
    duty = first.duty
    if old.index.rank == space.index.rank:
        position = {item: n for n, item in enumerate(old.item_ids)}
        rows = [prices.duty[position[i]] if i in position else duty[n] for n, i in enumerate(space.item_ids)]
        duty = np.array(rows).reshape(duty.shape)
    return Prices(person=np.minimum(np.array(carried), space.unplaced_cost), duty=duty)
