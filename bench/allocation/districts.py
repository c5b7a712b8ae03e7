"""Districts and cities from a seed: towns, offices, halls, yards, a centre, staff and what enterprises ask for."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

Document = dict[str, Any]

MONDAY = date(2027, 3, 1)
WEEKDAYS = 5
CENTRE = (31.03, 121.23)
KM_PER_DEGREE = 111.0

# Share of the requests, places a hall or yard may have, least class.
ITEMS = {
    "A-theory": (0.13, (20, 40), 8),
    "N1-theory": (0.26, (20, 40), 8),
    "N1-practical": (0.31, (12, 24, 24, 36), 6),
    "Q2-bridge": (0.09, (9, 18, 27), 5),
    "R1-practical": (0.06, (9, 9, 18, 27), 5),
    "G1-practical": (0.06, (9, 18, 27), 4),
    "T-practical": (0.05, (8, 16, 24), 4),
    "Q1-practical": (0.04, (12, 24, 36), 4),
}
# Shares of examiners who must not meet somebody, of requests that stay together, and of those that go nowhere far.
RECUSED, TOGETHER, NOT_FAR = 0.5, 0.33, 0.12
THEORY = ("A-theory", "N1-theory")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a problem is; people, yards and staff are those of each bureau."""

    people: int
    half_days: int
    yards: int
    staff: int
    bureaus: int = 1


MONTH = Shape(people=1600, half_days=40, yards=24, staff=14)
QUARTER = Shape(people=4000, half_days=120, yards=48, staff=35)
CITY = Shape(people=4000, half_days=40, yards=48, staff=35, bureaus=10)


def district(shape: Shape, seed: int) -> Document:
    """A problem of this shape; bureaus share nothing but their examiners, who may serve everywhere."""
    chance = Random(seed)  # noqa: S311 - repeatable, no secrets
    problem: Document = {
        "format": "doorstep-problem/1",
        "blocks": half_days(shape.half_days),
        "jurisdictions": [],
        "items": [{"id": item, "staff": 2, "min_class": least} for item, (_, _, least) in ITEMS.items()],
        "sites": [],
        "staff": [],
        "requests": [],
        "costs": {
            "per_person_km": 150,
            "road_factor": 1.35,
            "tier": {"office": 0, "town": 20000, "bureau": 60000},
        },
    }
    for number in range(shape.bureaus):
        add_bureau(problem, chance, shape, number)
    return problem


def half_days(count: int) -> list[Document]:
    """Mornings and afternoons of working days."""
    days = [MONDAY + timedelta(days=n // WEEKDAYS * 7 + n % WEEKDAYS) for n in range(math.ceil(count / 2))]
    return [{"id": f"{day}-{part}", "date": str(day), "part": part} for day in days for part in ("am", "pm")][:count]


def add_bureau(problem: Document, chance: Random, shape: Shape, number: int) -> None:
    """One bureau with everything in it."""
    bureau = f"B{number}"
    middle = (CENTRE[0] + 0.3 * (number % 4), CENTRE[1] + 0.3 * (number // 4))
    problem["jurisdictions"].append({"id": bureau, "tier": "bureau", "parent": None})
    towns = {f"{bureau}-t{n:02}": near(chance, middle, 12.0) for n in range(17)}
    offices: dict[str, tuple[float, float]] = {}
    for town, place in towns.items():
        problem["jurisdictions"].append({"id": town, "tier": "town", "parent": bureau})
        for n in range(chance.choice((1, 1, 1, 2, 2, 3))):
            problem["jurisdictions"].append({"id": f"{town}-{n + 1}", "tier": "office", "parent": town})
            offices[f"{town}-{n + 1}"] = near(chance, place, 2.0)
    blocks = [block["id"] for block in problem["blocks"]]
    problem["sites"] += [hall(chance, town, place, blocks) for town, place in towns.items()]
    problem["sites"] += [yard(chance, f"{bureau}-yard{n}", offices, blocks) for n in range(shape.yards)]
    problem["sites"].append(
        {
            "id": f"{bureau}-centre",
            "jurisdiction": bureau,
            "at": list(middle),
            "rooms": 3,
            "offers": [{"item": i, "places": max(s), "open_cost": 150000} for i, (_, s, _) in ITEMS.items()],
        }
    )
    enterprises = [f"{bureau}-e{n}" for n in range(shape.people // 5)]
    problem["staff"] += [examiner(chance, f"{bureau}-x{n}", blocks, enterprises) for n in range(shape.staff)]
    asked = 0
    while asked < shape.people:
        row = request(chance, f"{bureau}-r{len(problem['requests'])}", offices, blocks, enterprises)
        row["people"] = min(row["people"], shape.people - asked)
        asked += row["people"]
        problem["requests"].append(row)


def near(chance: Random, place: tuple[float, float], km: float) -> tuple[float, float]:
    """A point within so many kilometres."""
    reach, turn = km * math.sqrt(chance.random()), chance.random() * math.tau
    north, east = reach * math.cos(turn), reach * math.sin(turn)
    shrink = math.cos(math.radians(place[0]))
    return round(place[0] + north / KM_PER_DEGREE, 5), round(place[1] + east / KM_PER_DEGREE / shrink, 5)


def some(chance: Random, things: list[str], share: float) -> list[str]:
    """Each of the things with this chance."""
    return [thing for thing in things if chance.random() < share]


def hall(chance: Random, town: str, place: tuple[float, float], blocks: list[str]) -> Document:
    """A town's hall, for theory."""
    return {
        "id": f"{town}-hall",
        "jurisdiction": town,
        "at": list(place),
        "rooms": chance.choice((1, 1, 1, 2)),
        "blocks": some(chance, blocks, 0.62),
        "offers": [{"item": item, "places": chance.choice((20, 40)), "open_cost": 80000} for item in THEORY],
    }


def yard(chance: Random, name: str, offices: dict[str, tuple[float, float]], blocks: list[str]) -> Document:
    """A firm's yard, for practice of one to four kinds."""
    office = chance.choice(sorted(offices))
    kinds = [item for item in ITEMS if item not in THEORY and chance.random() < (0.75 if item[:2] == "N1" else 0.3)]
    return {
        "id": name,
        "jurisdiction": office,
        "at": list(near(chance, offices[office], 2.0)),
        "blocks": some(chance, blocks, 0.36),
        "offers": [
            {"item": item, "places": chance.choice(ITEMS[item][1]), "open_cost": chance.choice((60000, 90000, 120000))}
            for item in kinds or ["N1-practical"]
        ],
    }


def examiner(chance: Random, name: str, blocks: list[str], enterprises: list[str]) -> Document:
    """Somebody who may examine five or six kinds, on a third of the half-days at most."""
    person: Document = {
        "id": name,
        "items": sorted(chance.sample(sorted(ITEMS), chance.choice((5, 5, 6)))),
        "blocks": some(chance, blocks, 0.62),
        "max_blocks": int(0.35 * len(blocks)),
        "block_cost": 30000,
    }
    if chance.random() < RECUSED:
        person["recused"] = chance.sample(enterprises, 2)
    return person


def request(
    chance: Random, name: str, offices: dict[str, tuple[float, float]], blocks: list[str], enterprises: list[str]
) -> Document:
    """Some people of an enterprise who ask for one item within a window."""
    office = chance.choice(sorted(offices))
    first = chance.randrange(max(1, len(blocks) - 40))
    row: Document = {
        "id": name,
        "enterprise": chance.choice(enterprises),
        "jurisdiction": office,
        "at": list(near(chance, offices[office], 2.5)),
        "item": chance.choices(list(ITEMS), [share for share, _, _ in ITEMS.values()])[0],
        "people": min(150, 1 + int(chance.lognormvariate(1.1, 0.9))),
        "from": blocks[first],
        "until": blocks[min(len(blocks) - 1, first + chance.choice((30, 40, 60, 90)))],
        "wait_cost": chance.choice((200, 300, 500)),
        "unplaced_cost": chance.choice((40000, 60000, 90000)),
    }
    if chance.random() < TOGETHER:
        row["together"] = True
    if chance.random() < NOT_FAR:
        row["max_km"] = chance.choice((8, 12, 20))
    return row
