"""When a message that could not be delivered is tried again, and when no more."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

MOST_ATTEMPTS = 12
FIRST = timedelta(seconds=10)
FACTOR = 3
LONGEST = timedelta(hours=12)
# Messages that failed together, as when a server was away, do not come back together.
JITTER = 0.2


def pause_after(attempts: int, key: UUID, *, asked: timedelta | None = None) -> timedelta:
    """
    How long to wait after so many failed attempts, 1 or more: threefold each time, 12 hours at most.

    All together it is about two days. Up to a fifth more or less, by the message's own id. Who was asked to wait longer
    waits.
    """
    pause: timedelta = min(FIRST * FACTOR ** (attempts - 1), LONGEST)
    chance = int.from_bytes(sha256(f"{key} {attempts}".encode()).digest()[:8]) / 2**64
    return max(pause * (1 - JITTER + 2 * JITTER * chance), asked or timedelta())
