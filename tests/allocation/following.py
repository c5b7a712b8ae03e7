"""Problems in which requests follow others, and who overtakes whom, by pairing people one by one."""

from datetime import date, timedelta
from random import Random
from typing import Any

Document = dict[str, Any]
Sitting = tuple[int, int]
"""First and last position of a session's blocks."""


def following_problem(seed: int, *, requests: int = 5, most_people: int = 6) -> Document:
    """Firms that want theory and then a practical, with room enough for some of them."""
    chance = Random(seed)
    day, blocks = date(2027, 3, 1), []
    for _ in range(chance.randint(2, 3)):
        blocks += [{"id": f"{day}-{part}", "date": str(day), "part": part} for part in ("am", "pm")]
        day += timedelta(days=chance.choice([1, 1, 3]))
    items = [
        {"id": "theory", "staff": chance.randint(0, 1), "min_class": chance.randint(0, 2)},
        {"id": "practical", "staff": chance.randint(0, 1), "length": chance.choice([1, 1, 2])},
    ]
    offices = ["o0", "o1"]
    return {
        "format": "doorstep-problem/1",
        "blocks": blocks,
        "jurisdictions": [{"id": "b", "tier": "bureau"}]
        + [{"id": office, "tier": "office", "parent": "b"} for office in offices],
        "items": items,
        "sites": [some_site(chance, n, offices) for n in range(chance.randint(1, 2))],
        "staff": [{"id": f"w{n}", "items": ["theory", "practical"], "block_cost": 3} for n in range(2)],
        "requests": some_requests(chance, chance.randint(2, requests), offices, blocks, most_people),
        "costs": {"per_person_km": 1, "tier": {"office": 5, "town": 10, "bureau": 20}},
    }


def some_site(chance: Random, number: int, offices: list[str]) -> Document:
    offers = [
        {"item": item, "places": chance.randint(1, 6), "open_cost": chance.choice([5, 20])}
        for item in ("theory", "practical")
        if number == 0 or chance.random() < 0.8
    ]
    at = [31 + number / 100, 121]
    return {"id": f"s{number}", "jurisdiction": chance.choice(offices), "at": at, "rooms": 2, "offers": offers}


def some_requests(
    chance: Random, count: int, offices: list[str], blocks: list[Document], most_people: int
) -> list[Document]:
    asked: list[Document] = []
    for number in range(count):
        request: Document = {
            "id": f"r{number}",
            "enterprise": f"e{number}",
            "jurisdiction": chance.choice(offices),
            "at": [31 + chance.randint(0, 9) / 100, 121],
            "item": "theory",
            "people": chance.randint(1, most_people),
            "unplaced_cost": chance.choice([40, 100]),
            "wait_cost": chance.choice([0, 2]),
            "together": chance.random() < 0.2,
        }
        if asked and chance.random() < 0.7:
            request["item"] = "practical"
            request["after"] = {"request": chance.choice(asked)["id"], "days": chance.choice([0, 0, 1, 2])}
        if chance.random() < 0.15:
            request["until"] = chance.choice(blocks)["id"]
        asked.append(request)
    return asked


def overtaking(problem: Document, plan: Document) -> list[str]:
    """The requests of which somebody cannot be paired with somebody who was done before, by trying every pairing."""
    day = [date.fromisoformat(block["date"]).toordinal() for block in problem["blocks"]]
    found = []
    for request in problem["requests"]:
        if "after" not in request:
            continue
        earlier, later = (sittings(problem, plan, each) for each in (request["after"]["request"], request["id"]))
        gap = request["after"].get("days", 0)
        could = [
            [n for n, (_, end) in enumerate(earlier) if start > end and day[start] - day[end] >= gap]
            for start, _ in later
        ]
        if not all_paired(could):
            found.append(f"overtakes: {request['id']}")
    return found


def sittings(problem: Document, plan: Document, request: str) -> list[Sitting]:
    rank = {block["id"]: n for n, block in enumerate(problem["blocks"])}
    length = {item["id"]: item.get("length", 1) for item in problem["items"]}
    return [
        (rank[session["block"]], rank[session["block"]] + length[session["item"]] - 1)
        for session in plan["sessions"]
        for seat in session["seated"]
        if seat["request"] == request
        for _ in range(seat["people"])
    ]


def all_paired(could: list[list[int]]) -> bool:
    """Whether everybody finds a partner of their own, by augmenting paths."""
    partner: dict[int, int] = {}

    def pair(who: int, tried: set[int]) -> bool:
        for other in could[who]:
            if other not in tried:
                tried.add(other)
                if other not in partner or pair(partner[other], tried):
                    partner[other] = who
                    return True
        return False

    return all(pair(who, set()) for who in range(len(could)))
