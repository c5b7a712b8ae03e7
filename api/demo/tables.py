"""What happened, set as tables that a person likes to read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

FEN_A_YUAN = 100
TIERS = {"OFFICE": "所 office", "TOWN": "镇 town", "BUREAU": "局 bureau"}


def tables(story: Mapping[str, Any]) -> Iterator[Table]:
    """Every table of the story, in its order."""
    yield lines("Sessions by tier", "Tier", story["report"]["byTier"])
    yield lines("Sessions by town", "Town", story["report"]["byTown"])
    yield lines("Sessions by exam", "Exam", story["report"]["byExam"])
    yield way(story["report"]["way"])
    yield plans(story["rounds"])
    yield counted("Objections", story["objections"])
    yield unplaced(story["rounds"])
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


def plans(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """Every plan of every round, with what a re-plan changed."""
    made = table("Plans", "Round", "Plan", "Cost ¥", "Proven gap", "Unplaced", "Moved", "Opened", "Closed")
    for each in rounds:
        for plan in each["plans"]:
            made.add_row(
                f"{each['number']}",
                f"{plan['version']}",
                number(plan["costFen"] / FEN_A_YUAN),
                share(plan["gap"]),
                number(sum(row["people"] for row in plan["unplaced"])),
                number(plan["movedPeople"]),
                number(plan["openedSessions"]),
                number(plan["closedSessions"]),
            )
    return made


def unplaced(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """Who could not be placed in the last plan of each round, and why."""
    made = table("Left without a place", "Reason", "Requests", "People")
    found: dict[str, list[int]] = {}
    for each in rounds:
        for row in each["plans"][-1]["unplaced"] if each["plans"] else ():
            found.setdefault(row["reason"], []).append(row["people"])
    for reason, people in sorted(found.items()):
        made.add_row(reason, number(len(people)), number(sum(people)))
    return made


def counted(title: str, counts: Mapping[str, int]) -> Table:
    """Plain counts."""
    made = table(title, "", "Count")
    for name, count in sorted(counts.items()):
        made.add_row(name, number(count))
    return made


def audited(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """The auditor's verdict; every broken promise by its sentence."""
    made = table("The auditor's verdict", "", "Promises")
    made.add_row("[green]kept[/green]", number(sum(each["holds"] for each in verdicts)))
    for each in verdicts:
        if not each["holds"]:
            made.add_row(f"[red]broken:[/red] {each['invariant']}", "1")
    return made


def number(value: float) -> str:
    """A whole number with thousands set apart."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f} %"
