"""No bound lies above a known plan, and models solved side by side give the plan that one by one gives."""

import time
from dataclasses import replace
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, Problem, allocate, verify
from scheduler.allocation.ascent import Ascent
from scheduler.allocation.draft import is_sound
from scheduler.allocation.itembounds import ItemBounds
from scheduler.allocation.milp import Effort
from scheduler.allocation.options import space_of
from scheduler.allocation.space import Space
from scheduler.side_by_side import SideBySide
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)

Document = dict[str, Any]


def some_problem(seed: int) -> Document:
    return random_problem(seed, requests=5) if seed % 3 else following_problem(seed)


def with_dear_people(document: Document) -> Document:
    """Leaving a few people out costs a billion times what others cost, so that sums lose their last digits."""
    requests = [
        {**r, "unplaced_cost": r["unplaced_cost"] * 10 ** (9 * (n % 2))} for n, r in enumerate(document["requests"])
    ]
    return {**document, "requests": requests}


def bounds_of(problem: Problem, known: float) -> tuple[float, float]:
    """What prices alone prove, and what they prove with every item solved by itself."""
    ascent = Ascent(space_of(problem))
    proof = ascent.climb(30, known=ascent.towards(known), stop=lambda: False)
    items = ItemBounds(ascent.space, proof)
    while (proposal := items.propose(Effort())) is not None:
        items.settle(proposal, proposal.solve())
    return proof.bound, items.bound


@pytest.mark.parametrize("seed", range(150))
def test_what_prices_and_items_prove_lies_below_the_best_plan(seed: int) -> None:
    problem = Problem.from_json(some_problem(seed))
    best = allocate(problem, LIMITS).objective

    bounds = bounds_of(problem, best)

    assert max(bounds) <= best + 1e-6 * max(1.0, abs(best))


@pytest.mark.parametrize("seed", range(40))
def test_costs_of_very_different_sizes_do_not_raise_a_bound_too_high(seed: int) -> None:
    problem = Problem.from_json(with_dear_people(some_problem(seed)))
    best = allocate(problem, LIMITS).objective

    bounds = bounds_of(problem, best)

    assert max(bounds) <= best + 1e-6 * max(1.0, abs(best))


@pytest.mark.parametrize("seed", range(30))
def test_how_many_models_are_solved_at_once_is_nothing_to_the_plan(seed: int) -> None:
    problem = Problem.from_json(some_problem(seed))

    alone, beside = (allocate(problem, each) for each in (LIMITS, replace(LIMITS, side_by_side=SideBySide())))

    assert {**alone.to_json(), "seconds": 0} == {**beside.to_json(), "seconds": 0}


def crowded_space() -> Space:
    """Two items, one room, one half-day; sessions of both exclude each other."""
    day = {"id": "mon", "date": "2027-03-01", "part": "am"}
    offers = [{"item": item, "places": 3, "open_cost": 1} for item in ("n1", "q2")]
    asked = [
        {
            "id": item,
            "enterprise": item,
            "jurisdiction": "b",
            "at": [31, 121],
            "item": item,
            "people": 2,
            "unplaced_cost": 9,
        }
        for item in ("n1", "q2")
    ]
    document = {
        "format": "doorstep-problem/1",
        "blocks": [day],
        "jurisdictions": [{"id": "b", "tier": "bureau"}],
        "items": [{"id": "n1"}, {"id": "q2"}],
        "sites": [{"id": "hall", "jurisdiction": "b", "at": [31, 121], "offers": offers}],
        "requests": asked,
    }
    return space_of(Problem.from_json(document))


def test_two_sessions_that_were_found_apart_do_not_share_a_room() -> None:
    space = crowded_space()
    one, other = ({option: {option: 2}} for option in range(2))

    assert is_sound(space, one)
    assert is_sound(space, other)
    assert not is_sound(space, one | other)


def test_nobody_sits_in_two_sessions_that_were_found_apart() -> None:
    space = crowded_space()

    assert not is_sound(space, {0: {0: 3}})


@pytest.mark.parametrize("seed", range(12))
def test_neighbourhoods_and_items_keep_every_rule_where_no_model_holds_everything(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.from_json(random_problem(seed, requests=12))
    best = allocate(problem, LIMITS)
    monkeypatch.setattr("scheduler.allocation.quest.SMALL", -1)

    plan: Plan = allocate(problem, replace(LIMITS, seconds=2.0, side_by_side=SideBySide()))

    assert verify(problem, plan) == []
    assert plan.bound <= best.objective * (1 + 1e-6) + 1e-6
