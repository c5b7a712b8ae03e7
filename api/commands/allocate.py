"""`doorstep allocate`: the allocator alone, from a problem file to a plan file, without a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from api.commands.console import print_document, results, say_no
from api.commands.explain import outlook_of, tell
from api.commands.explaining import explanation
from api.commands.plan_tables import comparison, left_out, overview, prices
from api.commands.problem_files import (
    DONE,
    MISUSED,
    REFUSED,
    Json,
    answering,
    read_document,
    read_problem,
    write_document,
)
from api.commands.searching import interruptible, limits_for, search
from scheduler.allocation import Limits, Plan, Problem, Progress, verify
from scheduler.allocation.baselines import Baseline, baselines
from scheduler.allocation.insight.outlook import Outlook

# Beyond this share of the time limit nobody waits for the baselines.
PATIENCE, FIRST_PLANS = 1.2, 1.5
# Seconds to find the prices that explanations rest on.
EXPLAINING = 20.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Searching:
    """
    How the plan is found.

    Attributes:
        start: A plan to begin with, of this problem or of one before it; what still keeps the rules is kept.
        time_limit: Seconds for the search.
        seed: Where choices start from.
    """

    start: Path | None = None
    time_limit: float = 60.0
    seed: int = 0


def allocate_file(
    problem: Path,
    *,
    plan: Path,
    searching: Searching | None = None,
    explain: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """
    Plan a problem file and write the plan file; Ctrl-C ends the search with the best plan so far.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Where the plan goes, `doorstep-plan/1`.
        searching: How the plan is found.
        explain: Say, too, what each session costs, what the next best would have been, and what is scarce.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    how = searching or Searching()
    try:
        limits = limits_for(how.time_limit, how.seed)
    except ValueError as error:
        say_no(str(error))
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        first = Plan.from_json(read_document(how.start)) if how.start else None
        found, others = plan_file(given, plan, first, limits)
        outlook = outlook_of(given, found, EXPLAINING) if explain else None
        return report(given, Result(found, others, outlook), as_json=as_json)

    return answering(work, as_json=as_json)


def plan_file(given: Problem, target: Path, first: Plan | None, limits: Limits) -> tuple[Plan, list[Baseline]]:
    """Search, write the plan, and compare it."""
    began, steps = limits.clock(), list[Progress]()
    with interruptible() as asked:
        found = search(given, limits, asked, start=first, told=steps.append)
        write_document(target, found.to_json())
        # The baselines are two first plans more: where that one took long, there is no time for them.
        late = began + limits.seconds * PATIENCE - FIRST_PLANS * steps[0].seconds
        return found, baselines(given, cancelled=lambda: asked() or limits.clock() > late)


@dataclass(frozen=True, slots=True)
class Result:
    """A plan, what doing without it would cost, and what explains it if that was asked for."""

    plan: Plan
    others: Sequence[Baseline]
    outlook: Outlook | None


def report(problem: Problem, result: Result, *, as_json: bool) -> int:
    """Print the result; a plan that the verifier refuses is a refusal."""
    plan = result.plan
    violations = verify(problem, plan)
    if as_json:
        explained = {"explanation": explanation(result.outlook)} if result.outlook else {}
        print_document(summary(plan, result.others) | explained)
    else:
        results.print(overview(plan), prices(plan), *([comparison(plan, result.others)] if result.others else []))
        if result.outlook:
            tell(result.outlook)
        elif plan.unplaced:
            results.print(left_out(plan.unplaced))
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
