"""
Facility location in the shapes of the published sets, drawn anew from their recipes; the files are not here.

Warehouses are sites, customers requests, demand people; one block, no staff, the cost matrix in `travel`. The ranges
are those of the papers as far as they state them, so results on these say how the allocator does on problems of that
kind, not on those very files.
"""

import math
from random import Random
from typing import Any

Document = dict[str, Any]
Matrix = list[list[float]]

DEAR = 1e4
"""Leaving out one unit of demand, as a multiple of the dearest way: nobody pays it while there is a place."""


def beasley(seed: int, *, sites: int, customers: int, load: float) -> Document:
    """
    Multi-source, after Beasley (EJOR 33, 1988): points in a square of 1000, demand 1-100, costs along the distance.

    `load` is the share of all capacity that demand takes; the large sets are the tight ones.
    """
    chance = Random(seed)  # noqa: S311 - repeatable, no secrets
    spots, homes = points(chance, sites, 1000), points(chance, customers, 1000)
    demand = [chance.randint(1, 100) for _ in range(customers)]
    # Costs per unit lie 0 to 25 % above the distance.
    ways = [[round(math.dist(home, spot) * chance.uniform(1.0, 1.25), 3) for spot in spots] for home in homes]
    places = [math.ceil(sum(demand) / load / sites)] * sites
    fixed = [round(chance.uniform(0.5, 1.5) * sum(demand) * 30 / math.sqrt(sites)) for _ in range(sites)]
    return located(places, fixed, demand, ways, together=False)


def holmberg(seed: int, *, sites: int, customers: int) -> Document:
    """Single-source, after Holmberg, Rönnqvist and Yuan (EJOR 113, 1999): p1-p71, 10-30 sites and 50-200 customers."""
    chance = Random(seed)  # noqa: S311 - repeatable, no secrets
    spots, homes = points(chance, sites, 200), points(chance, customers, 200)
    demand = [chance.randint(10, 50) for _ in range(customers)]
    ways = [[max(10.0, round(math.dist(home, spot))) for spot in spots] for home in homes]
    need = sum(demand) / sites
    places = [round(need * chance.uniform(1.4, 3.5)) for _ in range(sites)]
    fixed = [float(chance.randint(300, 700)) for _ in range(sites)]
    # Here a way is paid once for the whole customer.
    whole = [[way / people for way in row] for row, people in zip(ways, demand, strict=True)]
    return located(places, fixed, demand, whole, together=True)


def yang(seed: int, *, sites: int, customers: int, ratio: float = 4.0) -> Document:
    """
    Single-source, after Yang, Chu and Chen (EJOR 221, 2012), who follow Cornuéjols, Sridharan and Thizy (1991).

    Points in the unit square, demand 5-35, capacity 10-160 scaled to `ratio` times the demand, fixed cost growing
    with the root of the capacity, ten per unit of demand and distance.
    """
    chance = Random(seed)  # noqa: S311 - repeatable, no secrets
    spots, homes = points(chance, sites, 1), points(chance, customers, 1)
    demand = [chance.randint(5, 35) for _ in range(customers)]
    drawn = [chance.randint(10, 160) for _ in range(sites)]
    scale = ratio * sum(demand) / sum(drawn)
    places = [max(35, round(each * scale)) for each in drawn]
    fixed = [round(chance.uniform(0, 90) + chance.uniform(100, 110) * math.sqrt(each), 2) for each in places]
    ways = [[round(10 * math.dist(home, spot), 4) for spot in spots] for home in homes]
    return located(places, fixed, demand, ways, together=True)


def points(chance: Random, count: int, side: float) -> list[tuple[float, float]]:
    """Points in a square."""
    return [(chance.random() * side, chance.random() * side) for _ in range(count)]


def located(places: list[int], fixed: list[float], demand: list[int], ways: Matrix, *, together: bool) -> Document:
    """The problem document of a facility-location problem."""
    dear = DEAR * max(max(row) for row in ways)
    return {
        "format": "doorstep-problem/1",
        "blocks": [{"id": "only", "date": "2027-03-01", "part": "am"}],
        "jurisdictions": [{"id": "all", "tier": "bureau", "parent": None}],
        "items": [{"id": "goods"}],
        "sites": [
            {"id": f"s{n:03}", "jurisdiction": "all", "offers": [{"item": "goods", "places": size, "open_cost": cost}]}
            for n, (size, cost) in enumerate(zip(places, fixed, strict=True))
        ],
        "requests": [
            {
                "id": f"c{n:04}",
                "enterprise": f"c{n:04}",
                "jurisdiction": "all",
                "item": "goods",
                "people": people,
                "together": together,
                "unplaced_cost": dear,
            }
            for n, people in enumerate(demand)
        ],
        "travel": {f"c{n:04}": {f"s{m:03}": way for m, way in enumerate(row)} for n, row in enumerate(ways)},
    }
