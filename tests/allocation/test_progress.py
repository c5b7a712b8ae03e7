"""A search tells what it knows, and can be stopped at any moment with a plan that keeps every rule."""

import json
import time
from itertools import count, pairwise
from typing import Any

import pytest

from scheduler.allocation import Limits, Problem, Progress, Stop, allocate, verify
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem
from tests.allocation.referee import REFERENCE, check

LIMITS = Limits(clock=time.monotonic, seconds=30, seed=1)
SMALL: dict[str, Any] = json.loads((REFERENCE / "examples" / "small.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", [SMALL, random_problem(7), following_problem(3)])
def test_cost_only_falls_and_bound_only_rises_from_the_first_plan_on(document: dict[str, Any]) -> None:
    told: list[Progress] = []

    plan = allocate(Problem.from_json(document), LIMITS, progress=told.append)

    assert (told[0].phase, told[-1].phase) == ("first plan", "done")
    for before, after in pairwise(told):
        assert after.cost <= before.cost + 1e-6 * abs(before.cost)
        assert after.bound >= before.bound - 1e-6 * abs(before.bound)
        assert after.seconds >= before.seconds
    assert told[-1].cost == pytest.approx(plan.objective)


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 8, 13, 21, 55, 144, 400])
@pytest.mark.parametrize("document", [SMALL, random_problem(5, requests=12), following_problem(8, requests=8)])
def test_stopped_at_any_moment_the_plan_keeps_every_rule(document: dict[str, Any], moment: int) -> None:
    problem, asked = Problem.from_json(document), count()

    plan = allocate(problem, LIMITS, cancelled=lambda: next(asked) >= moment)

    assert verify(problem, plan) == []
    assert check(document, plan.to_json())[0] == []
    assert plan.stopped in (Stop.CANCELLED, Stop.OPTIMAL)
