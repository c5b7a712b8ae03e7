"""What happened, set as tables that a person likes to read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from api.demo.stage import item_key
from scheduler.allocation.plan import Reason

FEN_A_YUAN = 100
MOST_NAMED = 20
PLAN = "plan"
DOING_WITHOUT = {"centre": "All to the centre ¥", "offices": "Each office alone ¥"}
TIERS = {"OFFICE": "所 office", "TOWN": "镇 town", "BUREAU": "局 bureau"}

REASONS: Mapping[str, str] = {
    Reason.NO_OFFER: "no site within reach offers the exam",
    Reason.WINDOW: "no site is open on the days asked for",
    Reason.BARRED: "objections leave no session",
    Reason.NO_STAFF: "nobody qualified is free",
    Reason.MIN_CLASS: "too few people for a session",
    Reason.TOGETHER: "the group would fit only split",
    Reason.ROOM: "the rooms are taken",
    Reason.FULL: "every place that fits is taken",
    Reason.COST: "dearer than waiting for a later round",
}


def tables(story: Mapping[str, Any]) -> Iterator[Table]:
    """Every table of the story, in its order."""
    yield reached(story["report"]["requestsByTier"])
    yield lines("Sessions by tier", "Tier", story["report"]["byTier"])
    yield lines("Sessions by town", "Town", story["report"]["byTown"])
    yield lines("Sessions by exam", "Exam", story["report"]["byExam"])
    yield way(story["report"]["way"])
    yield plans(story["rounds"])
    yield compared(story["rounds"])
    yield objections(story["objections"], story["rounds"])
    yield left_out(story["rounds"])
    yield waiting(story["unplaced"])
    yield counted("What people did", story["counts"])
    yield counted("What the rules refused", story["refusals"])
    yield audited(story["audit"])


def table(title: str, *columns: str) -> Table:
    """A table whose first column is words and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    made.add_column(columns[0])
    for column in columns[1:]:
        made.add_column(column, justify="right")
    return made


def lines(title: str, heading: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Sessions, places and people under each heading."""
    made = table(title, heading, "Sessions", "People", "Places", "Fill")
    for row in rows:
        words = TIERS.get(row["heading"], row["heading"])
        made.add_row(words, number(row["sessions"]), number(row["people"]), number(row["places"]), share(row["fill"]))
    return made


def way(found: Mapping[str, Any]) -> Table:
    """Waiting and travelling."""
    made = table("Waiting and travelling", "", "Mean", "Worst tenth over")
    made.add_row("Days waited", f"{found['meanDays']:.1f}", f"{found['worstTenthDays']:.0f}")
    made.add_row("Kilometres, one way", f"{found['meanKm']:.1f}", f"{found['worstTenthKm']:.1f}")
    if found["meanKmToCentre"] is not None:
        made.add_row("Kilometres to the municipal centre", f"{found['meanKmToCentre']:.1f}", "")
    return made


def reached(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How much of the demand each tier met; the lower, the nearer to the firm's door."""
    made = table("Requests and people by tier", "Tier", "Requests", "People", "Share")
    everybody = sum(row["people"] for row in rows)
    for row in rows:
        part = row["people"] / everybody if everybody else 0.0
        made.add_row(TIERS[row["heading"]], number(row["requests"]), number(row["people"]), share(part))
    return made


def plans(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """Every plan of every round, with its proof."""
    made = table("Plans", "Round", "Plan", "Cost ¥", "Proven gap", "Unplaced")
    for each in rounds:
        for plan in each["plans"]:
            made.add_row(
                f"{each['number']}",
                f"{plan['version']}",
                yuan(plan["costFen"]),
                share(plan["gap"]),
                number(sum(row["people"] for row in plan["unplaced"])),
            )
    return made


def compared(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """What first plans cost, against doing without planning together, where there was time to work that out."""
    costs = {each["number"]: costs_of(each["plans"][0]) for each in rounds if each["plans"]}
    whole = [row for row in costs.values() if row.keys() == {PLAN, *DOING_WITHOUT}]
    totals = {name: sum(row[name] for row in whole) for name in (PLAN, *DOING_WITHOUT)}
    made = table("First plans against doing without", "Round", "Plan ¥", *DOING_WITHOUT.values())
    for number_of_round, row in costs.items():
        made.add_row(f"{number_of_round}", *(yuan(row[name]) if name in row else "not made" for name in totals))
    made.add_section()
    made.add_row("all compared", *(yuan(cost) for cost in totals.values()))
    if totals[PLAN]:
        made.add_row("times the plan", *(f"{cost / totals[PLAN]:.2f}" for cost in totals.values()))
    return made


def costs_of(plan: Mapping[str, Any]) -> dict[str, float]:
    """The cost of a plan and of each way to do without it, in fen."""
    return {PLAN: plan["costFen"]} | {baseline["name"]: baseline["costFen"] for baseline in plan["baselines"]}


def objections(raised: Sequence[Mapping[str, Any]], rounds: Sequence[Mapping[str, Any]]) -> Table:
    """What was objected to in each round, and what the re-plans after it changed."""
    made = table(
        "Objections, and what the re-plan changed", "Round", "Objections", "Moved", "Opened", "Closed", "Cost ¥"
    )
    made.columns[1].justify = "left"
    for each in rounds:
        heard = Counter(words_of(row) for row in raised if row["round"] == each["number"])
        again = each["plans"][1:]
        if not heard and not again:
            continue
        made.add_row(
            f"{each['number']}",
            "\n".join(f"{count} × {words}" for words, count in sorted(heard.items())),
            number(sum(plan["movedPeople"] for plan in again)),
            number(sum(plan["openedSessions"] for plan in again)),
            number(sum(plan["closedSessions"] for plan in again)),
            signed(again[-1]["costFen"] - each["plans"][0]["costFen"]) if again else "",
        )
    return made


def words_of(objection: Mapping[str, Any]) -> str:
    """Who objected, and why."""
    return f"{objection['party'].lower()}: {objection['kind'].lower().replace('_', ' ')}"


def left_out(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """Why the last plan of each round left people without a place; they go on waiting for the next."""
    made = table("Left for a later round", "Reason", "Requests", "People", "Meaning")
    made.columns[3].justify = "left"
    found: dict[str, list[int]] = {}
    for each in rounds:
        for row in each["plans"][-1]["unplaced"] if each["plans"] else ():
            found.setdefault(row["reason"], []).append(row["people"])
    for reason, people in sorted(found.items()):
        made.add_row(reason, number(len(people)), number(sum(people)), REASONS[reason])
    return made


def waiting(requests: Sequence[Mapping[str, Any]]) -> Table:
    """Who has no place at the end, and why; the table names the first, the document all, with the way out of each."""
    made = table("Without a place at the end", "Firm", "Exam", "People", "Reason")
    made.columns[1].justify = made.columns[3].justify = "left"
    for request in requests[:MOST_NAMED]:
        exam = request["exam"]
        made.add_row(
            request["enterprise"]["name"],
            f"{item_key(exam['item'])} {exam['subject'].lower()}",
            number(request["people"]),
            request["unplacedReason"] or "not planned yet",
        )
    made.caption = f"{len(requests) - MOST_NAMED} more" if len(requests) > MOST_NAMED else None
    return made


def counted(title: str, counts: Mapping[str, int]) -> Table:
    """Plain counts."""
    made = table(title, "", "Count")
    for name, count in sorted(counts.items()):
        made.add_row(name, number(count))
    return made


def audited(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """The auditor's verdict; every broken promise by its sentence."""
    made = table("The auditor's verdict", "Promises, derived once more from the rows", "Count")
    made.add_row("[green]kept[/green]", number(sum(each["holds"] for each in verdicts)))
    broken = [each for each in verdicts if not each["holds"]]
    made.add_row("[red]broken[/red]" if broken else "broken", number(len(broken)))
    for each in broken:
        made.add_row(f"  {each['invariant']}", "")
    return made


def number(value: float) -> str:
    """A whole number with thousands set apart."""
    return f"{value:,.0f}"


def yuan(fen: float) -> str:
    """An amount of money in whole yuan."""
    return number(fen / FEN_A_YUAN)


def signed(fen: float) -> str:
    """A change of cost in whole yuan, with its sign."""
    return f"{fen / FEN_A_YUAN:+,.0f}"


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f} %"
