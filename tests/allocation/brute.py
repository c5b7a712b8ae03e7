"""The best plan of a tiny problem by trying everything; only the reference checker judges."""

from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import Any

Document = dict[str, Any]
Check = Callable[[Document, Document], tuple[list[str], dict[str, float]]]
Spot = tuple[str, str, str]


def cheapest(problem: Document, check: Check) -> float | None:
    """The lowest objective of any plan the checker accepts; None where it accepts none."""
    spots = [(s["id"], o["item"], b["id"]) for s in problem["sites"] for o in s["offers"] for b in problem["blocks"]]
    spots = [spot for spot in spots if could_be_held(problem, spot, check)]
    costs = [
        cost
        for seats in all_seatings(problem, spots)
        for staff in all_crews(problem, seats)
        if (cost := judged(problem, seats, staff, check)) is not None
    ]
    return min(costs, default=None)


def size_of(problem: Document) -> int:
    """How many seatings there are to try, roughly."""
    spots = [(o["item"], b["id"]) for s in problem["sites"] for o in s["offers"] for b in problem["blocks"]]
    size = 1
    for request in problem["requests"]:
        reachable = sum(item == request["item"] for item, _ in spots)
        size *= (reachable + 1) ** request["people"]
    return size * 3 ** min(len(spots), 4) ** (len(problem["staff"]) > 2)


def could_be_held(problem: Document, spot: Spot, check: Check) -> bool:
    """Whether the checker finds nothing against the session's place itself."""
    site, item, block = spot
    session = {"site": site, "item": item, "block": block, "tier": "office", "staff": [], "seated": []}
    bad, _ = check({**problem, "requests": []}, {"sessions": [session], "unplaced": []})
    return not any("closed" in each or "in a row" in each or "offer" in each for each in bad)


def all_seatings(problem: Document, spots: list[Spot]) -> Iterator[dict[Spot, dict[str, int]]]:
    """Every way to seat or leave out everybody."""
    pinned = {(x["site"], x["item"], x["block"]) for x in problem.get("pinned_sessions", [])}
    choices = []
    for request in problem["requests"]:
        fitting = [spot for spot in spots if spot[1] == request["item"]]
        choices.append([(request["id"], split) for split in splits(request["people"], len(fitting))])
    fitting_of = {r["id"]: [spot for spot in spots if spot[1] == r["item"]] for r in problem["requests"]}
    for chosen in product(*choices):
        seats: dict[Spot, dict[str, int]] = {spot: {} for spot in pinned}
        for request, split in chosen:
            for spot, people in zip(fitting_of[request], split, strict=True):
                if people:
                    seats.setdefault(spot, {})[request] = people
        yield seats


def splits(people: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to put at most so many people into the parts."""
    if not parts:
        yield ()
        return
    for first in range(people + 1):
        for rest in splits(people - first, parts - 1):
            yield (first, *rest)


def all_crews(problem: Document, seats: dict[Spot, dict[str, int]]) -> Iterator[dict[Spot, tuple[str, ...]]]:
    """Every way to name staff for the sessions."""
    need = {item["id"]: item.get("staff", 0) for item in problem["items"]}
    able = {item: [p["id"] for p in problem["staff"] if item in p["items"]] for item in need}
    crews = [list(combinations(able[spot[1]], need[spot[1]])) for spot in seats]
    for chosen in product(*crews):
        yield dict(zip(seats, chosen, strict=True))


def judged(
    problem: Document, seats: dict[Spot, dict[str, int]], staff: dict[Spot, tuple[str, ...]], check: Check
) -> float | None:
    """What a plan costs by the checker, None where it breaks a rule."""
    left = {request["id"]: request["people"] for request in problem["requests"]}
    sessions = []
    for (site, item, block), there in seats.items():
        for request, people in there.items():
            left[request] -= people
        sessions.append(
            {
                "site": site,
                "item": item,
                "block": block,
                "staff": list(staff[site, item, block]),
                "seated": [{"request": request, "people": people} for request, people in there.items()],
            }
        )
    unplaced = [{"request": r, "people": n, "reason": "COST"} for r, n in left.items() if n]
    bad, terms = check(problem, {"sessions": sessions, "unplaced": unplaced})
    # Tiers and prices are what the checker derives; a bare plan cannot state them.
    bare = ("tier is", "objective:", "bound:")
    broken = [each for each in bad if not any(word in each for word in bare)]
    return None if broken else sum(terms.values())
