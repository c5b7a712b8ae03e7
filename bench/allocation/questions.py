"""
How long the questions take that people ask of a plan: `python bench/allocation/questions.py [small month quarter]`.

Each question is asked many times of one plan; the table shows the median and the slowest, beside floor and goal, and
how many times quicker the estimate is than solving the same question in the same run.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from scheduler.allocation import Limits, Plan, Problem, ProblemError, allocate, verify
from scheduler.allocation.insight.alternatives import Counter
from scheduler.allocation.insight.changes import add_staff, close_site, set_least_class
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.scarce import most_wanted
from scheduler.allocation.insight.sessions import accounts
from scheduler.allocation.insight.whatif import by_mending, by_prices
from scheduler.allocation.insight.wishes import Wish, fulfilled, guess
from scheduler.allocation.parts import Request

EXAMPLES = Path(__file__).parents[2] / "tests" / "allocation" / "reference" / "examples"
PLANNING_SECONDS = {"small": 5.0, "month": 30.0, "quarter": 60.0}
EXACT_SECONDS = 10.0
ASKED, SOLVED = 60, 3
# The search is asked to stop after so many seconds.
SEARCHED = 6.0


@dataclass(frozen=True)
class Measured:
    """One question's times in milliseconds, with what was promised."""

    question: str
    times: list[float]
    floor: str = ""
    goal: str = ""
    remark: str = ""


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that the work takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def measured(question: str, works: Iterable[Callable[[], object]], floor: str = "", goal: str = "") -> Measured:
    """Time each of the works."""
    return Measured(question, [timed(work) for work in works], floor, goal)


def newcomers(problem: Problem, chance: Random) -> list[Request]:
    """Requests like those of the problem, from firms that nobody knows yet."""
    alike = chance.choices(problem.requests, k=ASKED)
    return [replace(request, id="new", enterprise="new", people=min(3, request.people)) for request in alike]


def wishes(problem: Problem, chance: Random) -> list[Wish]:
    """A place anywhere, at a site, or on a half-day, for requests drawn by lot."""
    places = [(None, None), (chance.choice(problem.sites).id, None), (None, chance.choice(problem.blocks).id)]
    asking = chance.choices(problem.requests, k=ASKED)
    return [Wish(request.id, *place) for request, place in zip(asking, cycle(places), strict=False)]


def solved_wishes(outlook: Outlook, chance: Random) -> Measured:
    """Wishes solved with the time limit of a person who waits."""
    possible = [wish for wish in wishes(outlook.problem, chance) if guess(outlook, wish) is not None][:SOLVED]
    refused = []

    def solve(wish: Wish) -> None:
        try:
            fulfilled(outlook, wish, Limits(clock=time.monotonic, seconds=EXACT_SECONDS * 0.8))
        except ProblemError:
            refused.append(wish)

    times = [timed(partial(solve, wish)) for wish in possible]
    remark = f"{len(refused)} of {len(possible)} not fulfilled" if refused else ""
    return Measured("what a wish costs, solved", times, goal="10 s", remark=remark)


def cancelled(problem: Problem) -> Measured:
    """From the wish to stop, in the middle of a search, to the plan in hand, explained and verified."""
    since: list[float] = []

    def asked(began: float) -> bool:
        if time.perf_counter() - began > SEARCHED and not since:
            since.append(time.perf_counter())
        return bool(since)

    plan = allocate(problem, Limits(clock=time.monotonic, seconds=300), cancelled=partial(asked, time.perf_counter()))
    took = (time.perf_counter() - since[0]) * 1000 if since else 0.0
    remark = "" if since else "the search was over before"
    assert verify(problem, plan) == []
    return Measured("stopping with the best plan so far", [took], remark=remark)


def questions(problem: Problem, plan: Plan) -> list[Measured]:
    """Everything that is timed, for one plan."""
    chance = Random(1)  # noqa: S311 - the same questions every time
    made: list[Outlook] = []
    counters: list[Counter] = []
    rows = [
        measured("once a plan: prices for all questions", [lambda: made.append(Outlook.of(problem, plan))]),
        measured("once a plan: what it leaves free", [lambda: counters.append(Counter(problem, plan))]),
    ]
    outlook, counter = made[0], counters[0]
    ask = [partial(counter.alternatives, request) for request in newcomers(problem, chance)]
    rows.append(measured("three alternatives for a newcomer", ask, "20 ms", "1 ms"))
    guesses = [partial(guess, outlook, wish) for wish in wishes(problem, chance)]
    rows.append(measured("what a wish costs, estimated", guesses, "500 ms", "50 ms"))
    rows.append(solved_wishes(outlook, chance))
    changed = [
        close_site(problem, plan.sessions[0].site),
        add_staff(problem, [problem.items[0].id]),
        set_least_class(problem, problem.items[0].id, 1),
    ]
    rows += [
        measured("what if, by the prices", [partial(by_prices, outlook, each) for each in changed]),
        measured("what if, the plan mended", [partial(by_mending, outlook, each) for each in changed]),
        measured("what would help most", [lambda: most_wanted(outlook)]),
        measured("an account of every session", [lambda: accounts(outlook)]),
        cancelled(problem),
    ]
    return rows


def table_of(name: str, plan: Plan, rows: list[Measured]) -> Table:
    """The figures of one instance."""
    table = Table(title=f"{name}: {len(plan.sessions)} sessions, gap {plan.gap:.1%}", title_justify="left")
    for column in ("Question", "Asked", "Median", "Slowest", "Floor", "Goal", "Remark"):
        table.add_column(column, justify="left" if column in ("Question", "Remark") else "right")
    for row in rows:
        middle, most = (f"{times:,.2f} ms" for times in (statistics.median(row.times), max(row.times)))
        table.add_row(row.question, str(len(row.times)), middle, most, row.floor, row.goal, row.remark)
    estimate, answer = (statistics.median(rows[at].times) for at in (3, 4))
    table.caption = f"Estimating a wish is {answer / estimate:,.0f} × as quick as solving it."
    return table


def main(names: list[str]) -> None:
    """Ask every question of every instance."""
    console = Console(width=120)
    for name in names or ["small", "month"]:
        problem = Problem.from_json(json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8")))
        plan = allocate(problem, Limits(clock=time.monotonic, seconds=PLANNING_SECONDS[name]))
        assert verify(problem, plan) == []
        console.print(table_of(name, plan, questions(problem, plan)))


if __name__ == "__main__":
    main(sys.argv[1:])
