"""Whom freed places go to, decided apart from any row."""

from dataclasses import replace

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


def test_who_draws_on_a_share_that_others_have_not_passes_nobody() -> None:
    queue = [Waiter(1, 2), Waiter(2, 2, draws_on=(7,)), Waiter(3, 1, draws_on=(7,))]

    decision = decide(1, queue, most_passes=3, shares={7: 2})

    assert decision == Decision(offered=[2, 3], passes={1: 1}, drawn={2: {7: 2}})


def test_the_lowest_share_is_drawn_on_first_and_what_is_open_last() -> None:
    decision = decide(5, [Waiter(1, 4, draws_on=(9, 7))], most_passes=3, shares={7: 2, 9: 1})

    assert decision == Decision(offered=[1], drawn={1: {9: 1, 7: 2}})


def test_for_a_tired_group_is_kept_what_it_can_reach_and_nothing_else() -> None:
    queue = [Waiter(1, 5, passed=3, draws_on=(7,)), Waiter(2, 1), Waiter(3, 1, draws_on=(8,))]

    decision = decide(1, queue, most_passes=3, shares={7: 2, 8: 3})

    assert decision == Decision(offered=[3], kept={1: 3}, drawn={1: {7: 2}, 3: {8: 1}})


SHARED = st.lists(
    st.builds(
        Waiter,
        st.just(0),
        st.integers(1, 5),
        st.integers(0, 4),
        draws_on=st.sampled_from([(), (7,), (8, 7), (9,)]),
    ),
    max_size=6,
).map(lambda rows: [replace(row, id=at) for at, row in enumerate(rows)])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(places=st.integers(0, 6), shares=st.tuples(*[st.integers(0, 4)] * 3), queue=SHARED)
def test_every_place_is_given_once_and_to_nobody_out_of_its_reach(
    places: int, shares: tuple[int, int, int], queue: list[Waiter]
) -> None:
    left = dict(zip((7, 8, 9), shares, strict=True))
    decision = decide(places, queue, most_passes=2, shares=left)

    drawn = {at: sum(row.get(at, 0) for row in decision.drawn.values()) for at in left}
    given = sum(queue[at].needs for at in decision.offered) + sum(decision.kept.values())
    assert all(drawn[at] <= left[at] for at in left)
    assert 0 <= given - sum(drawn.values()) <= places
    assert all(set(row) <= set(queue[at].draws_on) for at, row in decision.drawn.items())
    still_open = places - (given - sum(drawn.values()))
    for waiter in queue:
        within_reach = still_open + sum(left[at] - drawn[at] for at in waiter.draws_on)
        assert waiter.id in decision.offered or waiter.needs > within_reach
