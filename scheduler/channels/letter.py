"""What a channel is given, what it answers, and what every channel is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A message to one address.

    `key` is the same each time it is sent. `secrets` sign it where its receiver checks that: the newest first.
    """

    key: UUID
    recipient: str
    subject: str
    body: str = field(repr=False)
    made_at: datetime
    address: str = field(repr=False)
    is_courtesy: bool = False
    secrets: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What came of sending a letter once.

    `failure` says in words what went wrong, naming no person, address or secret; none means delivered. A final one
    would fail again however often it is tried; `is_gone` says that nothing more is wanted at the address.
    """

    failure: str | None = None
    status: int | None = None
    is_final: bool = False
    is_gone: bool = False
    again_after: timedelta | None = None
    took_ms: int = 0


class Carrier(Protocol):
    """A channel at work: each letter is tried once, and it never raises for what the other side does."""

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome | None]:
        """Send letters; outcomes in their order, None for one that there was no time for. Within 60 seconds."""
        ...
