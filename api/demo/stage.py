"""What the play is played with: the people, the clock, the worker, chance, and what is written down of it."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from api.demo.people import Crowd, Person
from scheduler.calendar import SHANGHAI
from scheduler.clock import SetClock
from scheduler.district.values import District
from scheduler.seeding.accounts import Logins
from scheduler.worker import Worker


@dataclass
class Ledger:
    """What is told at the end."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    objections: Counter[str] = field(default_factory=Counter)
    silences: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass
class Stage:
    """A running Doorstep with a clock that is set by hand."""

    crowd: Crowd
    clock: SetClock
    worker: Worker
    district: District
    logins: Logins
    chance: Random
    tell: Callable[[str], None]
    ledger: Ledger = field(default_factory=Ledger)
    asking_firms: set[str] = field(default_factory=set)
    named_later: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    named_on: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def say(self, words: str) -> None:
        """Tell whoever watches where the play is, and at what time."""
        self.tell(f"  {self.clock().astimezone(SHANGHAI):%Y-%m-%d %H:%M}  {words}")

    @property
    def bureau(self) -> Person:
        """The first bureau's clerk."""
        root = next(node.code for node in self.district.jurisdictions if node.parent is None)
        return self.crowd(self.logins.jurisdictions[root])

    @property
    def exam_body(self) -> Person:
        """The exam body's clerk."""
        return self.crowd(next(iter(self.logins.exam_bodies.values())))

    async def wait_until(self, moment: datetime) -> None:
        """Let time pass from due time to due time; the worker does at each what falls due."""
        while (due := await self.worker.next_due()) is not None and due <= moment:
            self.clock.advance_to(due)
            await self.worker.run_due()
        self.clock.advance_to(moment)
        await self.worker.run_due()
