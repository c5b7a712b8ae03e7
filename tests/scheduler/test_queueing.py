"""Whom freed places go to, decided apart from any row."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.queueing import Decision, Waiter, decide

QUEUES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), max_size=8).map(
    lambda drawn: [Waiter(at, people, passed) for at, (people, passed) in enumerate(drawn)]
)


def test_places_go_to_whoever_came_first() -> None:
    queue = [Waiter(1, 2), Waiter(2, 1), Waiter(3, 1)]

    assert decide(3, queue, most_passes=3) == Decision(offered=[1, 2])


def test_a_group_that_does_not_fit_is_passed_by_smaller_ones_and_that_is_counted() -> None:
    queue = [Waiter(1, 4), Waiter(2, 1), Waiter(3, 1)]

    assert decide(2, queue, most_passes=3) == Decision(offered=[2, 3], passes={1: 2})


def test_after_so_many_passes_places_are_kept_for_the_group() -> None:
    queue = [Waiter(1, 4, passed=2), Waiter(2, 1), Waiter(3, 1)]

    assert decide(3, queue, most_passes=3) == Decision(offered=[2], passes={1: 1}, kept={1: 2})
    assert decide(3, [Waiter(1, 4, passed=3), Waiter(2, 1)], most_passes=3) == Decision(kept={1: 3})


def test_kept_places_and_a_freed_one_make_the_group_fit() -> None:
    queue = [Waiter(1, 4, passed=3, kept=3), Waiter(2, 1)]

    assert decide(1, queue, most_passes=3) == Decision(offered=[1])


def test_nobody_is_passed_by_one_who_does_not_fit_either() -> None:
    assert decide(1, [Waiter(1, 4), Waiter(2, 3)], most_passes=3) == Decision()


def test_a_bureau_that_lets_nobody_pass_keeps_places_at_once() -> None:
    assert decide(1, [Waiter(1, 4), Waiter(2, 1)], most_passes=0) == Decision(kept={1: 1})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(places=st.integers(0, 10), queue=QUEUES, most_passes=st.integers(0, 4))
def test_no_place_is_given_twice_nobody_is_starved_and_nothing_that_fits_stands_empty(
    places: int, queue: list[Waiter], most_passes: int
) -> None:
    decision = decide(places, queue, most_passes=most_passes)

    given = sum(queue[at].needs for at in decision.offered)
    kept = sum(decision.kept.values())
    assert given + kept <= places
    assert len(decision.kept) <= 1
    for waiter in queue:
        passes = decision.passes.get(waiter.id, 0)
        assert passes == 0 or waiter.passed + passes <= max(most_passes, waiter.passed)
    left = places - given - kept
    waiting = [waiter for waiter in queue if waiter.id not in decision.offered]
    assert not any(waiter.needs <= left for waiter in waiting)


def test_a_firm_that_waits_for_two_things_gets_no_more_than_its_share_by_both() -> None:
    twice = [Waiter(1, 2, firm=7, share=3), Waiter(2, 2, firm=7, share=3), Waiter(3, 2, firm=8, share=3)]

    assert decide(6, twice, most_passes=3) == Decision(offered=[1, 3])
