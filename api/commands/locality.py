"""`doorstep locality`: the price of serving people at home, as a curve."""

import math
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from api.commands.console import print_document, results, say_no
from api.commands.plan_tables import table_of
from api.commands.problem_files import DONE, MISUSED, Json, answering, read_problem
from api.commands.searching import interruptible, limits_for, watched
from scheduler.allocation.insight.locality import FACTORS, Point, locality_curve

BAR = 12


def locality(
    problem: Path,
    *,
    factor: Annotated[list[float] | None, Parameter(negative="")] = None,
    time_limit: float = 60.0,
    seed: int = 0,
    as_json: Json = False,
) -> int:
    """
    Show how much is served in people's own office and town, and at what cost, as the higher tiers get dearer.

    Args:
        problem: The problem, `doorstep-problem/1`.
        factor: What its tier costs are multiplied by, once for each point of the curve; 0, 0.5, 1, 2 and 4 by default.
        time_limit: Seconds for the whole curve.
        seed: Where choices start from.
        as_json: Print one JSON document instead of a table.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    factors = sorted(set(factor or FACTORS))
    if not time_limit > 0 or not all(math.isfinite(each) and each >= 0 for each in factors):
        say_no("give a time above 0 and factors of at least 0")
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        limits = limits_for(time_limit / len(factors), seed)
        with interruptible() as asked, watched() as tell:
            points = locality_curve(given, limits, factors=factors, progress=tell, cancelled=asked)
        if as_json:
            print_document({"points": [entry_of(point) for point in points]})
        else:
            results.print(curve(points))
        return DONE

    return answering(work, as_json=as_json)


def entry_of(point: Point) -> dict[str, Any]:
    """One point for programs."""
    names = ("factor", "at_office", "at_town", "at_bureau", "left_out", "money", "tier_cost", "gap")
    return {name: getattr(point, name) for name in names}


def curve(points: list[Point]) -> Table:
    """The curve as a table: shares of everybody who asked, and what the plan costs but for consulting."""
    title = "The price of locality (shares of everybody who asked)"
    right = ["Office █", "Town ▓", "Further ░", "Left out", "Cost but tiers", "Consulting", "Gap"]
    table = table_of(title, ["Tier costs", "Where"], right)
    for point in points:
        shares = [f"{share:.1%}" for share in (point.at_office, point.at_town, point.at_bureau, point.left_out)]
        costs = [f"{point.money:,.0f}", f"{point.tier_cost:,.0f}", f"{point.gap:.1%}"]
        table.add_row(f"× {point.factor:g}", bar_of(point), *shares, *costs)
    return table


def bar_of(point: Point) -> str:
    """The shares as a bar."""
    parts = ((point.at_office, "█"), (point.at_town, "▓"), (point.at_bureau, "░"))
    return "".join(mark * round(share * BAR) for share, mark in parts)
