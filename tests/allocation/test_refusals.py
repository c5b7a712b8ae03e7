"""What is no problem, or one that contradicts itself, is refused by name, with the way out."""

import json
import math
import time
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, PlanError, Problem, ProblemError, Tier, allocate, verify
from tests.allocation.referee import REFERENCE, check

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
SMALL: dict[str, Any] = json.loads((REFERENCE / "examples" / "small.json").read_text(encoding="utf-8"))

Document = dict[str, Any]


def small_with(path: tuple[str | int, ...], value: object) -> Document:
    document: Any = deepcopy(SMALL)
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    result: Document = document
    return result


NUMBERS: list[tuple[tuple[str | int, ...], str]] = [
    (("requests", 0, "unplaced_cost"), r"requests\['B0-r0'\].unplaced_cost"),
    (("requests", 0, "wait_cost"), r"requests\['B0-r0'\].wait_cost"),
    (("requests", 0, "max_km"), r"requests\['B0-r0'\].max_km"),
    (("staff", 0, "block_cost"), r"staff\['B0-x0'\].block_cost"),
    (("sites", 0, "offers", 0, "open_cost"), "open_cost"),
    (("costs", "per_person_km"), "costs.per_person_km"),
    (("costs", "road_factor"), "costs.road_factor"),
    (("costs", "tier", "town"), "costs.tier.town"),
    (("change_cost",), "change_cost"),
]


@pytest.mark.parametrize(("path", "named"), NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, 10**400, -1, "12", True, [1]])
def test_a_cost_that_is_none_is_refused_by_its_field(path: tuple[str | int, ...], named: str, value: object) -> None:
    with pytest.raises(ProblemError, match=f"{named}.*give a number from 0"):
        Problem.from_json(small_with(path, value))


@pytest.mark.parametrize("path", [("requests", 0, "people"), ("items", 0, "staff"), ("items", 0, "length")])
@pytest.mark.parametrize("value", [math.nan, 1.5, -1, "3", False, 10**9])
def test_a_count_that_is_none_is_refused(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(ProblemError, match=f"{path[-1]}: is .*give a whole number"):
        Problem.from_json(small_with(path, value))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("requests", 0, "item"), "items"),
        (("requests", 0, "jurisdiction"), "jurisdictions"),
        (("requests", 0, "from"), "blocks"),
        (("requests", 0, "until"), "blocks"),
        (("requests", 0, "not_blocks"), "blocks"),
        (("sites", 0, "jurisdiction"), "jurisdictions"),
        (("sites", 0, "blocks"), "blocks"),
        (("sites", 0, "offers", 0, "item"), "items"),
        (("staff", 0, "items"), "items"),
        (("staff", 0, "blocks"), "blocks"),
        (("jurisdictions", 1, "parent"), "jurisdictions"),
    ],
)
def test_an_unknown_id_is_refused_where_it_stands(path: tuple[str | int, ...], kind: str) -> None:
    value: object = ["nobody"] if path[-1] in ("not_blocks", "blocks", "items") else "nobody"

    with pytest.raises(ProblemError, match=f"{path[-1]}: names 'nobody', which is not in {kind}"):
        Problem.from_json(small_with(path, value))


@pytest.mark.parametrize(
    ("name", "row", "kind"),
    [
        ("pins", {"request": "nobody", "site": "B0-centre", "block": "2027-03-01-am", "people": 1}, "requests"),
        ("pins", {"request": "B0-r0", "site": "nobody", "block": "2027-03-01-am", "people": 1}, "sites"),
        ("pinned_sessions", {"site": "B0-centre", "item": "nobody", "block": "2027-03-01-am"}, "items"),
        ("min_people", {"site": "B0-centre", "item": "A-theory", "block": "nobody", "people": 1}, "blocks"),
        ("barred", {"staff": "nobody"}, "staff"),
    ],
)
def test_an_unknown_id_in_a_wish_is_refused_with_its_row(name: str, row: Document, kind: str) -> None:
    with pytest.raises(ProblemError, match=rf"{name}\[0\].*names 'nobody', which is not in {kind}"):
        Problem.from_json(small_with((name,), [row]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e13])
def test_a_price_that_a_question_has_changed_is_checked_as_well(value: float) -> None:
    problem = Problem.from_json(SMALL)

    with pytest.raises(ProblemError, match=r"change_cost: is .*give a number from 0"):
        replace(problem, change_cost=value)
    with pytest.raises(ProblemError, match=r"costs.tier\['town'\]: is .*give a number from 0"):
        replace(problem, costs=replace(problem.costs, tier={Tier.TOWN: value}))


def test_half_a_letter_is_no_id() -> None:
    with pytest.raises(ProblemError, match=r"requests\[.*\].id: is .*give a text"):
        Problem.from_json(small_with(("requests", 0, "id"), "\ud800x"))


def one_yard(**wishes: Any) -> Document:
    offers = [{"item": "crane", "places": 3, "open_cost": 1}, {"item": "boiler", "places": 3, "open_cost": 1}]
    asking = {"enterprise": "e", "jurisdiction": "o", "item": "crane", "people": 2, "unplaced_cost": 9}
    document = {
        "blocks": [{"id": name, "date": "2027-03-01", "part": name} for name in ("am", "pm")],
        "jurisdictions": [{"id": "o", "tier": "office"}],
        "items": [{"id": "crane", "staff": 1}, {"id": "boiler", "staff": 1, "min_class": 2}],
        "sites": [{"id": "yard", "jurisdiction": "o", "offers": offers}],
        "staff": [{"id": "lin", "items": ["crane", "boiler"]}],
        "requests": [{"id": name, **asking} for name in ("first", "next")],
    }
    return document | wishes


def pin(request: str, block: str, people: int = 2) -> Document:
    return {"request": request, "site": "yard", "block": block, "people": people}


def pinned(item: str, block: str) -> Document:
    return {"site": "yard", "item": item, "block": block}


@pytest.mark.parametrize(
    ("wishes", "named"),
    [
        ({"pins": [pin("first", "am"), pin("first", "pm")]}, "pins of 'first': ask for 4 people of 2"),
        ({"pins": [pin("first", "am"), pin("next", "am")]}, "yard.*crane.*am.*more people than there are places"),
        ({"pins": [pin("first", "am")], "barred": [{"block": "am"}]}, "'first' at 'yard', 'am'.*No objection forbids"),
        ({"pinned_sessions": [pinned("crane", "am"), pinned("boiler", "am")]}, "yard / boiler / am"),
        ({"pinned_sessions": [pinned("boiler", "am")]}, "yard / boiler / am"),
        ({"pinned_sessions": [pinned("crane", "am")], "staff": []}, "'yard', 'crane', 'am'.*not enough staff"),
    ],
)
def test_pins_that_contradict_are_refused_by_name(wishes: Document, named: str) -> None:
    with pytest.raises(ProblemError, match=named) as refused:
        allocate(Problem.from_json(one_yard(**wishes)), LIMITS)

    assert refused.value.way_out


def test_of_pins_that_clash_only_those_that_clash_are_named() -> None:
    sites = [{**one_yard()["sites"][0], "id": name} for name in ("yard", "hall")]
    wishes = {
        "pinned_sessions": [pinned("crane", "am"), pinned("crane", "pm"), {**pinned("crane", "am"), "site": "hall"}]
    }

    with pytest.raises(ProblemError) as refused:
        allocate(Problem.from_json(one_yard(sites=sites, **wishes)), LIMITS)

    assert "yard / crane / am" in refused.value.where
    assert "hall / crane / am" in refused.value.where
    assert "pm" not in refused.value.where


@pytest.mark.parametrize("length", [3, 10**7])
def test_an_item_longer_than_the_half_days_there_are_is_held_nowhere(length: int) -> None:
    document = one_yard()
    document["items"][0]["length"] = length

    plan = allocate(Problem.from_json(document), LIMITS)

    assert {(row.request, row.reason) for row in plan.unplaced} == {("first", "WINDOW"), ("next", "WINDOW")}
    assert verify(Problem.from_json(document), plan) == []


def test_a_rest_far_beyond_the_last_day_is_a_rest_to_the_end() -> None:
    document = one_yard()
    document["sites"][0]["rest_days"] = 10**7

    plan = allocate(Problem.from_json(document), LIMITS)

    assert len(plan.sessions) == 1
    assert verify(Problem.from_json(document), plan) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seated", 0, "people"), 1.5),
        (("seated", 0, "people"), True),
        (("seated", 0, "request"), 7),
        (("site",), None),
        (("staff",), "lin"),
        (("staff",), [3]),
    ],
)
def test_what_is_no_plan_is_not_taken_for_one(path: tuple[str | int, ...], value: object) -> None:
    document: Any = allocate(Problem.from_json(one_yard()), LIMITS).to_json()
    at = document["sessions"][0]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value

    with pytest.raises(PlanError, match="not of the form of a plan"):
        Plan.from_json(document)


@pytest.mark.parametrize("seed", range(20))
def test_what_nobody_serves_costs_the_same_in_any_order(seed: int) -> None:
    document = one_yard(items=[{"id": "crane"}, {"id": "boiler"}, {"id": "lift"}], staff=[])
    asking, (crane, boiler) = document["requests"][0], document["sites"][0]["offers"]
    document["sites"] = [
        {"id": name, "jurisdiction": "o", "offers": [offer]} for name, offer in (("yard", crane), ("hall", boiler))
    ]
    served = [asking | {"id": item, "item": item} for item in ("crane", "boiler")]
    left = [asking | {"id": f"r{n:02}", "item": "lift", "unplaced_cost": 0.1 * n + 1 / (n + 3)} for n in range(40)]
    shuffled = Random(seed).sample(left, len(left))

    one, other = (
        allocate(Problem.from_json(document | {"requests": served + each}), LIMITS) for each in (left, shuffled)
    )

    assert (one.bound, one.objective) == (other.bound, other.objective)


def test_ten_megabytes_of_requests_that_nothing_serves_are_planned() -> None:
    document = one_yard()
    row = {**document["requests"][0], "item": "lathe", "enterprise": "e" * 250}
    document["items"].append({"id": "lathe"})
    document["requests"] = [{**row, "id": f"r{n}"} for n in range(30_000)]
    written = json.dumps(document)
    assert len(written) > 10_000_000

    problem = Problem.from_json(json.loads(written))
    plan = allocate(problem, LIMITS)

    assert plan.people_unplaced == 60_000
    assert {str(row.reason) for row in plan.unplaced} == {"NO_OFFER"}
    assert check(document, plan.to_json())[0] == verify(problem, plan) == []


def test_ten_megabytes_of_an_earlier_plan_are_planned() -> None:
    document = one_yard(change_cost=1)
    document["before"] = [pin("gone" * 20, "am", people=1) for _ in range(80_000)] + [pin("first", "pm")]
    assert len(json.dumps(document)) > 10_000_000

    problem = Problem.from_json(document)
    plan = allocate(problem, LIMITS)

    assert check(document, plan.to_json())[0] == verify(problem, plan) == []
    assert plan.terms["change"] == 0


@pytest.mark.parametrize("document", [None, [], "problem", 3, {"format": "doorstep-problem/2"}, {"blocks": {}}])
def test_what_is_no_object_of_the_format_is_refused(document: Any) -> None:
    with pytest.raises(ProblemError):
        Problem.from_json(document)
