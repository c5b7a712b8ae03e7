"""
The allocator's table: instance by method, cost, proof, pace, memory, and what people feel.

    python bench/allocation/run.py [--quick] [--only WORD] [--seed N]

Every instance is made from the seed. `--quick` takes the smaller ones and a tenth of the time. Times are by the clock
of this machine, from the start of a process of its own to its answer: on a machine that others use too, run it often
and take medians. A goal that is missed stays in the table as missed.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from districts import CITY, MONTH, QUARTER, district
from measured import GAPS, Run, measure
from published import beasley, holmberg, yang
from replans import replan, share_moved
from rich.console import Console
from rich.table import Table
from truth import solved

from scheduler.allocation.rules import km_between

Document = dict[str, Any]

EXAMPLES = Path(__file__).parents[2] / "tests" / "allocation" / "reference" / "examples"


@dataclass(frozen=True, slots=True)
class Instance:
    """
    One line of the issue's table.

    Attributes:
        gap: The floor for the proven gap; `of_best` the floor for the cost above the best known one.
        goal: The same, as we should like it.
        truth: Seconds for the plain model to find the best known cost; none where it would not.
    """

    name: str
    make: Callable[[int], Document]
    seconds: float
    gap: float | None = None
    goal: float | None = None
    of_best: float | None = None
    truth: float = 0.0
    quick: bool = False


INSTANCES = (
    Instance("cap 16x50", lambda n: beasley(n, sites=16, customers=50, load=0.7), 5, of_best=0.0, truth=30, quick=True),
    Instance("cap 25x50", lambda n: beasley(n, sites=25, customers=50, load=0.25), 5, of_best=0.0, truth=30),
    Instance("cap 50x50", lambda n: beasley(n, sites=50, customers=50, load=0.3), 5, of_best=0.0, truth=30, quick=True),
    Instance("cap 100x1000", lambda n: beasley(n, sites=100, customers=1000, load=0.85), 60, 0.01, 0.006),
    Instance("single 10x50", lambda n: holmberg(n, sites=10, customers=50), 15, of_best=0.005, truth=60, quick=True),
    Instance("single 20x100", lambda n: holmberg(n, sites=20, customers=100), 15, of_best=0.005, truth=120),
    Instance("single 30x200", lambda n: holmberg(n, sites=30, customers=200), 15, of_best=0.005, truth=120),
    Instance("single 80x400", lambda n: yang(n, sites=80, customers=400), 60, of_best=0.001, truth=180),
    Instance("month", lambda n: district(MONTH, n), 60, 0.05, 0.02, quick=True),
    Instance("example month", lambda _: example("month"), 60, 0.05, 0.02),
    Instance("quarter", lambda n: district(QUARTER, n), 120, 0.08, 0.03),
    Instance("city", lambda n: district(CITY, n), 300, 0.10, 0.04),
)
REPLAN_SECONDS, MOVED_FLOOR, MOVED_GOAL = 10.0, 0.15, 0.05


def example(name: str) -> Document:
    """A problem of those that the tests keep; the seed changes nothing of it."""
    found: Document = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    table = headed("Allocator")
    for instance in INSTANCES:
        if asked.only in instance.name and (instance.quick or not asked.quick):
            for row in rows_of(instance, asked.seed, share=0.1 if asked.quick else 1.0):
                table.add_row(*row)
    if asked.only in "re-plan":
        for row in replan_rows(asked.seed, share=0.1 if asked.quick else 1.0):
            table.add_row(*row)
    Console(width=200).print(table)
    return 0


def headed(title: str) -> Table:
    """The table with its columns."""
    table = Table(title=title, title_justify="left")
    for column in ("Instance", "Method"):
        table.add_column(column)
    marks = [f"to {gap:.0%}" for gap in GAPS]
    for column in ("Cost", "Gap", "First", *marks, "Answer", "MiB", "Left out", "Wait", "Way", "Asked"):
        table.add_column(column, justify="right")
    return table


def rows_of(instance: Instance, seed: int, *, share: float) -> Iterator[tuple[str, ...]]:
    """One instance by every method."""
    problem = instance.make(seed)
    seconds = max(3.0, instance.seconds * share)
    run = measure(problem, seconds=seconds, seed=seed)
    best, proof = solved(problem, seconds=instance.truth * share) if instance.truth else (None, None)
    yield row_of(instance.name, problem, run, verdict(instance, run, seconds, best))
    for key, other in run.baselines.items():
        cells = (instance.name, key, f"{other['cost']:,.0f}", *[""] * 8, f"{other['people_unplaced']}", "", "")
        yield (*cells, f"{other['cost'] / run.plan['objective']:.2f} x" if run.plan["objective"] else "")
    if best is not None and proof is not None:
        gap = (best - proof) / max(abs(best), 1e-9)
        yield (
            instance.name,
            "plain model",
            f"{best:,.0f}",
            f"{gap:.2%}",
            *[""] * 10,
            f"{instance.truth * share:.0f} s",
        )


def row_of(name: str, problem: Document, run: Run, asked: str) -> tuple[str, ...]:
    """What our own run did."""
    if not run.plan:
        return (name, "doorstep", f"failed: {run.failed}", *[""] * 11, "missed")
    plan = run.plan
    left_out = sum(row["people"] for row in plan["unplaced"])
    wait, way = worst_tenth(problem, plan)
    reached = [f"{run.to[gap]:.1f}" if gap in run.to else "-" for gap in GAPS]
    first = f"{run.first:.1f}" if run.first is not None else "-"
    memory, cost = f"{run.memory / 2**20:.0f}", f"{plan['objective']:,.0f}"
    seen = (cost, f"{plan['gap']:.2%}", first, *reached, f"{run.answered:.1f}", memory, f"{left_out}", wait, way)
    return (name, "doorstep", *seen, asked)


def verdict(instance: Instance, run: Run, seconds: float, best: float | None) -> str:
    """Whether the floor holds and the goal is met."""
    if not run.plan or run.answered > seconds * 1.25 + 5:
        return "missed: late"
    if instance.of_best is not None and best is not None:
        above = run.plan["objective"] / best - 1
        return f"{above:+.2%} of best, {'met' if above <= instance.of_best + 1e-6 else 'missed'}"
    words = [
        f"{name} {wanted:.1%} {'met' if run.plan['gap'] <= wanted else 'missed'}"
        for name, wanted in (("floor", instance.gap), ("goal", instance.goal))
        if wanted is not None
    ]
    return ", ".join(words)


def worst_tenth(problem: Document, plan: Document) -> tuple[str, str]:
    """Mean days waited and road kilometres of the tenth of the people who have it worst."""
    if "travel" in problem:
        return "", ""
    days = {block["id"]: date.fromisoformat(block["date"]) for block in problem["blocks"]}
    asked = {request["id"]: request for request in problem["requests"]}
    sites = {site["id"]: site for site in problem["sites"]}
    waits, ways = [], []
    for session in plan["sessions"]:
        for row in session["seated"]:
            request, site = asked[row["request"]], sites[session["site"]]
            waits += [(days[session["block"]] - days[request["from"]]).days] * row["people"]
            km = km_between(tuple(request["at"]), tuple(site["at"])) * problem["costs"]["road_factor"]
            ways += [km] * row["people"]
    worst = [sorted(each)[-max(1, len(each) // 10) :] for each in (waits, ways)]
    return f"{sum(worst[0]) / len(worst[0]):.1f} d", f"{sum(worst[1]) / len(worst[1]):.1f} km"


def replan_rows(seed: int, *, share: float) -> Iterator[tuple[str, ...]]:
    """A month planned, then planned again; once with a price on moving people, once without."""
    problem = district(MONTH, seed)
    first = measure(problem, seconds=60 * share, seed=seed)
    again = replan(problem, first.plan, seed)
    seconds = max(3.0, REPLAN_SECONDS * share)
    for name, asked in (("re-plan", again), ("re-plan, moves free", {**again, "change_cost": 0})):
        run = measure(asked, seconds=seconds, seed=seed)
        moved = share_moved(again, run.plan) if run.plan else 1.0
        met = "goal met" if moved <= MOVED_GOAL else "floor met" if moved <= MOVED_FLOOR else "missed"
        yield row_of(name, asked, run, f"{moved:.1%} moved, {met}")


if __name__ == "__main__":
    sys.exit(main())
