"""`doorstep wish`: what it would cost to give one request what it wishes."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape

from api.commands.console import print_document, results
from api.commands.explain import outlook_of
from api.commands.explaining import difference_entry
from api.commands.insight_tables import difference_tables
from api.commands.plan_tables import growth, table_of
from api.commands.problem_files import DONE, Json, answering, read_plan, read_problem
from api.commands.searching import interruptible, limits_for, watched
from scheduler.allocation import Plan, ProblemError
from scheduler.allocation.diff import difference
from scheduler.allocation.insight.moves import Mover
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.wishes import Guess, Wish, fulfilled, guess, mended

# To find the prices, and to solve: with reading and telling, a person waits about ten seconds for the answer itself.
PRICING, SOLVING = 10.0, 8.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """
    What is wished for.

    Attributes:
        site: Where they wish to sit.
        block: On which half-day they wish to begin.
    """

    site: str | None = None
    block: str | None = None


def wish(
    problem: Path,
    plan: Path,
    request: str,
    *,
    where: Where | None = None,
    estimate: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """
    Say what it would cost to seat everybody of a request at a site, on a half-day, both, or anywhere.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Its plan, `doorstep-plan/1`.
        request: Whose wish it is.
        where: What is wished for.
        estimate: Stop after the first estimate.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """

    def work() -> int:
        given = read_problem(problem)
        place = where or Where()
        wanted = Wish(request, place.site, place.block)
        outlook = outlook_of(given, read_plan(plan, given), PRICING)
        began = time.perf_counter()
        first = guess(outlook, wanted)
        took = time.perf_counter() - began
        if first is None:
            why, way_out = (
                "has no place that keeps the rules and is what they wish",
                "wish for less; `explain` says why",
            )
            raise ProblemError(f"requests[{request!r}]", why, way_out=way_out)
        answer = None if estimate else solved(outlook, wanted)
        report(outlook, Estimate(first, took, mended(outlook, wanted)), answer, as_json=as_json)
        return DONE

    return answering(work, as_json=as_json)


def solved(outlook: Outlook, wanted: Wish) -> tuple[Plan, float]:
    """The best plan that fulfils the wish, with a line of progress; Ctrl-C takes the best so far."""
    with interruptible() as asked, watched() as tell:
        limits = limits_for(SOLVING, outlook.plan.seed)
        return fulfilled(outlook, wanted, limits, progress=tell, cancelled=asked)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a wish costs by the prices, the seconds that took, and what it costs by mending the plan."""

    guess: Guess
    seconds: float
    mended: float | None


def report(outlook: Outlook, first: Estimate, answer: tuple[Plan, float] | None, *, as_json: bool) -> None:
    """Print what is known."""
    change = difference(outlook.plan, answer[0]) if answer else None
    causes = Mover(outlook.space.index, answer[0]).causes(change.moves) if answer and change else []
    if as_json:
        estimate = asdict(first.guess) | {"ms": round(first.seconds * 1000, 3), "by_mending": first.mended}
        document: dict[str, Any] = {"estimate": estimate}
        if answer and change:
            document["solved"] = {"extra_cost": answer[1], "difference": difference_entry(change, causes)}
        print_document(document)
        return
    table = table_of("What it would cost", ["", "How it is known"], ["Extra cost"])
    where = escape(f"the prices, in {first.seconds * 1000:.1f} ms: {first.guess.site} on {first.guess.block}")
    table.add_row("At least, about", where, growth(first.guess.extra_cost))
    by_mending = "not found" if first.mended is None else growth(first.mended)
    table.add_row("At most, about", "the plan mended", by_mending)
    if answer:
        table.add_row("[bold]Solved[/bold]", f"in {answer[0].seconds:.1f} s", f"[bold]{growth(answer[1])}[/bold]")
    results.print(table, *(difference_tables(change, causes) if change else []))
