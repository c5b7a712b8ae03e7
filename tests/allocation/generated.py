"""Problems from a seed: small, crowded and odd, so that every rule bites somewhere."""

from datetime import date, timedelta
from random import Random
from typing import Any

Document = dict[str, Any]


def random_problem(seed: int, *, requests: int = 6) -> Document:
    """A problem with every field of the format in use somewhere."""
    chance = Random(seed)
    blocks = some_blocks(chance)
    jurisdictions = some_jurisdictions(chance)
    offices = [place["id"] for place in jurisdictions]
    items = [some_item(chance, n) for n in range(chance.randint(1, 3))]
    sites = [some_site(chance, n, blocks, offices, items) for n in range(chance.randint(0, 4))]
    asked = [some_request(chance, n, blocks, offices, items) for n in range(chance.randint(0, requests))]
    staff = [some_staff(chance, n, blocks, items) for n in range(chance.randint(0, 5))]
    problem: Document = {
        "format": "doorstep-problem/1",
        "blocks": blocks,
        "jurisdictions": jurisdictions,
        "items": items,
        "sites": sites,
        "staff": staff,
        "requests": asked,
        "costs": {
            "per_person_km": chance.choice([0, 2, 7.5]),
            "road_factor": chance.choice([1, 1.35]),
            "tier": chance.choice(
                [{}, {"office": 0, "town": 20, "bureau": 60}, {"office": 50, "town": 10, "bureau": 30}]
            ),
        },
    }
    if chance.random() < 0.2:
        problem["travel"] = {
            r["id"]: {s["id"]: chance.randint(0, 30) for s in sites if chance.random() < 0.8} for r in asked
        }
    add_wishes(chance, problem)
    return problem


def some_blocks(chance: Random) -> list[Document]:
    day, blocks = date(2027, 3, 1), []
    for _ in range(chance.randint(1, 3)):
        blocks += [{"id": f"{day}-{part}", "date": str(day), "part": part} for part in ("am", "pm")]
        day += timedelta(days=chance.choice([1, 1, 3]))
    return blocks[: chance.randint(1, len(blocks))]


def some_jurisdictions(chance: Random) -> list[Document]:
    places: list[Document] = []
    for bureau in range(chance.choice([1, 1, 2])):
        places.append({"id": f"B{bureau}", "tier": "bureau", "parent": None})
        for town in range(chance.randint(1, 2)):
            places.append({"id": f"B{bureau}-t{town}", "tier": "town", "parent": f"B{bureau}"})
            places.append({"id": f"B{bureau}-t{town}-o", "tier": "office", "parent": f"B{bureau}-t{town}"})
    return places


def some_item(chance: Random, number: int) -> Document:
    item: Document = {"id": f"i{number}"}
    if chance.random() < 0.7:
        item["staff"] = chance.randint(0, 2)
    if chance.random() < 0.5:
        item["min_class"] = chance.randint(0, 4)
    if chance.random() < 0.3:
        item["length"] = chance.randint(1, 3)
    return item


def some_ids(chance: Random, things: list[Document]) -> list[str]:
    return [thing["id"] for thing in things if chance.random() < 0.8]


def some_point(chance: Random) -> list[float]:
    return [31 + chance.randint(0, 9) / 100, 121 + chance.randint(0, 9) / 100]


def some_site(
    chance: Random, number: int, blocks: list[Document], offices: list[str], items: list[Document]
) -> Document:
    offered = [item["id"] for item in items if chance.random() < 0.8]
    site: Document = {
        "id": f"s{number}",
        "jurisdiction": chance.choice(offices),
        "offers": [
            {"item": item, "places": chance.choice([1, 3, 5, 8]), "open_cost": chance.choice([0, 40, 90.5])}
            for item in offered
        ],
    }
    if chance.random() < 0.9:
        site["at"] = some_point(chance)
    if chance.random() < 0.4:
        site["rooms"] = chance.randint(0, 2)
    if chance.random() < 0.3:
        site["rest_days"] = chance.randint(1, 2)
    if chance.random() < 0.5:
        site["blocks"] = some_ids(chance, blocks)
    return site


def some_staff(chance: Random, number: int, blocks: list[Document], items: list[Document]) -> Document:
    person: Document = {"id": f"w{number}", "items": some_ids(chance, items)}
    if chance.random() < 0.5:
        person["blocks"] = some_ids(chance, blocks)
    if chance.random() < 0.5:
        person["max_blocks"] = chance.randint(0, 4)
    if chance.random() < 0.7:
        person["block_cost"] = chance.choice([5, 10, 20])
    if chance.random() < 0.5:
        person["recused"] = [f"e{chance.randint(0, 3)}"]
    return person


def some_request(
    chance: Random, number: int, blocks: list[Document], offices: list[str], items: list[Document]
) -> Document:
    request: Document = {
        "id": f"r{number}",
        "enterprise": f"e{chance.randint(0, 3)}",
        "jurisdiction": chance.choice(offices),
        "at": some_point(chance),
        "item": chance.choice(items)["id"],
        "people": chance.choice([1, 2, 3, 5, 9]),
        "unplaced_cost": chance.choice([0, 20, 60, 150.25]),
    }
    if chance.random() < 0.4:
        request["from"] = chance.choice(blocks)["id"]
    if chance.random() < 0.4:
        request["until"] = chance.choice(blocks)["id"]
    if chance.random() < 0.2:
        request["not_blocks"] = [chance.choice(blocks)["id"]]
    if chance.random() < 0.4:
        request["together"] = True
    if chance.random() < 0.6:
        request["wait_cost"] = chance.choice([1, 3.5])
    if chance.random() < 0.2:
        request["max_km"] = chance.choice([1, 5])
    return request


def add_wishes(chance: Random, problem: Document) -> None:
    """Objections and an earlier plan; pins are added by the tests that look at them."""
    sites, asked, blocks = problem["sites"], problem["requests"], problem["blocks"]
    if sites and asked and chance.random() < 0.6:
        kinds = {"request": asked, "site": sites, "block": blocks, "item": problem["items"], "staff": problem["staff"]}
        for _ in range(chance.randint(1, 3)):
            named = [kind for kind, things in kinds.items() if things and chance.random() < 0.5]
            problem.setdefault("barred", []).append({kind: chance.choice(kinds[kind])["id"] for kind in named})
    if sites and asked and chance.random() < 0.5:
        problem["change_cost"] = chance.choice([0, 4, 25])
        problem["before"] = [
            {
                "request": chance.choice([*asked, {"id": "gone"}])["id"],
                "site": chance.choice(sites)["id"],
                "block": chance.choice(blocks)["id"],
                "people": chance.randint(1, 4),
            }
            for _ in range(chance.randint(1, 4))
        ]
    if sites and chance.random() < 0.4:
        problem["min_people"] = [
            {
                "site": chance.choice(sites)["id"],
                "item": chance.choice(problem["items"])["id"],
                "block": chance.choice(blocks)["id"],
                "people": chance.randint(1, 6),
            }
        ]
