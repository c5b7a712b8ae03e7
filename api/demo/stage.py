"""What the demo is played with: the people, the clock, the worker, chance, and what is written down of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random
from typing import Any, Protocol

from api.demo.people import Crowd, Person
from models.identifiers import IdentityDocument
from scheduler.calendar import SHANGHAI
from scheduler.clock import SetClock
from scheduler.district.values import District
from scheduler.seeding.accounts import Logins

WATCHED = ("places booked by name", "people who came", "certificates issued", "certificates renewed")


def item_key(item: Mapping[str, Any]) -> str:
    """How the district names an item: its code, with the scope limit where it carries one."""
    return f"{item['code']}-{item['scopeLimit']}" if item["scopeLimit"] else f"{item['code']}"


class Timely(Protocol):
    """Whoever does what falls due: one worker node, or several."""

    async def next_due(self) -> datetime | None:
        """The earliest moment at which there is something to do."""

    async def run_due(self) -> int:
        """Do all that is due at the clock's present moment; how much it was."""


@dataclass
class Ledger:
    """What is told at the end."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    objections: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)

    def hear(self, party: str, kind: str) -> None:
        """Note an objection in the round that is now consulted on."""
        self.objections.append({"round": len(self.rounds) + 1, "party": party, "kind": kind})


@dataclass(kw_only=True)
class Cast:
    """Everybody of a running Doorstep's district, and what they have done."""

    crowd: Crowd
    district: District
    logins: Logins
    ledger: Ledger = field(default_factory=Ledger)
    asking_firms: set[str] = field(default_factory=set)
    named_later: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def bureau(self) -> Person:
        """The first bureau's clerk."""
        root = next(node.code for node in self.district.jurisdictions if node.parent is None)
        return self.crowd(self.logins.jurisdictions[root])

    @property
    def exam_body(self) -> Person:
        """The exam body's clerk."""
        return self.crowd(next(iter(self.logins.exam_bodies.values())))


@dataclass(kw_only=True)
class Stage(Cast):
    """The cast with a clock that is set by hand."""

    clock: SetClock
    worker: Timely
    chance: Random
    tell: Callable[[str], None]
    watch: Callable[[str], None]
    papers: Iterator[tuple[IdentityDocument, date]]
    just_booked: list[tuple[str, str]] = field(default_factory=list)
    named_on: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def say(self, words: str) -> None:
        """Tell whoever watches where the play is, and at what time."""
        self.tell(f"  {self.clock().astimezone(SHANGHAI):%Y-%m-%d %H:%M}  {words}")

    def show(self) -> None:
        """Show the day that it is on the stage, and how far everybody has come."""
        done = ", ".join(f"{self.ledger.counts[name]:,} {name}" for name in WATCHED if self.ledger.counts[name])
        self.watch(f"{self.clock().astimezone(SHANGHAI):%Y-%m-%d}  {done}")

    async def wait_until(self, moment: datetime) -> None:
        """Let time pass from due time to due time; the worker does at each what falls due."""
        while (due := await self.worker.next_due()) is not None and due <= moment:
            self.clock.advance_to(due)
            self.show()
            await self.worker.run_due()
        self.clock.advance_to(moment)
        await self.worker.run_due()
