"""`doorstep compare`: who moves from one plan to another, what it costs, and why."""

from pathlib import Path

from api.commands.console import print_document, results
from api.commands.explaining import difference_entry
from api.commands.insight_tables import difference_tables
from api.commands.problem_files import DONE, Json, answering, read_document, read_plan, read_problem
from scheduler.allocation import Plan
from scheduler.allocation.diff import difference
from scheduler.allocation.index import Index
from scheduler.allocation.insight.moves import Mover


def compare(problem: Path, before: Path, after: Path, *, as_json: Json = False) -> int:
    """
    Say who moves from one plan to another, what it costs, and why.

    Args:
        problem: The problem that the later plan answers.
        before: The earlier plan, of this problem or of one before it.
        after: The later plan.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 the later plan breaks a rule, 2 wrong use.
    """

    def work() -> int:
        given = read_problem(problem)
        later = read_plan(after, given)
        change = difference(Plan.from_json(read_document(before)), later)
        causes = Mover(Index.of(given), later).causes(change.moves)
        if as_json:
            print_document(difference_entry(change, causes))
        else:
            results.print(*difference_tables(change, causes))
        return DONE

    return answering(work, as_json=as_json)
