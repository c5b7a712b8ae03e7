"""What a district is drawn from, and for which months."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from scheduler.district.generator import generate
from scheduler.district.values import District, Quarter

# Asking, planning, consulting and the public notice come before the first exam.
_PREPARATION = timedelta(days=45)
_BEYOND_ANY_MONTH = timedelta(days=32)


@dataclass(frozen=True)
class Recipe:
    """The same recipe gives the same district, to the last digit."""

    seed: int
    bureaus: int
    starts_on: date

    @classmethod
    def prepared_from(cls, today: date, *, seed: int, bureaus: int = 1) -> Self:
        """The recipe for the first quarter that can still be prepared in time."""
        return cls(seed=seed, bureaus=bureaus, starts_on=_next_month(today + _PREPARATION))

    def district(self) -> District:
        """Draw the district."""
        ends_on = _next_month(_next_month(_next_month(self.starts_on)))
        return generate(self.seed, self.bureaus, quarter=Quarter(self.starts_on, ends_on))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + _BEYOND_ANY_MONTH).replace(day=1)
