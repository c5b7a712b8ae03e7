"""`doorstep allocate`: the allocator alone, from a problem file to a plan file, without a database."""

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.commands.console import notices, print_document, results, say_no
from scheduler.allocation import Limits, Plan, Problem, ProblemError, Progress, allocate, verify
from scheduler.allocation.baselines import Baseline, baselines

DONE, REFUSED, MISUSED = 0, 1, 2

TERM_WORDS = {
    "open": "Opening sessions",
    "tier": "Consulting tiers",
    "staff": "Staff half-days",
    "travel": "Ways",
    "wait": "Waiting",
    "unplaced": "People left out",
    "change": "Changed promises",
}


def allocate_file(
    problem: Path,
    *,
    plan: Path,
    time_limit: float = 60.0,
    seed: int = 0,
    as_json: Annotated[bool, Parameter(name="--json", negative="", show_default=False)] = False,
) -> int:
    """
    Plan a problem file and write the plan file.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Where the plan goes, `doorstep-plan/1`.
        time_limit: Seconds for the search.
        seed: Where choices start from.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    try:
        limits = Limits(seconds=time_limit, seed=seed)
        document = json.loads(problem.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        say_no(f"cannot start: {error}")
        return MISUSED
    try:
        read = Problem.from_json(document)
        found = search(read, limits)
    except ProblemError as error:
        refuse(error, as_json=as_json)
        return REFUSED
    try:
        plan.write_text(json.dumps(found.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        say_no(f"cannot write the plan: {error}")
        return MISUSED
    return report(read, found, as_json=as_json)


def search(problem: Problem, limits: Limits) -> Plan:
    """Allocate with a line of progress that shows cost, bound and gap."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=notices, transient=True) as bar:
        task = bar.add_task("reading")

        def tell(progress: Progress) -> None:
            gap = (progress.cost - progress.bound) / max(abs(progress.cost), 1e-9)
            words = f"{progress.phase}: cost {progress.cost:,.0f}, at least {progress.bound:,.0f}, gap {gap:.2%}"
            bar.update(task, description=words)

        return allocate(problem, limits, progress=tell)


def refuse(error: ProblemError, *, as_json: bool) -> None:
    """Say what is wrong with the problem and the way out."""
    if as_json:
        refusal = {"error": {"where": error.where, "why": error.why, "way_out": error.way_out}}
        print_document(refusal)
    say_no(f"{error.where}: {error.why}.")
    say_no(f"the way out: {error.way_out}.")


def report(problem: Problem, plan: Plan, *, as_json: bool) -> int:
    """Print the result; a plan that the verifier refuses is a refusal."""
    violations = verify(problem, plan)
    others = baselines(problem)
    if as_json:
        print_document(summary(plan, others))
    else:
        tables = [overview(plan), prices(plan), comparison(plan, others)]
        results.print(*tables, *([left_out(plan)] if plan.unplaced else []), sep="\n")
    for violation in violations:
        say_no(f"the plan breaks a rule: {violation.rule}: {violation.where}: {violation.why}")
    return REFUSED if violations else DONE


def summary(plan: Plan, others: list[Baseline]) -> dict[str, Any]:
    """The result as one JSON document."""
    return {
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "stopped": str(plan.stopped),
        "seconds": plan.seconds,
        "sessions": len(plan.sessions),
        "people_seated": plan.people_seated,
        "people_unplaced": plan.people_unplaced,
        "terms": dict(plan.terms),
        "baselines": [
            {"key": o.key, "name": o.name, "cost": o.cost, "people_unplaced": o.people_unplaced} for o in others
        ],
    }


def overview(plan: Plan) -> Table:
    """The plan in a few lines."""
    table = Table(title="Plan", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("Sessions", str(len(plan.sessions)))
    table.add_row("People seated", str(plan.people_seated))
    table.add_row("People left out", f"[{'red' if plan.people_unplaced else 'green'}]{plan.people_unplaced}[/]")
    table.add_row("Cost", f"{plan.objective:,.2f}")
    table.add_row("No plan costs less than", f"{plan.bound:,.2f}")
    table.add_row("Proven gap", f"{plan.gap:.2%}")
    table.add_row("Stopped", f"{plan.stopped} after {plan.seconds:.1f} s")
    return table


def prices(plan: Plan) -> Table:
    """What the cost is made of."""
    table = Table(title="Cost by term", title_justify="left")
    table.add_column("Term")
    table.add_column("Cost", justify="right")
    table.add_column("Share", justify="right")
    for name, cost in plan.terms.items():
        table.add_row(TERM_WORDS.get(name, name), f"{cost:,.2f}", f"{cost / max(plan.objective, 1e-9):.1%}")
    return table


def comparison(plan: Plan, others: list[Baseline]) -> Table:
    """The plan beside what would happen without it."""
    table = Table(title="Beside doing without", title_justify="left")
    table.add_column("Way")
    table.add_column("Cost", justify="right")
    table.add_column("People left out", justify="right")
    table.add_column("The plan saves", justify="right")
    table.add_row("This plan", f"{plan.objective:,.2f}", str(plan.people_unplaced), "")
    for other in others:
        saved = 1 - plan.objective / max(other.cost, 1e-9)
        table.add_row(other.name, f"{other.cost:,.2f}", str(other.people_unplaced), f"{saved:.1%}")
    return table


def left_out(plan: Plan) -> Table:
    """Who has no place, why, and the cheapest way out."""
    table = Table(title="Left out", title_justify="left")
    table.add_column("Request")
    table.add_column("People", justify="right")
    table.add_column("Reason")
    table.add_column("Way out")
    for row in plan.unplaced:
        way_out = row.detail.get("way_out") or {}
        table.add_row(row.request, str(row.people), str(row.reason), str(way_out.get("text", "")))
    return table
