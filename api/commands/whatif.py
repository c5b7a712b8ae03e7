"""`doorstep whatif`: what a change would cost, at once and then solved."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from api.commands.console import print_document, results, say_no
from api.commands.explain import outlook_of
from api.commands.explaining import difference_entry
from api.commands.insight_tables import difference_tables
from api.commands.plan_tables import growth, money, table_of
from api.commands.problem_files import DONE, MISUSED, Json, answering, read_plan, read_problem, write_document
from api.commands.searching import interruptible, limits_for, watched
from scheduler.allocation import Problem
from scheduler.allocation.index import Index
from scheduler.allocation.insight import changes
from scheduler.allocation.insight.moves import Mover
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.whatif import Answer, by_mending, by_prices, solved

Many = Annotated[list[str] | None, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Changes:
    """
    What is changed on a copy; each may be given several times, and all of them hold together.

    Attributes:
        close: A site, or one half-day of it: `yard-3`, `yard-3@2027-03-02-am`.
        open: A half-day more at a site: `yard-3@2027-03-06-am`.
        room: A site that gets a room more.
        examiner: One person more, qualified for these items: `N1-theory,Q2-bridge`.
        away: Somebody who cannot come at all.
        least: Fewest people of an item's sessions: `N1-theory=6`.
        window: A request's half-days, either of which may be empty: `r17=2027-03-01-am..2027-03-31-pm`.
        split: A request that need not stay together.
        withdraw: A request that is taken back.
    """

    close: Many = None
    open: Many = None
    room: Many = None
    examiner: Many = None
    away: Many = None
    least: Many = None
    window: Many = None
    split: Many = None
    withdraw: Many = None

    def applied(self, problem: Problem) -> Problem:
        """
        The problem with all of them.

        Raises:
            ProblemError: One names something that does not exist.
            NotUnderstood: One is not of its form.
        """
        for name, apply in APPLY.items():
            for words in getattr(self, name) or ():
                problem = apply(problem, words)
        return problem

    @property
    def none(self) -> bool:
        """Whether nothing is changed."""
        return not any(getattr(self, name) for name in APPLY)


class NotUnderstood(ValueError):
    """A change that is not of its form; the text says what was expected."""


def halves(words: str, mark: str, form: str) -> tuple[str, str]:
    """The words on both sides of a mark."""
    before, found, after = words.rpartition(mark)
    if not found or not before:
        raise NotUnderstood(f"{words!r} is not understood: write {form}")
    return before, after


def close(problem: Problem, words: str) -> Problem:
    """Close a site, or a half-day of it."""
    if words in {site.id for site in problem.sites} or "@" not in words:
        return changes.close_site(problem, words)
    return changes.close_half_day(problem, *halves(words, "@", "SITE@BLOCK"))


def least(problem: Problem, words: str) -> Problem:
    """Change an item's least class."""
    item, people = halves(words, "=", "ITEM=PEOPLE")
    if not people.isdecimal():
        raise NotUnderstood(f"{words!r} is not understood: write ITEM=PEOPLE with a whole number")
    return changes.set_least_class(problem, item, int(people))


def window(problem: Problem, words: str) -> Problem:
    """Change a request's window."""
    request, span = halves(words, "=", "REQUEST=FROM..UNTIL")
    first, dots, last = span.partition("..")
    if not dots:
        raise NotUnderstood(f"{words!r} is not understood: write REQUEST=FROM..UNTIL")
    return changes.shift_window(problem, request, first or None, last or None)


APPLY: dict[str, Callable[[Problem, str], Problem]] = {
    "close": close,
    "open": lambda problem, words: changes.open_half_day(problem, *halves(words, "@", "SITE@BLOCK")),
    "room": changes.add_room,
    "examiner": lambda problem, words: changes.add_staff(problem, words.split(",")),
    "away": changes.without_staff,
    "least": least,
    "window": window,
    "split": changes.allow_split,
    "withdraw": changes.withdraw,
}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asking:
    """
    How hard to look.

    Attributes:
        time_limit: Seconds for the solved answer; half of them go to the plan without the change.
        estimate: Stop after the first estimate.
        save_plan: Where the changed plan goes, if anywhere.
    """

    time_limit: float = 30.0
    estimate: Annotated[bool, Parameter(negative="")] = False
    save_plan: Path | None = None


def whatif(
    problem: Path,
    plan: Path,
    *,
    changes_asked: Changes | None = None,
    asking: Asking | None = None,
    as_json: Json = False,
) -> int:
    """
    Say what changes would cost: a first estimate at once, then the solved answer; nothing is changed.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Its plan, `doorstep-plan/1`.
        changes_asked: What is changed on a copy.
        asking: How hard to look.
        as_json: Print one JSON document instead of tables.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    wanted, effort = changes_asked or Changes(), asking or Asking()
    if wanted.none or not effort.time_limit > 0:
        say_no("nothing is changed: name a change, such as --close SITE" if wanted.none else "give a time above 0")
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        changed = wanted.applied(given)
        outlook = outlook_of(given, read_plan(plan, given), effort.time_limit)
        first = estimated(outlook, changed)
        answer = None if effort.estimate else answered(outlook, changed, effort.time_limit)
        if answer is not None and effort.save_plan is not None:
            write_document(effort.save_plan, answer.changed.to_json())
        report(first, answer, changed, as_json=as_json)
        return DONE

    try:
        return answering(work, as_json=as_json)
    except NotUnderstood as error:
        say_no(str(error))
        return MISUSED


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a change costs by the prices and by mending the plan, with the seconds that each took."""

    by_prices: float
    by_mending: float | None
    seconds: tuple[float, float]


def estimated(outlook: Outlook, changed: Problem) -> Estimate:
    """Both first estimates."""
    began = time.perf_counter()
    prices = by_prices(outlook, changed)
    between = time.perf_counter()
    mending = by_mending(outlook, changed)
    return Estimate(prices, mending, (between - began, time.perf_counter() - between))


def answered(outlook: Outlook, changed: Problem, seconds: float) -> Answer:
    """The solved answer, with a line of progress; Ctrl-C takes the best so far."""
    with interruptible() as asked, watched() as tell:
        limits = limits_for(seconds, outlook.plan.seed)
        return solved(outlook, changed, limits, progress=tell, cancelled=asked)


def report(first: Estimate, answer: Answer | None, changed: Problem, *, as_json: bool) -> None:
    """Print what is known."""
    causes = Mover(Index.of(changed), answer.changed).causes(answer.way.moves) if answer else []
    if as_json:
        document: dict[str, Any] = {"estimate": {"by_prices": first.by_prices, "by_mending": first.by_mending}}
        if answer:
            document["solved"] = solved_entry(answer) | {"difference": difference_entry(answer.way, causes)}
        print_document(document)
        return
    table = table_of("What it would cost", ["", "How it is known"], ["Extra cost"])
    table.add_row("At least, about", f"the prices, in {first.seconds[0] * 1000:.0f} ms", growth(first.by_prices))
    mended = "the pins cannot be kept that way" if first.by_mending is None else growth(first.by_mending)
    table.add_row("At most, about", f"the plan mended, in {first.seconds[1] * 1000:.0f} ms", mended)
    if answer:
        table.add_row("[bold]Solved[/bold]", solved_in_words(answer), f"[bold]{growth(answer.extra_cost)}[/bold]")
        table.add_row("Proven", "at least / at most", f"{growth(answer.least)} / {growth(answer.most)}")
    results.print(table, *(difference_tables(answer.way, causes) if answer else []))


def solved_in_words(answer: Answer) -> str:
    """The two plans compared."""
    before, after = answer.unchanged, answer.changed
    return f"{money(before.objective)} without, {money(after.objective)} with, each after {after.seconds:.0f} s"


def solved_entry(answer: Answer) -> dict[str, Any]:
    """The solved answer for programs."""
    return {
        "extra_cost": answer.extra_cost,
        "at_least": answer.least,
        "at_most": answer.most,
        "unchanged": {"objective": answer.unchanged.objective, "bound": answer.unchanged.bound},
        "changed": {"objective": answer.changed.objective, "bound": answer.changed.bound},
    }
