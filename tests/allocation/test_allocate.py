"""Plans keep every rule by two checkers, are as cheap as trying everything, and never claim too high a bound."""

import json
import time
from random import Random
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, Problem, allocate, verify
from tests.allocation.brute import cheapest, size_of
from tests.allocation.generated import random_problem
from tests.allocation.referee import REFERENCE, check

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
MOST_SEATINGS, MOST_AT_LENGTH = 3_000, 20_000
SPOILT = ("drop a seat", "crowd a session", "another tier", "another crew", "elsewhere", "cheaper", "higher bound")

Document = dict[str, Any]


def tiny_problem(seed: int) -> Document:
    problem = random_problem(seed, requests=3)
    for request in problem["requests"]:
        request["people"] = min(request["people"], 2)
    return problem


TINY = [seed for seed in range(400) if 1 < size_of(tiny_problem(seed)) <= MOST_SEATINGS][:60]


def small_example() -> Document:
    document: Document = json.loads((REFERENCE / "examples" / "small.json").read_text())
    return document


def without_time(plan: Plan) -> Document:
    return {**plan.to_json(), "seconds": None}


@pytest.mark.parametrize("seed", range(150))
def test_a_plan_keeps_every_rule_by_both_checkers(seed: int) -> None:
    document = random_problem(seed)
    problem = Problem.from_json(document)

    plan = allocate(problem, LIMITS)

    assert verify(problem, plan) == []
    assert check(document, plan.to_json())[0] == []


@pytest.mark.parametrize("seed", TINY)
def test_no_plan_of_a_tiny_problem_is_cheaper_and_none_lies_below_the_bound(seed: int) -> None:
    document = tiny_problem(seed)

    plan = allocate(Problem.from_json(document), LIMITS)

    best = cheapest(document, check)
    assert best is not None
    assert plan.objective == pytest.approx(best, abs=1e-6)
    assert plan.bound <= best + 1e-6


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 2_000, 100))
def test_no_plan_for_up_to_six_requests_is_cheaper(first: int) -> None:
    for seed in range(first, first + 100):
        document = random_problem(seed)
        document["requests"] = [{**request, "people": 1} for request in document["requests"]]
        if not 1 < size_of(document) <= MOST_AT_LENGTH:
            continue

        plan = allocate(Problem.from_json(document), LIMITS)

        best = cheapest(document, check)
        assert best is not None
        assert plan.objective == pytest.approx(best, abs=1e-6)
        assert plan.bound <= best + 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_the_same_problem_in_any_order_gets_the_same_plan(seed: int) -> None:
    document = random_problem(seed)
    mixed = {**document, **{name: document[name][::-1] for name in ("sites", "staff", "requests", "items")}}

    plan, again = allocate(Problem.from_json(document), LIMITS), allocate(Problem.from_json(mixed), LIMITS)

    assert without_time(plan) == without_time(again)


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_plan_is_refused_by_both_checkers(how: str) -> None:
    document = small_example()
    problem = Problem.from_json(document)
    plan = spoilt(allocate(problem, LIMITS).to_json(), how)

    assert check(document, plan)[0] != []
    assert verify(problem, Plan.from_json(plan)) != []


def spoilt(plan: Document, how: str) -> Document:
    chance = Random(1)
    session = chance.choice([each for each in plan["sessions"] if len(each["seated"]) > 1])
    if how == "drop a seat":
        session["seated"].pop()
    elif how == "crowd a session":
        session["seated"][0]["people"] += 1000
    elif how == "another tier":
        session["tier"] = "town" if session["tier"] == "office" else "office"
    elif how == "another crew":
        session["staff"] = session["staff"][:1] * 2
    elif how == "elsewhere":
        session["block"] = "2027-03-01-eve"
    elif how == "cheaper":
        plan["objective"] -= 100
    else:
        plan["bound"] = plan["objective"] * 1.01
    return plan


def re_plan_of(document: Document, plan: Document, *, disputed: int) -> Document:
    """The problem that follows a consultation: all but a few sessions pinned, every move priced."""
    kept = plan["sessions"][disputed:]
    return {
        **document,
        "pinned_sessions": [{"site": s["site"], "item": s["item"], "block": s["block"]} for s in kept],
        "pins": seats_in(kept),
        "before": seats_in(plan["sessions"]),
        "change_cost": 1000,
    }


def seats_in(sessions: list[Document]) -> list[Document]:
    return [{**seat, "site": s["site"], "block": s["block"]} for s in sessions for seat in s["seated"]]


def test_a_re_plan_with_everybody_pinned_moves_nobody() -> None:
    document = small_example()
    first = allocate(Problem.from_json(document), LIMITS).to_json()
    pinned = re_plan_of(document, first, disputed=0)

    again = allocate(Problem.from_json(pinned), LIMITS)

    assert check(pinned, again.to_json())[0] == []
    assert again.terms.get("change", 0) == 0


def test_a_months_re_plan_stands_items_of_which_everybody_is_pinned() -> None:
    document: Document = json.loads((REFERENCE / "examples" / "month.json").read_text())
    first = allocate(Problem.from_json(document), Limits(clock=time.monotonic, seconds=3, seed=1)).to_json()
    pinned = re_plan_of(document, first, disputed=5)

    again = allocate(Problem.from_json(pinned), Limits(clock=time.monotonic, seconds=8, seed=1))

    assert check(pinned, again.to_json())[0] == []


class JumpingClock:
    """Stands still for a while, and then the machine was busy elsewhere for some seconds."""

    def __init__(self, *, looks: int, seconds: float) -> None:
        self.looks, self.seconds = looks, seconds

    def __call__(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks >= 0 else self.seconds


@pytest.mark.parametrize("looks", [1, 3, 10, 40])
def test_a_first_plan_is_made_to_its_end_though_the_time_for_the_search_is_over(looks: int) -> None:
    problem = Problem.from_json(small_example())
    unhurried = allocate(problem, Limits(clock=JumpingClock(looks=looks, seconds=0.0), seconds=1, gap=0.99, seed=1))

    hurried = allocate(problem, Limits(clock=JumpingClock(looks=looks, seconds=2.0), seconds=1, seed=1))

    assert verify(problem, hurried) == []
    assert hurried.people_unplaced <= unhurried.people_unplaced


@pytest.mark.parametrize("looks", [1, 3])
def test_an_answer_comes_with_its_reasons_even_where_nothing_was_in_time(looks: int) -> None:
    problem = Problem.from_json(small_example())

    plan = allocate(problem, Limits(clock=JumpingClock(looks=looks, seconds=60.0), seconds=1, seed=1))

    assert verify(problem, plan) == []
    assert plan.stopped == "time"
