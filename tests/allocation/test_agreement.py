"""Our verifier, the reference checker and the solver agree, on whatever the format allows."""

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, Problem, Stop, allocate, verify
from tests.allocation.following import following_problem, overtaking
from tests.allocation.generated import random_problem
from tests.allocation.referee import check
from tests.allocation.twists import TWISTS, odd_problem

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
ORDINARY, MANY = 120, 3_000

Document = dict[str, Any]


def agreed_plan(document: Document) -> Plan:
    problem = Problem.from_json(document)
    plan = allocate(problem, LIMITS)
    assert verify(problem, plan) == []
    assert check(document, plan.to_json())[0] == []
    assert overtaking(document, plan.to_json()) == []
    return plan


@pytest.mark.parametrize("seed", range(ORDINARY))
def test_all_agree_on_odd_problems(seed: int) -> None:
    agreed_plan(odd_problem(seed))


@pytest.mark.long
@pytest.mark.parametrize("first", range(ORDINARY, MANY, 100))
def test_all_agree_on_thousands_of_odd_problems(first: int) -> None:
    for seed in range(first, first + 100):
        agreed_plan(odd_problem(seed))


@pytest.mark.parametrize("twist", TWISTS)
@pytest.mark.parametrize("seed", [1, 2, 4, 6])
def test_all_agree_at_every_end_of_the_format(twist: Callable[[Document], Document], seed: int) -> None:
    agreed_plan(twist(random_problem(seed)))
    agreed_plan(twist(following_problem(seed)))


@pytest.mark.parametrize("seed", range(60))
def test_both_checkers_find_the_same_faults_in_spoilt_plans(seed: int) -> None:
    document = random_problem(seed)
    problem = Problem.from_json(document)
    plan = spoilt(allocate(problem, LIMITS).to_json(), Random(seed), document)

    ours, theirs = verify(problem, Plan.from_json(plan)), check(document, plan)[0]

    assert bool(ours) == bool(theirs)


def spoilt(plan: Document, chance: Random, document: Document) -> Document:
    """The plan with one thing in it set at random, for better or worse."""
    sessions = plan["sessions"]
    if not sessions:
        plan["objective"] += 5
        return plan
    session = chance.choice(sessions)
    kind = chance.choice(["block", "site", "tier", "staff", "people", "unplaced", "terms", "twice"])
    if kind in ("block", "site"):
        session[kind] = chance.choice(document[f"{kind}s"])["id"]
    elif kind == "tier":
        session["tier"] = chance.choice(["office", "town", "bureau"])
    elif kind == "staff":
        session["staff"] = [each["id"] for each in document["staff"] if chance.random() < 0.5]
    elif kind == "people" and session["seated"]:
        chance.choice(session["seated"])["people"] += chance.choice([-1, 1, 0])
    elif kind == "unplaced" and plan["unplaced"]:
        plan["unplaced"].pop()
    elif kind == "terms":
        plan["terms"]["travel"] += chance.choice([0, 1])
    elif kind == "twice":
        sessions.append(session)
    return plan


@pytest.mark.parametrize("seed", range(40))
def test_one_place_one_half_day_of_staff_or_one_site_more_never_costs_anything(seed: int) -> None:
    chance = Random(seed)
    document = random_problem(seed)
    best = agreed_plan(document)
    assert best.stopped is Stop.OPTIMAL

    for larger in (a_place_more(document, chance), a_staff_block_more(document, chance), a_site_more(document, chance)):
        plan = agreed_plan(larger)
        assert plan.stopped is Stop.OPTIMAL
        assert plan.objective <= best.objective * (1 + 1e-6) + 1e-6


def a_place_more(document: Document, chance: Random) -> Document:
    lucky = chance.randrange(max(1, len(document["sites"])))
    sites = [
        {**site, "offers": [{**o, "places": o["places"] + 1} for o in site["offers"]]} if n == lucky else site
        for n, site in enumerate(document["sites"])
    ]
    return {**document, "sites": sites}


def a_staff_block_more(document: Document, chance: Random) -> Document:
    lucky = chance.randrange(max(1, len(document["staff"])))
    staff = [with_a_block_more(each, document) if n == lucky else each for n, each in enumerate(document["staff"])]
    return {**document, "staff": staff}


def with_a_block_more(person: Document, document: Document) -> Document:
    usual = person.get("blocks")
    if usual is not None:
        missing = [block["id"] for block in document["blocks"] if block["id"] not in usual]
        person = {**person, "blocks": usual + missing[:1]}
    return {**person, "max_blocks": person["max_blocks"] + 1} if "max_blocks" in person else person


def a_site_more(document: Document, chance: Random) -> Document:
    offers = [{"item": item["id"], "places": 4, "open_cost": 10} for item in document["items"]]
    place = chance.choice(document["jurisdictions"])["id"]
    more = {"id": "s-more", "jurisdiction": place, "at": [31.05, 121.05], "offers": offers}
    return {**document, "sites": [*document["sites"], more]}


@pytest.mark.parametrize("seed", range(30))
def test_no_bound_lies_above_the_best_plan_however_short_the_search(seed: int) -> None:
    document = odd_problem(seed)
    problem = Problem.from_json(document)
    best = allocate(problem, LIMITS)

    for gap in (0.9, 0.2, 0.05):
        short = allocate(problem, Limits(clock=time.monotonic, seconds=20, gap=gap, seed=seed))
        assert verify(problem, short) == []
        assert short.bound <= best.objective * (1 + 1e-6) + 1e-6
        assert best.bound <= short.objective * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_the_same_problem_seed_and_limits_give_the_same_bytes(seed: int) -> None:
    document = odd_problem(seed)
    limits = Limits(clock=time.monotonic, seconds=60, gap=0.05, seed=seed)

    one, other = (allocate(Problem.from_json(document), limits).to_json() for _ in range(2))

    assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize("seed", range(15))
def test_the_order_of_every_list_but_the_blocks_is_nothing_to_the_plan(seed: int) -> None:
    document, chance = odd_problem(seed), Random(seed)
    lists = ("sites", "staff", "requests", "items", "jurisdictions", "barred", "min_people", "before")
    mixed = {
        **document,
        **{name: chance.sample(document[name], len(document[name])) for name in lists if name in document},
    }

    plan, again = (allocate(Problem.from_json(each), LIMITS).to_json() for each in (document, mixed))

    assert {**plan, "seconds": 0} == {**again, "seconds": 0}
