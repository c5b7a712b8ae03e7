"""What time it is: passed in everywhere, so that tests, replays and the demo may set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware and UTC."""
    return datetime.now(UTC)


class SetClock:
    """A clock that stands until it is set; only the demo and tests own one."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The moment it was last set to."""
        return self._now

    def advance_to(self, moment: datetime) -> None:
        """
        Go forward to a moment; a moment already passed changes nothing.

        Raises:
            ValueError: The moment is naive.
        """
        if moment.tzinfo is None:
            message = "the clock takes aware moments only"
            raise ValueError(message)
        self._now = max(self._now, moment)
