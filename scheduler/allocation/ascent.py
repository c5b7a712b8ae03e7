"""Improving the prices: steps along what is short and what is wanted, smoothed, shorter when they stop helping."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduler.allocation.prices import Judge, Prices, Verdict, added_up, first_prices
from scheduler.allocation.space import Floats, Space

SMOOTHING = 0.4
PATIENCE = 8
SHORTEST_STRIDE = 2e-3
MEMORY = 0.97
# However near a circle's part of the bound comes to its cost, it is asked for so much more.
LEAST_MISSING = 0.01


@dataclass(frozen=True, slots=True)
class Proof:
    """
    The best bound found and what it teaches.

    Attributes:
        prices: Those that gave the bound.
        gain: By option, what holding it earns at these prices.
        held: By option, how far it was held on average lately: a hint of what a good plan holds.
        seated: Likewise by pair.
    """

    bound: float
    prices: Prices
    gain: Floats
    held: Floats
    seated: Floats


@dataclass(frozen=True, slots=True)
class Known:
    """What a known plan costs: all of it, and by circle."""

    cost: float
    circles: Floats


class Ascent:
    """A search for the best prices of one space, in rounds that can be taken up again."""

    def __init__(self, space: Space) -> None:
        self.space, self.judge = space, Judge(space)
        self.circle, self.asking_circle = space.circles(), space.asking_circle()
        self.prices = first_prices(space)
        self.pull: tuple[Floats | float, Floats | float] = (0.0, 0.0)
        self.stride, self.stale = 1.0, 0
        verdict = self.judge.judge(self.prices)
        self.held, self.seated = verdict.held.copy(), verdict.seated.copy()
        self.best = self.proof_of(verdict)
        self.verdict = verdict

    @property
    def moving(self) -> bool:
        """Whether steps are still long enough to matter."""
        return self.stride > SHORTEST_STRIDE

    def proof_of(self, verdict: Verdict) -> Proof:
        """A verdict on the present prices as a proof."""
        return Proof(verdict.bound, self.prices, verdict.gain, self.held, self.seated)

    def towards(self, cost: float) -> Known:
        """A known cost that nobody has split into circles, in proportion to what the prices say of them."""
        parts = np.maximum(self.worth(), 0.0)
        return Known(cost, parts * cost / max(float(parts.sum()), 1e-9))

    def climb(self, rounds: int, *, known: Known, stop: Callable[[], bool]) -> Proof:
        """Go on for some rounds, towards the cost of a known plan."""
        for _ in range(rounds):
            if stop() or not self.moving:
                break
            self.step(known)
        self.best = Proof(self.best.bound, self.best.prices, self.best.gain, self.held, self.seated)
        return self.best

    def step(self, known: Known) -> None:
        """One step from the present prices; people's prices move circle by circle, each towards its own cost."""
        smooth = 1 - SMOOTHING
        short = SMOOTHING * self.verdict.short + smooth * self.pull[0]
        wanted = SMOOTHING * self.verdict.wanted + smooth * self.pull[1]
        self.pull = (short, wanted)
        weight = 1.0 / np.maximum(self.space.people, 1)
        norms = added_up(self.asking_circle, short * short * weight, len(known.circles))
        missing = np.maximum(known.circles - self.worth(), LEAST_MISSING * np.abs(known.circles))
        reach = self.stride * (missing / np.maximum(norms, 1e-9))[self.asking_circle]
        norm = float(norms.sum() + (wanted * wanted).sum() * DUTY_SCALE)
        duty = self.stride * DUTY_SCALE * max(known.cost - self.verdict.bound, 1e-6) / max(norm, 1e-9)
        self.prices = Prices(
            person=np.minimum(self.prices.person + reach * short * weight, self.space.unplaced_cost),
            duty=np.maximum(self.prices.duty + duty * wanted, 0.0),
        )
        self.verdict = self.judge.judge(self.prices)
        self.held = MEMORY * self.held + (1 - MEMORY) * self.verdict.held
        self.seated = MEMORY * self.seated + (1 - MEMORY) * self.verdict.seated
        self.note()

    def worth(self) -> Floats:
        """By circle, its part of the present bound."""
        gain = np.where(self.verdict.held > 0, np.where(np.isfinite(self.verdict.gain), self.verdict.gain, 0.0), 0.0)
        count = self.space.circle_count
        due = added_up(self.asking_circle, self.space.people * self.prices.person, count)
        return due - added_up(self.circle, self.verdict.held * gain, count)

    def note(self) -> None:
        """Keep the best bound; after too long without a better one, return to it with a shorter stride."""
        gained = self.verdict.bound - self.best.bound
        if gained > 0:
            self.best = self.proof_of(self.verdict)
        self.stale = 0 if gained > 1e-5 * abs(self.best.bound) else self.stale + 1
        if self.stale > PATIENCE:
            self.stale, self.stride = 0, self.stride * 0.6
            self.prices, self.pull = self.best.prices, (0.0, 0.0)
            self.verdict = self.judge.judge(self.prices)


DUTY_SCALE = 3.0
