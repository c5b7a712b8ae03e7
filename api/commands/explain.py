"""`doorstep explain`: why a plan is as it is."""

import time
from pathlib import Path

from api.commands.console import print_document, results, say_no, step
from api.commands.explaining import explanation
from api.commands.insight_tables import accounts_table, reasons_table, scarce_table
from api.commands.plan_tables import left_out, overview, prices
from api.commands.problem_files import DONE, MISUSED, Json, answering, read_plan, read_problem
from scheduler.allocation import Plan, Problem
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.scarce import most_wanted
from scheduler.allocation.insight.sessions import accounts


def explain(problem: Path, plan: Path, *, time_limit: float = 20.0, as_json: Json = False) -> int:
    """
    Say what each session costs and what the next best would have been, why people are left out, and what is scarce.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Its plan, `doorstep-plan/1`.
        time_limit: Seconds to find the prices that the answers rest on.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 the plan breaks a rule, 2 wrong use.
    """
    if not time_limit > 0:
        say_no("give a time above 0")
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        outlook = outlook_of(given, read_plan(plan, given), time_limit)
        if as_json:
            print_document(explanation(outlook))
        else:
            results.print(overview(outlook.plan), prices(outlook.plan))
            tell(outlook)
        return DONE

    return answering(work, as_json=as_json)


def outlook_of(problem: Problem, plan: Plan, seconds: float) -> Outlook:
    """The plan with its prices, as good as the time allows."""
    late = time.monotonic() + seconds
    with step("Finding the prices of people and staff"):
        return Outlook.of(problem, plan, stop=lambda: time.monotonic() > late)


def tell(outlook: Outlook) -> None:
    """Print the answers."""
    results.print(accounts_table(accounts(outlook)))
    if outlook.plan.unplaced:
        results.print(left_out(outlook.plan.unplaced), reasons_table(outlook.plan.unplaced))
    results.print(scarce_table(most_wanted(outlook)))
