"""A plan taken up again: nothing of it is lost, and the search finds from it what it finds from nothing."""

import time
from typing import Any

import pytest

from scheduler.allocation import Limits, Problem, allocate, verify
from scheduler.allocation.draft import cost_of
from scheduler.allocation.options import space_of
from scheduler.allocation.resume import what_still_stands
from scheduler.allocation.staffing import Staffing
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
SOME = [random_problem(seed) for seed in range(20)] + [following_problem(seed) for seed in range(20)]

Document = dict[str, Any]


def with_one_site_closed(document: Document) -> Document:
    return {**document, "sites": [{**document["sites"][0], "blocks": []}, *document["sites"][1:]]}


@pytest.mark.parametrize("document", SOME)
def test_a_plan_of_the_same_problem_stands_as_it_is(document: Document) -> None:
    problem = Problem.from_json(document)
    plan = allocate(problem, LIMITS)

    staffing = Staffing(space_of(problem))
    draft = what_still_stands(staffing, plan)

    assert cost_of(staffing.space, draft.seats, draft.staff) == pytest.approx(plan.objective)


@pytest.mark.parametrize("document", [each for each in SOME if each["sites"]])
def test_from_the_plan_before_a_site_closed_the_search_finds_what_it_finds_from_nothing(document: Document) -> None:
    before = allocate(Problem.from_json(document), LIMITS)
    problem = Problem.from_json(with_one_site_closed(document))

    plan, fresh = allocate(problem, LIMITS, start=before), allocate(problem, LIMITS)

    assert verify(problem, plan) == []
    assert plan.objective == pytest.approx(fresh.objective)
