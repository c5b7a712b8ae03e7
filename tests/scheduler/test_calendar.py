from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Part
from scheduler.calendar import SHANGHAI, Block, DayHours, WorkCalendar, is_provisional

OFFICIAL = WorkCalendar({}, DayHours())
DAYS = st.dates(min_value=date(2004, 1, 1), max_value=date(2032, 12, 31))


def days_off(calendar: WorkCalendar, start: date, end: date) -> list[date]:
    days = [start + timedelta(days=offset) for offset in range((end - start).days)]
    return [day for day in days if not calendar.is_workday(day) and day.weekday() < 5]


@pytest.mark.parametrize("day", ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"])
def test_the_make_up_days_of_2026_are_workdays(day: str) -> None:
    assert OFFICIAL.is_workday(date.fromisoformat(f"2026-{day}"))


@pytest.mark.parametrize("day", ["01-01", "02-16", "02-23", "04-06", "05-05", "06-19", "09-25", "10-07"])
def test_the_holidays_of_2026_are_off(day: str) -> None:
    assert not OFFICIAL.is_workday(date.fromisoformat(f"2026-{day}"))


def test_2026_has_248_workdays() -> None:
    assert OFFICIAL.working_days_between(date(2026, 1, 1), date(2027, 1, 1)) == 248


def test_only_years_without_a_notice_are_provisional() -> None:
    assert [year for year in range(2002, 2030) if is_provisional(year)] == [2002, 2003, 2027, 2028, 2029]


def test_provisional_2027_has_its_statutory_holidays_and_their_days_instead() -> None:
    assert days_off(OFFICIAL, date(2027, 1, 1), date(2028, 1, 1)) == [
        date(2027, 1, 1),
        date(2027, 2, 5),
        date(2027, 2, 8),
        date(2027, 2, 9),  # for Saturday the 6th
        date(2027, 2, 10),  # for Sunday the 7th
        date(2027, 4, 5),
        date(2027, 5, 3),  # for Saturday the 1st
        date(2027, 5, 4),  # for Sunday the 2nd
        date(2027, 6, 9),
        date(2027, 9, 15),
        date(2027, 10, 1),
        date(2027, 10, 4),  # for Saturday the 2nd
        date(2027, 10, 5),  # for Sunday the 3rd
    ]


def test_a_year_beyond_the_lunar_table_keeps_its_fixed_holidays() -> None:
    assert not OFFICIAL.is_workday(date(2035, 10, 3))
    assert OFFICIAL.is_workday(date(2035, 4, 5))


def test_an_override_stands_above_notice_and_weekend() -> None:
    calendar = WorkCalendar({date(2026, 10, 10): False, date(2027, 3, 6): True}, DayHours())

    assert not calendar.is_workday(date(2026, 10, 10))
    assert calendar.is_workday(date(2027, 3, 6))


def test_blocks_are_shanghai_half_days_in_utc() -> None:
    morning, afternoon, evening = (Block(date(2027, 3, 1), part) for part in Part)

    assert OFFICIAL.starts_at(morning) == datetime(2027, 3, 1, 0, 30, tzinfo=UTC)
    assert OFFICIAL.ends_at(morning) == datetime(2027, 3, 1, 3, 30, tzinfo=UTC)
    assert OFFICIAL.starts_at(afternoon) == datetime(2027, 3, 1, 5, 0, tzinfo=UTC)
    assert OFFICIAL.ends_at(afternoon) == datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
    assert OFFICIAL.starts_at(evening) == datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
    assert OFFICIAL.ends_at(evening) == datetime(2027, 3, 1, 13, 0, tzinfo=UTC)
    assert OFFICIAL.starts_at(morning).tzinfo is UTC


@given(DAYS, st.sampled_from(Part))
def test_a_block_is_read_back_from_its_id(day: date, part: Part) -> None:
    assert Block.parse(Block(day, part).id) == Block(day, part)


@pytest.mark.parametrize("block_id", ["", "2027-03-01", "2027-03-01-noon", "2027-02-30-am", "am"])
def test_an_id_of_no_block_is_refused(block_id: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Block.parse(block_id)


def test_blocks_sort_by_time() -> None:
    ids = ["2027-03-01-am", "2027-03-01-pm", "2027-03-01-eve", "2027-03-02-am"]

    assert [block.id for block in sorted(map(Block.parse, reversed(ids)))] == ids


def test_a_working_week_has_ten_half_days() -> None:
    blocks = OFFICIAL.blocks_between(date(2027, 3, 1), date(2027, 3, 8))

    assert len(blocks) == 10
    assert [block.id for block in blocks[:3]] == ["2027-03-01-am", "2027-03-01-pm", "2027-03-02-am"]


def test_evenings_and_weekends_come_only_when_opted_in() -> None:
    blocks = OFFICIAL.blocks_between(date(2027, 3, 5), date(2027, 3, 7), evenings=True, weekends=True)

    assert [block.id for block in blocks] == [
        "2027-03-05-am",
        "2027-03-05-pm",
        "2027-03-05-eve",
        "2027-03-06-am",
        "2027-03-06-pm",
        "2027-03-06-eve",
    ]


def test_a_holiday_weekend_is_not_opted_into_but_a_make_up_saturday_always_works() -> None:
    golden_week = OFFICIAL.blocks_between(date(2026, 10, 1), date(2026, 10, 8), weekends=True)
    make_up = OFFICIAL.blocks_between(date(2026, 10, 10), date(2026, 10, 11))
    declared = WorkCalendar({date(2027, 3, 6): False}, DayHours())

    assert golden_week == ()
    assert [block.id for block in make_up] == ["2026-10-10-am", "2026-10-10-pm"]
    assert declared.blocks_between(date(2027, 3, 6), date(2027, 3, 7), weekends=True) == ()


def test_a_deadline_ends_with_the_last_working_day_in_shanghai() -> None:
    friday_noon = datetime(2027, 3, 5, 4, 0, tzinfo=UTC)

    deadline = OFFICIAL.add_working_days(friday_noon, 1)

    assert deadline == datetime(2027, 3, 8, 16, 0, tzinfo=UTC)
    assert deadline.astimezone(SHANGHAI).isoformat() == "2027-03-09T00:00:00+08:00"


def test_a_deadline_counts_from_the_day_in_shanghai_and_over_golden_week() -> None:
    already_the_30th_in_shanghai = datetime(2026, 9, 29, 17, 0, tzinfo=UTC)

    deadline = OFFICIAL.add_working_days(already_the_30th_in_shanghai, 3)

    assert deadline == datetime(2026, 10, 10, 16, 0, tzinfo=UTC)  # 8, 9 and the make-up Saturday 10


def test_a_deadline_needs_a_time_zone_and_a_day() -> None:
    with pytest.raises(ValueError, match="aware"):
        OFFICIAL.add_working_days(datetime(2027, 3, 5), 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="at least one"):
        OFFICIAL.add_working_days(datetime(2027, 3, 5, tzinfo=UTC), 0)


def test_a_reminder_falls_on_a_working_morning_and_skips_golden_week() -> None:
    end_of_october_8th = datetime(2026, 10, 8, 16, 0, tzinfo=UTC)

    reminder = OFFICIAL.morning_before(end_of_october_8th, 1)

    assert reminder.astimezone(SHANGHAI).isoformat() == "2026-09-30T08:30:00+08:00"


def test_a_reminder_needs_a_time_zone_and_a_day() -> None:
    with pytest.raises(ValueError, match="aware"):
        OFFICIAL.morning_before(datetime(2027, 3, 5), 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="at least one"):
        OFFICIAL.morning_before(datetime(2027, 3, 5, tzinfo=UTC), 0)


@given(DAYS, st.integers(1, 60))
def test_exactly_n_working_days_lie_before_a_deadline(day: date, n: int) -> None:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)

    deadline = OFFICIAL.add_working_days(moment, n).astimezone(SHANGHAI).date()

    assert OFFICIAL.working_days_between(day + timedelta(days=1), deadline) == n
    assert OFFICIAL.is_workday(deadline - timedelta(days=1))


@pytest.mark.parametrize(
    ("begins", "hours", "ends"),
    [
        ("2026-03-02 10:00", 1, "2026-03-02 11:00"),
        ("2026-03-02 10:00", 1.5, "2026-03-02 11:30"),
        ("2026-03-02 10:00", 4, "2026-03-02 15:30"),
        ("2026-03-02 12:00", 1, "2026-03-02 14:00"),
        ("2026-03-06 15:00", 2, "2026-03-09 09:30"),
        ("2026-03-07 09:00", 6, "2026-03-09 16:00"),
        ("2026-03-02 22:00", 7, "2026-03-04 09:30"),
    ],
)
def test_working_hours_are_those_of_mornings_and_afternoons_on_workdays(begins: str, hours: float, ends: str) -> None:
    moment = datetime.fromisoformat(begins).replace(tzinfo=SHANGHAI)

    after = OFFICIAL.add_working_hours(moment, hours)

    assert after == datetime.fromisoformat(ends).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(("moment", "hours"), [(datetime(2026, 3, 2), 1), (datetime(2026, 3, 2, tzinfo=UTC), 0)])  # noqa: DTZ001
def test_working_hours_need_an_aware_moment_and_some_hours(moment: datetime, hours: float) -> None:
    with pytest.raises(ValueError, match="aware moment"):
        OFFICIAL.add_working_hours(moment, hours)
