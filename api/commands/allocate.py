"""`doorstep allocate`: the allocator alone, from a problem file to a plan file, without a database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from api.commands.console import print_document, results, say_no
from api.commands.plan_tables import comparison, left_out, overview, prices
from api.commands.problem_files import DONE, MISUSED, REFUSED, answering, read_document, read_problem, write_document
from api.commands.searching import interruptible, search
from scheduler.allocation import Limits, Plan, Problem, verify
from scheduler.allocation.baselines import Baseline, baselines

# Beyond this share of the time limit nobody waits for the baselines.
PATIENCE = 1.2

Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]


def allocate_file(
    problem: Path,
    *,
    plan: Path,
    start: Path | None = None,
    time_limit: float = 60.0,
    seed: int = 0,
    as_json: Json = False,
) -> int:
    """
    Plan a problem file and write the plan file; Ctrl-C ends the search with the best plan so far.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Where the plan goes, `doorstep-plan/1`.
        start: A plan to begin with, of this problem or of one before it; what still keeps the rules is kept.
        time_limit: Seconds for the search.
        seed: Where choices start from.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    try:
        limits = Limits(seconds=time_limit, seed=seed)
    except ValueError as error:
        say_no(str(error))
        return MISUSED
    return answering(lambda: plan_file(problem, plan, start, limits, as_json=as_json), as_json=as_json)


def plan_file(problem: Path, target: Path, start: Path | None, limits: Limits, *, as_json: bool) -> int:
    """Read, search, write, report."""
    given = read_problem(problem)
    first = Plan.from_json(read_document(start)) if start else None
    began = limits.clock()
    with interruptible() as asked:
        found = search(given, limits, asked, start=first)
        write_document(target, found.to_json())
        late = began + limits.seconds * PATIENCE
        others = baselines(given, cancelled=lambda: asked() or limits.clock() > late)
    return report(given, found, others, as_json=as_json)


def report(problem: Problem, plan: Plan, others: Sequence[Baseline], *, as_json: bool) -> int:
    """Print the result; a plan that the verifier refuses is a refusal."""
    violations = verify(problem, plan)
    if as_json:
        print_document(summary(plan, others))
    else:
        beside = [comparison(plan, others)] if others else []
        results.print(overview(plan), prices(plan), *beside, *([left_out(plan.unplaced)] if plan.unplaced else []))
    for violation in violations:
        say_no(f"the plan breaks a rule: {violation.rule}: {violation.where}: {violation.why}")
    return REFUSED if violations else DONE


def summary(plan: Plan, others: Sequence[Baseline]) -> dict[str, Any]:
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
