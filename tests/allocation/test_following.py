"""Theory before practical: nobody overtakes, nothing cheaper exists, and pins are kept or refused by name."""

import time
from random import Random
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, Problem, ProblemError, allocate, verify
from tests.allocation.brute import cheapest, size_of
from tests.allocation.following import following_problem, overtaking
from tests.allocation.referee import check

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
MOST_SEATINGS = 2_000

Document = dict[str, Any]


def tiny_problem(seed: int) -> Document:
    return following_problem(seed, requests=3, most_people=2)


def is_worth_trying(document: Document) -> bool:
    return any("after" in r for r in document["requests"]) and 1 < size_of(document) <= MOST_SEATINGS


TINY = [seed for seed in range(150) if is_worth_trying(tiny_problem(seed))]


def by_both(document: Document, plan: Document) -> tuple[list[str], dict[str, float]]:
    bad, terms = check(document, plan)
    return bad + overtaking(document, plan), terms


def theory_and_practical(*, days: int = 0, people: int = 1, blocks: int = 4) -> Document:
    ids = [f"{day}-{part}" for day in ("2027-03-01", "2027-03-02", "2027-03-03") for part in ("am", "pm")][:blocks]
    offers = [{"item": item, "places": 9, "open_cost": 1} for item in ("theory", "practical")]
    asking = {"enterprise": "e", "jurisdiction": "o", "people": people, "unplaced_cost": 100, "wait_cost": 1}
    return {
        "blocks": [{"id": each, "date": each[:10], "part": each[11:]} for each in ids],
        "jurisdictions": [{"id": "o", "tier": "office"}],
        "items": [{"id": "theory"}, {"id": "practical"}],
        "sites": [{"id": "yard", "jurisdiction": "o", "rooms": 2, "offers": offers}],
        "requests": [
            {"id": "first", "item": "theory", **asking},
            {"id": "then", "item": "practical", "after": {"request": "first", "days": days}, **asking},
        ],
    }


def held_at(plan: Plan, request: str) -> list[str]:
    return [s.block for s in plan.sessions for seat in s.seated for _ in range(seat.people) if seat.request == request]


@pytest.mark.parametrize("seed", range(60))
def test_nobody_overtakes_by_either_check(seed: int) -> None:
    document = following_problem(seed)
    problem = Problem.from_json(document)

    plan = allocate(problem, LIMITS)

    assert verify(problem, plan) == []
    assert by_both(document, plan.to_json())[0] == []


@pytest.mark.long
@pytest.mark.parametrize("first", range(60, 1_060, 50))
def test_nobody_overtakes_in_a_thousand_problems(first: int) -> None:
    for seed in range(first, first + 50):
        document = following_problem(seed, requests=8)
        plan = allocate(Problem.from_json(document), LIMITS)
        assert verify(Problem.from_json(document), plan) == []
        assert by_both(document, plan.to_json())[0] == []


@pytest.mark.parametrize("seed", TINY)
def test_no_plan_that_keeps_the_order_is_cheaper(seed: int) -> None:
    document = tiny_problem(seed)

    plan = allocate(Problem.from_json(document), LIMITS)

    best = cheapest(document, by_both)
    assert best is not None
    assert plan.objective == pytest.approx(best, abs=1e-6)
    assert plan.bound <= best + 1e-6


@pytest.mark.parametrize("seed", range(40))
def test_our_verifier_finds_every_overtaking_that_pairing_one_by_one_finds(seed: int) -> None:
    document = following_problem(seed)
    free = {**document, "requests": [{k: v for k, v in r.items() if k != "after"} for r in document["requests"]]}

    plan = allocate(Problem.from_json(free), LIMITS)

    ours = {found.where for found in verify(Problem.from_json(document), plan) if found.rule == "after"}
    theirs = {each.replace("overtakes: ", "request ") for each in overtaking(document, plan.to_json())}
    assert ours == theirs


@pytest.mark.parametrize("seed", range(40))
def test_any_part_of_a_plan_can_be_pinned(seed: int) -> None:
    chance, document = Random(seed), following_problem(seed)
    plan = allocate(Problem.from_json(document), LIMITS).to_json()
    seats = [{**seat, "site": s["site"], "block": s["block"]} for s in plan["sessions"] for seat in s["seated"]]
    pinned = {**document, "pins": [seat for seat in seats if chance.random() < 0.6]}

    again = allocate(Problem.from_json(pinned), LIMITS)

    assert by_both(pinned, again.to_json())[0] == []
    assert again.objective == pytest.approx(plan["objective"])


@pytest.mark.parametrize(("days", "block"), [(0, "2027-03-01-pm"), (1, "2027-03-02-am"), (2, "2027-03-03-am")])
def test_the_gap_counts_days_from_the_last_day_of_the_earlier_session(days: int, block: str) -> None:
    plan = allocate(Problem.from_json(theory_and_practical(days=days, blocks=6)), LIMITS)

    assert held_at(plan, "first") == ["2027-03-01-am"]
    assert held_at(plan, "then") == [block]


def test_without_time_for_the_practical_it_is_left_out_because_of_its_window() -> None:
    plan = allocate(Problem.from_json(theory_and_practical(days=9)), LIMITS)

    assert held_at(plan, "first") == ["2027-03-01-am"]
    assert [(row.request, str(row.reason)) for row in plan.unplaced] == [("then", "WINDOW")]


def test_no_more_people_sit_the_practical_than_have_sat_the_theory() -> None:
    document = theory_and_practical(people=3)
    document["sites"][0]["offers"][0]["places"] = 2
    document["requests"][0]["until"] = "2027-03-01-am"

    plan = allocate(Problem.from_json(document), LIMITS)

    assert (len(held_at(plan, "first")), len(held_at(plan, "then"))) == (2, 2)


def test_a_pin_that_would_overtake_is_refused_by_name() -> None:
    document = theory_and_practical()
    document["pins"] = [{"request": "then", "site": "yard", "block": "2027-03-01-am", "people": 1}]

    with pytest.raises(ProblemError, match=r"'then' at 'yard', '2027-03-01-am'.*comes after"):
        allocate(Problem.from_json(document), LIMITS)


def test_pins_that_contradict_the_order_are_refused_by_name() -> None:
    document = theory_and_practical()
    spots = {"first": "2027-03-02-am", "then": "2027-03-01-pm"}
    document["pins"] = [{"request": r, "site": "yard", "block": b, "people": 1} for r, b in spots.items()]

    with pytest.raises(
        ProblemError, match=r"pins of 'then' and 'first': let people of 'then' begin too soon after 'first'"
    ):
        allocate(Problem.from_json(document), LIMITS)


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({"request": "nobody"}, r"requests\['then'\].after.request: names 'nobody'"),
        ({"request": "then"}, r"requests\['then'\].after: leads back to itself"),
        ({"request": "first", "days": -1}, r"requests\['then'\].after.days: is -1"),
        ({"days": 1}, r"requests\['then'\].after.request: is missing"),
        ("first", r"requests\['then'\].after: is 'first'"),
    ],
)
def test_what_makes_no_order_is_refused_by_name(after: object, says: str) -> None:
    document = theory_and_practical()
    document["requests"][1]["after"] = after

    with pytest.raises(ProblemError, match=says):
        Problem.from_json(document)


def test_a_circle_of_requests_is_refused() -> None:
    document = theory_and_practical()
    document["requests"][0]["after"] = {"request": "then"}

    with pytest.raises(ProblemError, match="leads back to itself"):
        Problem.from_json(document)


def test_the_field_survives_a_round_trip_and_is_absent_where_it_was() -> None:
    document = Problem.from_json(theory_and_practical(days=3)).to_json()

    first, then = document["requests"]
    assert "after" not in first
    assert then["after"] == {"request": "first", "days": 3}
    assert Problem.from_json(document).to_json() == document
