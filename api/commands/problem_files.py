"""Problem and plan files for the commands that use the allocator alone."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from api.commands.console import print_document, say_no
from scheduler.allocation import Plan, PlanError, Problem, ProblemError, Violation, verify

DONE, REFUSED, MISUSED = 0, 1, 2

Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]
"""The choice of one JSON document instead of tables."""


class FileUnusable(Exception):
    """A file that cannot be read or written; the text names it and says why."""


def read_document(path: Path) -> Any:
    """
    A JSON document.

    Raises:
        FileUnusable: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileUnusable(f"cannot read {path}: {error}") from error


def read_problem(path: Path) -> Problem:
    """
    A problem from its file.

    Raises:
        FileUnusable: The file cannot be read.
        ProblemError: It is no problem.
    """
    return Problem.from_json(read_document(path))


def read_plan(path: Path, problem: Problem) -> Plan:
    """
    A plan from its file, which keeps the rules of the problem.

    Raises:
        FileUnusable: The file cannot be read.
        PlanError: It is no plan of the problem; it names the first rule broken.
    """
    plan = Plan.from_json(read_document(path))
    refuse_broken(verify(problem, plan), path)
    return plan


def refuse_broken(violations: list[Violation], path: Path) -> None:
    """
    Go on with a plan that breaks nothing.

    Raises:
        PlanError: It names the first rule broken, and how many more are.
    """
    if violations:
        first, more = violations[0], len(violations) - 1
        also = f", and {more} more" if more else ""
        raise PlanError(f"{path} is no plan of this problem: {first.rule}: {first.where}: {first.why}{also}")


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """
    Write a JSON document for people to read and programs to take.

    Raises:
        FileUnusable: It cannot be written.
    """
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise FileUnusable(f"cannot write {path}: {error}") from error


def answering(work: Callable[[], int], *, as_json: bool) -> int:
    """Do a command's work; what stands in its way is said with the way out."""
    try:
        return work()
    except FileUnusable as error:
        say_no(str(error))
        return MISUSED
    except ProblemError as error:
        refuse(error, as_json=as_json)
    except PlanError as error:
        say_no(str(error))
    return REFUSED


def refuse(error: ProblemError, *, as_json: bool) -> None:
    """Say what is wrong with the problem and the way out."""
    if as_json:
        print_document({"error": {"where": error.where, "why": error.why, "way_out": error.way_out}})
    say_no(f"{error.where}: {error.why}.")
    say_no(f"the way out: {error.way_out}.")
