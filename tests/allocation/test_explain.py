"""Whoever is left out is told why, by which rule, sessions and staff, and what the cheapest way out would cost."""

import time
from typing import Any

import pytest

from scheduler.allocation import Limits, Plan, Problem, Unplaced, allocate
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)

Document = dict[str, Any]


def problem_with(**changes: Any) -> Document:
    """One yard, two half-days, one examiner, one request for two people; changed for each test."""
    document: Document = {
        "blocks": [{"id": f"2027-03-0{n}-am", "date": f"2027-03-0{n}", "part": "am"} for n in (1, 2)],
        "jurisdictions": [{"id": "o", "tier": "office"}],
        "items": [{"id": "crane", "staff": 1, "min_class": 2}],
        "sites": [{"id": "yard", "jurisdiction": "o", "offers": [{"item": "crane", "places": 4, "open_cost": 10}]}],
        "staff": [{"id": "lin", "items": ["crane"], "block_cost": 5}],
        "requests": [request("firm", people=2)],
    }
    return document | changes


def request(name: str, **changes: Any) -> Document:
    usual = {"enterprise": name, "jurisdiction": "o", "item": "crane", "people": 2, "unplaced_cost": 100}
    return {"id": name, **usual, **changes}


def left_out(document: Document) -> Unplaced:
    (row,) = allocate(Problem.from_json(document), LIMITS).unplaced
    return row


def way_out(row: Unplaced) -> tuple[str, str, float]:
    found = row.detail["way_out"]
    return found["change"], found["text"], found["extra_cost"]


def test_without_an_offer_the_way_out_is_an_offer() -> None:
    row = left_out(problem_with(items=[{"id": "crane"}, {"id": "boiler"}], requests=[request("firm", item="boiler")]))

    assert row.reason == "NO_OFFER"
    assert way_out(row)[:2] == ("offer", "let a site that it may reach offer boiler in its window")


def test_whoever_will_not_go_far_enough_is_told_how_far_it_would_be() -> None:
    yard = {**problem_with()["sites"][0], "at": [31.0, 121.0]}
    asked = [request("firm", at=[31.1, 121.0], max_km=5)]

    row = left_out(problem_with(sites=[yard], requests=asked, costs={"per_person_km": 1}))

    assert row.reason == "NO_OFFER"
    assert (row.detail["evidence"]["sites_that_offer"], row.detail["evidence"]["sites_it_may_reach"]) == (1, 0)
    assert way_out(row)[:2] == ("max_km", "let them go 11.1 km, to yard on 2027-03-01-am")
    assert way_out(row)[2] == pytest.approx(10 + 5 + 2 * 11.12 - 200, abs=0.1)


def test_a_half_day_on_which_the_site_is_closed_is_named_with_its_price() -> None:
    sites = [{**problem_with()["sites"][0], "blocks": ["2027-03-02-am"]}]
    row = left_out(problem_with(sites=sites, requests=[request("firm", until="2027-03-01-am", wait_cost=3)]))

    assert row.reason == "WINDOW"
    assert way_out(row) == ("window", "open yard on 2027-03-01-am", 10 + 5 - 200)


def test_an_objection_is_named_by_what_it_says() -> None:
    row = left_out(problem_with(barred=[{"site": "yard", "item": "crane"}]))

    assert row.reason == "BARRED"
    assert way_out(row)[:2] == ("objection", "withdraw the objection to item crane site yard: yard on 2027-03-01-am")


def test_missing_staff_are_counted_and_each_is_told_apart() -> None:
    staff = [
        {"id": "lin", "items": ["crane"], "recused": ["firm"]},
        {"id": "wu", "items": ["crane"], "blocks": []},
        {"id": "xu", "items": []},
    ]
    row = left_out(problem_with(staff=staff))

    assert row.reason == "NO_STAFF"
    assert row.detail["evidence"]["staff"] == {"lin": "must not meet them", "wu": "cannot come then"}
    assert way_out(row)[:2] == ("staff", "1 more of staff who hold crane: yard on 2027-03-01-am")


def test_a_class_that_is_too_small_says_how_many_are_missing() -> None:
    row = left_out(problem_with(items=[{"id": "crane", "staff": 1, "min_class": 3}]))

    assert row.reason == "MIN_CLASS"
    assert way_out(row)[1].startswith("1 more people for a class of 3")


def test_people_who_fit_only_split_are_told_so() -> None:
    row = left_out(problem_with(requests=[request("firm", people=6, together=True)]))

    assert row.reason == "TOGETHER"
    assert way_out(row)[0] == "together"


def test_a_split_is_priced_for_those_who_then_have_a_place() -> None:
    few, many = [
        left_out(problem_with(requests=[request("firm", people=people, together=True)])).detail["way_out"]
        for people in (6, 300)
    ]

    assert many["extra_cost"] == few["extra_cost"]  # the place holds no more of three hundred than of six


def test_a_full_session_says_how_many_places_are_missing() -> None:
    asked = [request("big", people=4), request("late", people=2, unplaced_cost=50)]
    only = {"blocks": problem_with()["blocks"][:1]}
    row = left_out(problem_with(requests=asked, **only))

    assert (row.request, row.reason) == ("late", "FULL")
    assert "2 more places at yard at 2027-03-01-am, which has 0 left" in way_out(row)[1]
    assert row.detail["evidence"]["nearest"][0]["sessions"] == [{"item": "crane", "people": 4}]


def test_staff_who_are_elsewhere_are_named_with_where_they_are() -> None:
    offers = [{"item": item, "places": 4, "open_cost": 10} for item in ("crane", "boiler")]
    yard = {**problem_with()["sites"][0], "rooms": 2, "offers": offers}
    asked = [request("big", people=4), request("late", item="boiler", people=2, unplaced_cost=50)]
    items = [{"id": item, "staff": 1} for item in ("crane", "boiler")]
    staff = [{"id": "lin", "items": ["crane", "boiler"]}]
    blocks = problem_with()["blocks"][:1]

    row = left_out(problem_with(sites=[yard], items=items, staff=staff, requests=asked, blocks=blocks))

    assert (row.request, row.reason) == ("late", "NO_STAFF")
    assert row.detail["evidence"]["nearest"][0]["staff"] == {"lin": "is at yard for crane"}


def test_what_costs_more_than_leaving_them_out_says_so() -> None:
    row = left_out(problem_with(requests=[request("firm", people=2, unplaced_cost=1)]))

    assert row.reason == "COST"
    assert way_out(row)[2] == 10 + 5 - 2


def test_places_left_outside_the_window_are_offered() -> None:
    asked = [request("first", people=2, **{"from": "2027-03-02-am"}), request("then", people=1, until="2027-03-01-am")]
    row = left_out(problem_with(requests=asked))

    assert row.request == "then"
    assert row.detail["way_out"]["text"] == "let them come until 2027-03-02-am: places are left at yard"


@pytest.mark.parametrize("seed", range(60))
def test_every_line_has_numbers_and_a_way_out_with_its_price(seed: int) -> None:
    document = random_problem(seed) if seed % 2 else following_problem(seed)
    plan: Plan = allocate(Problem.from_json(document), LIMITS)

    for row in plan.unplaced:
        assert row.detail["evidence"]["people_left_out"] == row.people
        assert isinstance(row.detail["way_out"]["extra_cost"], float)
        assert row.detail["way_out"]["text"]
