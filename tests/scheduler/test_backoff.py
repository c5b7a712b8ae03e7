"""Pauses between attempts."""

from datetime import timedelta
from uuid import UUID

from scheduler.backoff import MOST_ATTEMPTS, pause_after

KEY = UUID("6a1e4b57-7a52-4a1f-9d0c-0c6a3b7f1e11")


def test_pauses_grow_differ_by_message_and_are_as_long_as_was_asked() -> None:
    pauses = [pause_after(attempts, KEY) for attempts in range(1, MOST_ATTEMPTS)]

    assert pauses == [pause_after(attempts, KEY) for attempts in range(1, MOST_ATTEMPTS)]
    assert all(0.8 * 10 * 3**n <= pause.total_seconds() <= 1.2 * 10 * 3**n for n, pause in enumerate(pauses[:7]))
    assert max(pauses) <= 1.2 * timedelta(hours=12)
    assert pause_after(1, KEY) != pause_after(1, UUID(int=1))
    assert pause_after(1, KEY, asked=timedelta(hours=2)) == timedelta(hours=2)
    assert pause_after(12, KEY, asked=timedelta(seconds=1)) >= timedelta(hours=9)
