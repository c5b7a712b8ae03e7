"""`doorstep replan`: objections become constraints, and the plan is made again with as few moves as it can."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from api.commands.console import print_document, results, say_no
from api.commands.explaining import difference_entry
from api.commands.insight_tables import difference_tables
from api.commands.plan_tables import overview
from api.commands.problem_files import DONE, MISUSED, Json, answering, read_plan, read_problem, write_document
from api.commands.searching import interruptible, limits_for, search
from scheduler.allocation import Plan, Problem, ProblemError
from scheduler.allocation.diff import Key, difference
from scheduler.allocation.fields import Record
from scheduler.allocation.index import Index
from scheduler.allocation.insight.moves import Mover
from scheduler.allocation.insight.objecting import Objections, replan_problem
from scheduler.allocation.parts import Bar, MinPeople
from scheduler.allocation.reading import read_bar

Many = Annotated[list[str] | None, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Raised:
    """
    What the consultation came to; each may be given several times.

    Attributes:
        bar: What must not be: any of request, site, block, item and staff, as `site=yard-3,block=2027-03-02-am`.
        at_least: A session with so many people or not at all: `yard-3/N1-theory/2027-03-02-am=12`.
        agreed: A session that stays as it is: `yard-3/N1-theory/2027-03-02-am`.
    """

    bar: Many = None
    at_least: Many = None
    agreed: Many = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Remaking:
    """
    How the next plan is made.

    Attributes:
        change_cost: The price of everybody who no longer sits where the plan put them.
        time_limit: Seconds for the search.
        save_problem: Where the re-plan's problem goes, if anywhere.
    """

    change_cost: float = 0.0
    time_limit: float = 30.0
    save_problem: Path | None = None


def replan(
    problem: Path,
    before: Path,
    *,
    plan: Path,
    raised: Raised | None = None,
    remaking: Remaking | None = None,
    as_json: Json = False,
) -> int:
    """
    Plan again after objections: what is agreed stays, objections are kept, and moving people has a price.

    Args:
        problem: The problem, `doorstep-problem/1`.
        before: Its plan, which the objections are about.
        plan: Where the next plan goes.
        raised: The objections.
        remaking: How the next plan is made.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    how = remaking or Remaking()
    if not how.time_limit > 0:
        say_no("give a time above 0")
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        earlier = read_plan(before, given)
        objections = objections_of(raised or Raised(), earlier)
        following = replan_problem(given, earlier, objections, change_cost=how.change_cost)
        with interruptible() as asked:
            later = search(following, limits_for(how.time_limit, earlier.seed), asked, start=earlier)
        write_document(plan, later.to_json())
        if how.save_problem is not None:
            write_document(how.save_problem, following.to_json())
        report(following, earlier, later, as_json=as_json)
        return DONE

    return answering(work, as_json=as_json)


def objections_of(raised: Raised, plan: Plan) -> Objections:
    """
    The objections as constraints.

    Raises:
        ProblemError: One is not of its form, or speaks of a session that the plan does not hold.
    """
    held = {session.key for session in plan.sessions}
    agreed = frozenset(key_of("--agreed", words) for words in raised.agreed or ())
    for key in sorted(agreed - held):
        raise ProblemError("--agreed", f"{'/'.join(key)} is not in the plan", way_out="name a session of the plan")
    return Objections(
        barred=tuple(bar_of(words) for words in raised.bar or ()),
        min_people=tuple(least_of(words) for words in raised.at_least or ()),
        agreed=agreed,
    )


def key_of(where: str, words: str) -> Key:
    """A session named as SITE/ITEM/BLOCK."""
    parts = words.split("/")
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - site, item, block
        raise ProblemError(where, f"{words!r} is not understood", way_out="write SITE/ITEM/BLOCK")
    return parts[0], parts[1], parts[2]


def bar_of(words: str) -> Bar:
    """What is barred, from FIELD=ID,FIELD=ID."""
    pairs = [part.partition("=") for part in words.split(",")]
    fields = {"request", "site", "block", "item", "staff"}
    if not all(mark and value and name in fields for name, mark, value in pairs):
        raise ProblemError("--bar", f"{words!r} is not understood", way_out="write site=ID,block=ID and the like")
    return read_bar(Record("--bar", {name: value for name, _, value in pairs}))


def least_of(words: str) -> MinPeople:
    """A session's least, from SITE/ITEM/BLOCK=PEOPLE."""
    session, _, people = words.rpartition("=")
    if not people.isdecimal():
        raise ProblemError("--at-least", f"{words!r} is not understood", way_out="write SITE/ITEM/BLOCK=PEOPLE")
    return MinPeople(*key_of("--at-least", session), int(people))


def report(problem: Problem, earlier: Plan, later: Plan, *, as_json: bool) -> None:
    """Print what changes."""
    change = difference(earlier, later)
    causes = Mover(Index.of(problem), later).causes(change.moves)
    if as_json:
        print_document({"objective": later.objective, "bound": later.bound, **difference_entry(change, causes)})
    else:
        results.print(overview(later, title="The next plan"), *difference_tables(change, causes))
