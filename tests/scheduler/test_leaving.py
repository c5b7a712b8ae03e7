"""The published rule of who leaves a session that gets fewer places."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.leaving import Kind, Party, who_leaves
from tests.factories import NOW


def party(at: int, kind: Kind, people: int, *, hour: int = 0, is_together: bool = False) -> Party:
    return Party(at, kind, people, NOW + timedelta(hours=hour), is_together)


def test_places_without_a_name_go_before_people() -> None:
    parties = [
        party(1, Kind.NAMED, 1, hour=9),
        party(2, Kind.PROMISED, 1),
        party(3, Kind.HELD, 1),
        party(4, Kind.KEPT, 1),
    ]

    assert [set(who_leaves(parties, people)) for people in (1, 2, 3, 4)] == [{4}, {4, 3}, {4, 3, 2}, {4, 3, 2, 1}]


def test_the_latest_bookings_leave_first() -> None:
    parties = [party(at, Kind.NAMED, 1, hour=at) for at in range(5)]

    assert who_leaves(parties, 2) == {4: 1, 3: 1}


def test_a_whole_earlier_group_leaves_before_a_part_of_a_later_one() -> None:
    parties = [party(1, Kind.NAMED, 2, hour=1), party(2, Kind.NAMED, 5, hour=2)]

    assert who_leaves(parties, 2) == {1: 2}


def test_a_group_parts_where_every_whole_one_is_too_many() -> None:
    parties = [party(1, Kind.NAMED, 4, hour=1), party(2, Kind.NAMED, 5, hour=2)]

    assert who_leaves(parties, 3) == {2: 3}


def test_a_group_that_sits_together_or_not_at_all_leaves_whole_and_only_after_those_that_part() -> None:
    together = party(2, Kind.NAMED, 5, hour=2, is_together=True)

    assert who_leaves([party(1, Kind.NAMED, 4, hour=1), together], 3) == {1: 3}
    assert who_leaves([together], 3) == {2: 5}


@pytest.mark.parametrize("people", [1, 3])
def test_a_party_of_another_kind_does_not_stand_in_for_one_that_goes_first(people: int) -> None:
    parties = [party(1, Kind.HELD, 4), party(2, Kind.NAMED, people, hour=1)]

    assert who_leaves(parties, people) == {1: people}


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.integers(1, 8), st.integers(0, 5), st.booleans()), max_size=12),
    st.integers(1, 60),
)
def test_as_many_leave_as_must_and_nobody_out_of_turn(shapes: list[tuple[Kind, int, int, bool]], people: int) -> None:
    parties = [
        Party(at, kind, size, NOW + timedelta(hours=hour), together)
        for at, (kind, size, hour, together) in enumerate(shapes)
    ]

    leaving = who_leaves(parties, people)

    freed, all_there = sum(leaving.values()), sum(each.people for each in parties)
    assert freed >= min(people, all_there)
    for each in parties:
        left = leaving.get(each.id, 0)
        assert left in (0, each.people) or not each.is_together
        # Whoever is of a later kind leaves only once everybody of the earlier ones has left.
        if left:
            earlier = [one for one in parties if one.kind < each.kind]
            assert all(leaving.get(one.id, 0) == one.people for one in earlier)
    parted = [each for each in parties if 0 < leaving.get(each.id, 0) < each.people]
    assert len(parted) <= 1
    assert freed == min(people, all_there) or any(each.is_together and each.id in leaving for each in parties)
