"""The rule of a ranked window, by hand and by property: an order that anybody comes to again, and no place too many."""

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.ranking import Entry, NoRanking, commitment, published, rank, read, recount

SEED = "5eed" * 16
DAY = date(2026, 3, 2)
RETAKE, EXPIRY = date(2026, 5, 1), date(2026, 4, 20)


def entry(letter: str, deadline: date | None = None, since: date = DAY, people: int = 1) -> Entry:
    return Entry(letter * 32, people, deadline, since)


# By hand: the expiry of 20 April before the retake of 1 May; of those without, who last acted on 27 February before
# 1 March; then a, b and c on one day, by lot. Their lots were computed with `sha256sum` as docs/ranking.md says.
BY_HAND = [
    entry("a"),
    entry("b"),
    entry("c"),
    entry("d", since=date(2026, 3, 1)),
    entry("e", since=date(2026, 2, 27), people=3),
    entry("f", deadline=RETAKE),
    entry("1", deadline=EXPIRY, since=date(2026, 3, 5)),
]
ORDER = "1fed"


def order_of(entries: list[Entry], *, places: int = 4, seed: str = SEED) -> str:
    return "".join(placing.entry.key[0] for placing in rank(entries, places=places, seed=seed))


def lots_by_hand(entries: list[Entry], seed: str = SEED) -> dict[str, str]:
    """The lots, in the words of the document rather than by our functions."""
    drawn = sha256("\n".join([seed, *sorted(each.key for each in entries)]).encode()).hexdigest()
    return {each.key[0]: sha256(f"{drawn} {each.key}".encode()).hexdigest() for each in entries}


def test_deadlines_come_first_then_who_waited_longest_then_the_lot() -> None:
    lots = lots_by_hand(BY_HAND)

    assert order_of(BY_HAND) == ORDER + "".join(sorted("abc", key=lots.__getitem__))


def test_places_go_down_the_order_and_a_group_that_does_not_fit_is_passed() -> None:
    placed = {placing.entry.key[0]: placing.is_placed for placing in rank(BY_HAND, places=4, seed=SEED)}

    assert {letter for letter, is_placed in placed.items() if is_placed} >= {"1", "f", "d"}
    assert placed["e"] is False
    assert sum(placed.values()) == 4


def test_the_example_in_the_document_comes_out_as_it_says() -> None:
    """Its hashes were worked out with `sha256sum`."""
    example = [
        entry("a"),
        entry("b"),
        entry("c", since=date(2026, 3, 1), people=2),
        entry("d", deadline=date(2026, 5, 1), since=date(2026, 3, 5), people=2),
    ]
    document = result(example, 3)
    text = (Path(__file__).parents[2] / "docs" / "ranking.md").read_text()

    assert [(each["key"][0], each["placed"]) for each in document["entries"]] == [
        ("d", True), ("c", False), ("b", True), ("a", False),
    ]  # fmt: skip
    assert document["entries"][2]["lot"].startswith("1a7c55d1")
    assert document["entries"][3]["lot"].startswith("af0fe8d4")
    assert all(told in text for told in ("1a7c55d1", "af0fe8d4", document["hash"][:16]))


def test_another_seed_draws_other_lots_and_moves_nobody_who_is_not_tied() -> None:
    orders = {order_of(BY_HAND, seed=sha256(bytes([n])).hexdigest()) for n in range(40)}

    assert {order[:4] for order in orders} == {ORDER}
    assert len(orders) == 6


def test_a_lot_depends_on_everybody_who_applied() -> None:
    """Whoever learned the seed before the end could not work out what to wait for."""
    assert lots_by_hand(BY_HAND)["a"] != lots_by_hand(BY_HAND[:-1])["a"]


ENTRIES = st.lists(
    st.builds(
        Entry,
        key=st.text("0123456789abcdef", min_size=32, max_size=32),
        people=st.integers(1, 6),
        deadline=st.none() | st.integers(0, 3).map(lambda days: DAY + timedelta(days)),
        since=st.integers(0, 3).map(lambda days: DAY - timedelta(days)),
    ),
    max_size=12,
    unique_by=lambda one: one.key,
)
PLACES = st.integers(0, 20)


def result(entries: list[Entry], places: int) -> dict[str, Any]:
    return published(7, rank(entries, places=places, seed=SEED), places=places, seed=SEED)


@given(ENTRIES, PLACES, st.randoms())
def test_the_order_of_arrival_decides_nothing(entries: list[Entry], places: int, chance: Any) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)

    assert rank(shuffled, places=places, seed=SEED) == rank(entries, places=places, seed=SEED)


@given(ENTRIES, PLACES)
def test_no_place_is_given_twice_and_whoever_has_none_did_not_fit(entries: list[Entry], places: int) -> None:
    left = places
    for placing in rank(entries, places=places, seed=SEED):
        assert placing.is_placed == (placing.entry.people <= left)
        left -= placing.entry.people if placing.is_placed else 0

    assert left >= 0


@given(ENTRIES, PLACES)
def test_nobody_gains_by_a_larger_group_or_a_later_act(entries: list[Entry], places: int) -> None:
    for at, mine in enumerate(entries):
        worse = replace(mine, people=mine.people + 1, since=mine.since + timedelta(1))
        before = position(entries, mine.key, places)
        after = position([*entries[:at], worse, *entries[at + 1 :]], mine.key, places)
        assert after >= before


def position(entries: list[Entry], key: str, places: int) -> int:
    return [placing.entry.key for placing in rank(entries, places=places, seed=SEED)].index(key)


@given(ENTRIES, PLACES)
def test_what_is_published_comes_to_the_same_again(entries: list[Entry], places: int) -> None:
    assert recount(read(result(entries, places))) == []


@given(ENTRIES.filter(lambda entries: len(entries) > 1), PLACES, st.data())
def test_no_change_of_the_published_goes_unnoticed(entries: list[Entry], places: int, data: st.DataObject) -> None:
    document = result(entries, places)
    at = data.draw(st.integers(0, len(entries) - 1))
    line = document["entries"][at]
    change = data.draw(st.sampled_from(["placed", "people", "since", "deadline", "key", "lot", "swap", "seed", "drop"]))
    if change == "swap":
        document["entries"].insert(0, document["entries"].pop(max(at, 1)))
    elif change == "drop":
        document["entries"].pop(at)
    elif change == "seed":
        document["seed"] = commitment(SEED)
    else:
        other = {"placed": not line["placed"], "people": line["people"] + 1, "since": "2020-01-01", "key": "9" * 32}
        line[change] = (other | {"deadline": "2020-01-01", "lot": "0" * 64})[change]

    assert recount(read(document)) != []


@pytest.mark.parametrize("wrong", [None, {}, [], {"format": "other"}, "x"])
def test_a_document_of_another_kind_is_none(wrong: Any) -> None:
    with pytest.raises(NoRanking):
        read(wrong)


def test_what_is_published_holds_no_field_for_a_person_or_a_firm() -> None:
    document = result(BY_HAND, 4)

    assert set(document) == {"format", "window", "places", "seed", "seed_hash", "entries", "hash"}
    assert set(document["entries"][0]) == {"key", "people", "deadline", "since", "lot", "placed"}
    with pytest.raises(NoRanking):
        read(document | {"firm": "x"})
