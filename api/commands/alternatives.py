"""`doorstep alternatives`: where somebody who asks now could go beside a plan that stands."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cyclopts import Parameter
from rich.markup import escape

from api.commands.console import print_document, results, say_no
from api.commands.plan_tables import growth, table_of
from api.commands.problem_files import DONE, MISUSED, Json, answering, read_plan, read_problem
from scheduler.allocation import Problem, ProblemError
from scheduler.allocation.fields import Record
from scheduler.allocation.insight.alternatives import Alternative, Counter
from scheduler.allocation.insight.changes import refuse_unknown, request_named
from scheduler.allocation.parts import Request
from scheduler.allocation.reading import read_request


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    Who asks now.

    Attributes:
        like: A request of the problem whose place and wishes they share; what else is given comes in its stead.
        item: What they want.
        people: How many they are.
        jurisdiction: Their office.
        at: Where they are, as latitude,longitude.
        enterprise: Whose people they are.
        since: The first half-day they can.
        until: The last one.
    """

    like: str | None = None
    item: str | None = None
    people: int | None = None
    jurisdiction: str | None = None
    at: tuple[float, float] | None = None
    enterprise: str | None = None
    since: str | None = None
    until: str | None = None


def alternatives(
    problem: Path, plan: Path, *, asked: Asked | None = None, count: int = 3, as_json: Json = False
) -> int:
    """
    Name the cheapest places left for people who ask now, all of them in one session.

    Args:
        problem: The problem, `doorstep-problem/1`.
        plan: Its plan, `doorstep-plan/1`.
        asked: Who asks.
        count: How many places to name.
        as_json: Print one JSON document instead of a table.

    Returns:
        0 done, 1 refused by the rules, 2 wrong use.
    """
    if count < 1:
        say_no("ask for 1 place at least")
        return MISUSED

    def work() -> int:
        given = read_problem(problem)
        counter = Counter(given, read_plan(plan, given))
        request = request_of(given, asked or Asked())
        began = time.perf_counter()
        found = counter.alternatives(request, count=count)
        report(found, time.perf_counter() - began, as_json=as_json)
        return DONE

    return answering(work, as_json=as_json)


def request_of(problem: Problem, asked: Asked) -> Request:
    """
    The request that was described, held to the rules of a problem's own.

    Raises:
        ProblemError: Something is missing, or does not exist.
    """
    given = {
        "id": "asked-now",
        "unplaced_cost": 0,
        "item": asked.item,
        "people": asked.people,
        "jurisdiction": asked.jurisdiction,
        "at": asked.at,
        "enterprise": asked.enterprise,
        "from": asked.since,
        "until": asked.until,
    }
    if asked.like is not None:
        like = replace(problem, requests=(request_named(problem, asked.like),)).to_json()["requests"][0]
        given = {**like, **{name: value for name, value in given.items() if value is not None}}
    elif asked.enterprise is None:
        given["enterprise"] = "asked-now"
    request = read_request(Record("request", given))
    refuse_unknown(request.item, [each.id for each in problem.items], "items")
    refuse_unknown(request.jurisdiction, [each.id for each in problem.jurisdictions], "jurisdictions")
    for block in (request.from_block, request.until_block):
        if block is not None:
            refuse_unknown(block, [each.id for each in problem.blocks], "blocks")
    if problem.travel is not None and asked.like is None:
        raise ProblemError(
            "travel", "replaces distances, and has no row for a newcomer", way_out="name one with --like"
        )
    return request


def report(found: list[Alternative], seconds: float, *, as_json: bool) -> None:
    """Print the places."""
    if as_json:
        print_document({"alternatives": [asdict(each) for each in found], "ms": round(seconds * 1000, 3)})
        return
    title = f"Places left, cheapest first (found in {seconds * 1000:.1f} ms)" if found else "No place is left"
    table = table_of(title, ["Site", "Half-day", "How"], ["Km", "Extra cost"])
    for each in found:
        how = "join the session" if each.joins else "hold a session for them"
        table.add_row(escape(each.site), each.block, how, f"{each.km:.1f}", growth(each.extra_cost))
    results.print(table)
