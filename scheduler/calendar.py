"""
Half-day blocks, workdays and deadlines on the Chinese calendar; Shanghai at the edge, UTC inside.

Official holidays and make-up workdays come from the State Council's notices as kept by `chinese_calendar`. A year
without a notice is provisional: weekends, and the statutory holidays with the days off they earn when they fall on a
weekend; make-up workdays are not guessed. Overrides of the bureau stand above both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, total_ordering
from zoneinfo import ZoneInfo

import chinese_calendar
from chinese_calendar import constants as notices

from models.vocabulary import Part

SHANGHAI = ZoneInfo("Asia/Shanghai")

_PARTS = tuple(Part)
_SATURDAY = 5
_BIT = timedelta(microseconds=1)  # a deadline is the first moment that is too late
_OFFICIAL_YEARS = range(min(notices.holidays).year, max(notices.holidays).year + 1)

# Regulation on Public Holidays (全国年节及纪念日放假办法), as amended from 2025: thirteen statutory days a year.
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))

# Computed from the Chinese lunar calendar, not from a notice: New Year's Day of the lunar year, Qingming, Dragon Boat
# and Mid-Autumn. Spring Festival is off from the eve to the third day.
_LUNAR_HOLIDAYS = {
    2027: (date(2027, 2, 6), date(2027, 4, 5), date(2027, 6, 9), date(2027, 9, 15)),
    2028: (date(2028, 1, 26), date(2028, 4, 4), date(2028, 5, 28), date(2028, 10, 3)),
    2029: (date(2029, 2, 13), date(2029, 4, 4), date(2029, 6, 16), date(2029, 9, 22)),
    2030: (date(2030, 2, 3), date(2030, 4, 5), date(2030, 6, 5), date(2030, 9, 12)),
}


@total_ordering
@dataclass(frozen=True)
class Block:
    """A half-day; blocks sort by time."""

    day: date
    part: Part

    @classmethod
    def parse(cls, block_id: str) -> "Block":
        """
        The block of an id such as `2027-03-01-am`.

        Raises:
            ValueError: No such id.
        """
        day, _, part = block_id.rpartition("-")
        return cls(date.fromisoformat(day), Part(part))

    @property
    def id(self) -> str:
        """Such as `2027-03-01-am`."""
        return f"{self.day.isoformat()}-{self.part}"

    def __lt__(self, other: "Block") -> bool:
        return (self.day, _PARTS.index(self.part)) < (other.day, _PARTS.index(other.part))


@dataclass(frozen=True)
class Span:
    """Wall times of one half-day in Shanghai, half-open."""

    starts: time
    ends: time


@dataclass(frozen=True)
class DayHours:
    """When the half-days of a working day lie."""

    am: Span = Span(time(8, 30), time(11, 30))
    pm: Span = Span(time(13, 0), time(16, 0))
    eve: Span = Span(time(18, 0), time(21, 0))

    def span(self, part: Part) -> Span:
        """The wall times of a half-day."""
        return {Part.AM: self.am, Part.PM: self.pm, Part.EVE: self.eve}[part]


class WorkCalendar:
    """The bureau's calendar: official where a notice exists, provisional where not, overridden where declared."""

    def __init__(self, overrides: Mapping[date, bool], hours: DayHours) -> None:
        self._overrides = dict(overrides)
        self.hours = hours

    def starts_at(self, block: Block) -> datetime:
        """First moment of the block, in UTC."""
        return _instant(block.day, self.hours.span(block.part).starts)

    def ends_at(self, block: Block) -> datetime:
        """First moment after the block, in UTC."""
        return _instant(block.day, self.hours.span(block.part).ends)

    def is_workday(self, day: date) -> bool:
        """Whether offices work on this day: make-up Saturdays yes, holidays no."""
        if day in self._overrides:
            return self._overrides[day]
        if is_provisional(day.year):
            return not _is_weekend(day) and day not in _provisional_holidays(day.year)
        return bool(chinese_calendar.is_workday(day))

    def is_free_weekend(self, day: date) -> bool:
        """Whether this is an ordinary Saturday or Sunday: no holiday, no make-up workday, nothing declared."""
        if day in self._overrides or not _is_weekend(day):
            return False
        holidays = _provisional_holidays(day.year) if is_provisional(day.year) else notices.holidays
        return day not in holidays and not self.is_workday(day)

    def working_days_between(self, start: date, end: date) -> int:
        """How many workdays lie in `start <= day < end`."""
        return sum(self.is_workday(day) for day in _days(start, end))

    def add_working_days(self, moment: datetime, n: int) -> datetime:
        """
        The deadline n working days after a moment: the end of the nth workday after its day in Shanghai, in UTC.

        Raises:
            ValueError: The moment has no time zone, or n is less than one.
        """
        if moment.tzinfo is None or n < 1:
            raise ValueError("A deadline needs an aware moment and at least one working day.")
        day = moment.astimezone(SHANGHAI).date()
        for _ in range(n):
            day = self._next_workday(day)
        return _instant(day + timedelta(days=1), time.min)

    def morning_before(self, deadline: datetime, n: int) -> datetime:
        """
        The morning (first half-day) of the nth workday before the last day of a deadline, in UTC.

        Raises:
            ValueError: The deadline has no time zone, or n is less than one.
        """
        if deadline.tzinfo is None or n < 1:
            raise ValueError("A reminder needs an aware deadline and at least one working day.")
        day = (deadline - _BIT).astimezone(SHANGHAI).date()
        for _ in range(n):
            day -= timedelta(days=1)
            while not self.is_workday(day):
                day -= timedelta(days=1)
        return self.starts_at(Block(day, Part.AM))

    def add_working_hours(self, moment: datetime, hours: float) -> datetime:
        """
        The moment so many hours later, counting only the mornings and afternoons of workdays, in UTC.

        Raises:
            ValueError: The moment has no time zone, or the hours are not positive.
        """
        if moment.tzinfo is None or hours <= 0:
            raise ValueError("Working hours are added to an aware moment, and they are more than none.")
        left, day = timedelta(hours=hours), moment.astimezone(SHANGHAI).date()
        while True:
            for block in (Block(day, Part.AM), Block(day, Part.PM)) if self.is_workday(day) else ():
                begins, ends = max(self.starts_at(block), moment), self.ends_at(block)
                if ends - begins >= left:
                    return begins + left
                left -= max(ends - begins, timedelta())
            day += timedelta(days=1)

    def blocks_between(
        self, start: date, end: date, *, evenings: bool = False, weekends: bool = False
    ) -> tuple[Block, ...]:
        """The half-days of `start <= day < end` in order: workdays, and free weekends and evenings where opted in."""
        parts = _PARTS if evenings else (Part.AM, Part.PM)
        return tuple(
            Block(day, part)
            for day in _days(start, end)
            if self.is_workday(day) or (weekends and self.is_free_weekend(day))
            for part in parts
        )

    def _next_workday(self, day: date) -> date:
        day += timedelta(days=1)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day


def is_provisional(year: int) -> bool:
    """Whether no official notice is known for the year; from 2031 on even the lunar holidays are missing."""
    return year not in _OFFICIAL_YEARS


@cache
def _provisional_holidays(year: int) -> frozenset[date]:
    statutory = _statutory_holidays(year)
    off = set(statutory)
    # Article 6 of the regulation: a statutory holiday on a weekend is made up for on a workday.
    for day in sorted(filter(_is_weekend, statutory)):
        instead = day
        while _is_weekend(instead) or instead in off:
            instead += timedelta(days=1)
        off.add(instead)
    return frozenset(off)


def _statutory_holidays(year: int) -> frozenset[date]:
    fixed = {date(year, month, day) for month, day in _FIXED_HOLIDAYS}
    if year not in _LUNAR_HOLIDAYS:
        return frozenset(fixed)
    new_year, qingming, dragon_boat, mid_autumn = _LUNAR_HOLIDAYS[year]
    spring_festival = {new_year + timedelta(days=offset) for offset in range(-1, 3)}
    return frozenset(fixed | spring_festival | {qingming, dragon_boat, mid_autumn})


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))


def _instant(day: date, wall: time) -> datetime:
    return datetime.combine(day, wall, tzinfo=SHANGHAI).astimezone(UTC)
