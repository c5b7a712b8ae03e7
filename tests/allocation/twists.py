"""What makes a problem odd: each twist bends a random problem to one end of what the format allows."""

from collections.abc import Callable
from random import Random
from typing import Any

from scheduler.allocation.fields import HIGHEST_COST
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem

Document = dict[str, Any]


def no_requests(document: Document) -> Document:
    return {**without_wishes(document), "requests": []}


def no_sites(document: Document) -> Document:
    return {**without_wishes(document), "sites": []}


def no_staff(document: Document) -> Document:
    staffed = [{**item, "staff": 2} for item in document["items"]]
    return {**without_wishes(document), "items": staffed, "staff": []}


def one_person(document: Document) -> Document:
    requests = [{**request, "people": 1} for request in document["requests"][:1]]
    kept = {request["id"] for request in requests}
    return {**without_wishes(document), "requests": [each for each in requests if follows_one_of(each, kept)]}


def a_crowd(document: Document) -> Document:
    return {**document, "requests": [{**request, "people": 300} for request in document["requests"]]}


def classes_of_one_size(document: Document) -> Document:
    return {
        **document,
        "items": [{**item, "min_class": 3} for item in document["items"]],
        "sites": [{**site, "offers": [{**o, "places": 3} for o in site["offers"]]} for site in document["sites"]],
    }


def one_half_day_for_all(document: Document) -> Document:
    block = document["blocks"][0]["id"]
    return {**document, "requests": [{**each, "from": block, "until": block} for each in document["requests"]]}


def one_point(document: Document) -> Document:
    here = [31.03, 121.22]
    return {**document, **{kind: [{**each, "at": here} for each in document[kind]] for kind in ("sites", "requests")}}


def nobody_can_leave(document: Document) -> Document:
    return {**document, "requests": [{**request, "max_km": 0} for request in document["requests"]]}


def everything_barred(document: Document) -> Document:
    return {**document, "barred": [{}]}


def no_way_anywhere(document: Document) -> Document:
    return {**document, "travel": {}}


def no_rooms(document: Document) -> Document:
    return {**document, "sites": [{**site, "rooms": 0} for site in document["sites"]]}


def no_places(document: Document) -> Document:
    empty = [{**site, "offers": [{**o, "places": 0} for o in site["offers"]]} for site in document["sites"]]
    return {**document, "sites": empty}


def all_online(document: Document) -> Document:
    sites = [{name: value for name, value in site.items() if name != "at"} for site in document["sites"]]
    return {**document, "sites": sites}


def long_items(document: Document) -> Document:
    return {**document, "items": [{**item, "length": 9} for item in document["items"]]}


def everybody_together(document: Document) -> Document:
    return {**document, "requests": [{**request, "together": True} for request in document["requests"]]}


def all_recused(document: Document) -> Document:
    firms = sorted({request["enterprise"] for request in document["requests"]})
    return {**document, "staff": [{**person, "recused": firms} for person in document["staff"]]}


def huge_costs(document: Document) -> Document:
    return scaled(document, 1e7)


def tiny_costs(document: Document) -> Document:
    return scaled(document, 1e-5)


def nothing_costs(document: Document) -> Document:
    return scaled(document, 0)


def costs_far_apart(document: Document) -> Document:
    dear = [{**request, "unplaced_cost": 1e9} for request in document["requests"]]
    return {**document, "requests": dear}


def as_it_is(document: Document) -> Document:
    return document


TWISTS: tuple[Callable[[Document], Document], ...] = (
    as_it_is,
    no_requests,
    no_sites,
    no_staff,
    one_person,
    a_crowd,
    classes_of_one_size,
    one_half_day_for_all,
    one_point,
    nobody_can_leave,
    everything_barred,
    no_way_anywhere,
    no_rooms,
    no_places,
    all_online,
    long_items,
    everybody_together,
    all_recused,
    huge_costs,
    tiny_costs,
    nothing_costs,
    costs_far_apart,
)


def odd_problem(seed: int) -> Document:
    """A random problem under one twist or two."""
    chance = Random(seed)
    document = (
        following_problem(seed) if chance.random() < 0.3 else random_problem(seed, requests=chance.choice([6, 12]))
    )
    for twist in chance.sample(TWISTS, chance.randint(1, 2)):
        document = twist(document)
    return document


def scaled(document: Document, factor: float) -> Document:
    """All costs multiplied, as far as the format allows."""
    costs = document["costs"]
    return {
        **document,
        "requests": [times(each, factor, "unplaced_cost", "wait_cost") for each in document["requests"]],
        "staff": [times(each, factor, "block_cost") for each in document["staff"]],
        "sites": [
            {**site, "offers": [times(offer, factor, "open_cost") for offer in site["offers"]]}
            for site in document["sites"]
        ],
        "costs": {
            **times(costs, factor, "per_person_km"),
            "tier": {name: cost * factor for name, cost in costs.get("tier", {}).items()},
        },
        "change_cost": document.get("change_cost", 0) * factor,
    }


def times(row: Document, factor: float, *names: str) -> Document:
    return {**row, **{name: min(row[name] * factor, HIGHEST_COST) for name in names if name in row}}


def without_wishes(document: Document) -> Document:
    wishes = ("barred", "min_people", "before", "pins", "pinned_sessions")
    return {name: value for name, value in document.items() if name not in wishes}


def follows_one_of(request: Document, kept: set[str]) -> bool:
    return "after" not in request or request["after"]["request"] in kept
