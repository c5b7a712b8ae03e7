"""What a plan's owner asks, as tables: accounts of sessions, reasons, what is scarce, who moves and why."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from api.commands.plan_tables import growth, money, table_of
from scheduler.allocation import Unplaced
from scheduler.allocation.diff import Difference, Key
from scheduler.allocation.insight.moves import Cause
from scheduler.allocation.insight.scarce import Scarce
from scheduler.allocation.insight.sessions import Account, NextBest


def where(key: Key | None) -> str:
    """A session's place in one cell."""
    return "no place" if key is None else escape(f"{key[0]}\n{key[2]}")


TERMS = {"open": "opening", "tier": "tier", "staff": "staff", "travel": "way", "wait": "wait"}


def accounts_table(accounts: Sequence[Account]) -> Table:
    """Each session with its cost by term, and what the next best would cost more."""
    title = "Sessions, dearest a person first"
    table = table_of(title, ["Session", "By term", "Next best"], ["People", "A person", "Costs more"])
    for each in accounts:
        session = each.session
        terms = [f"{word} {each.terms[name]:,.0f}" for name, word in TERMS.items() if each.terms[name]]
        by_term = ", ".join(terms[:3]) + ("\n" + ", ".join(terms[3:]) if terms[3:] else "")
        where_held = escape(f"{session.site}\n{session.item} · {session.block} · {session.tier}")
        a_person = f"{each.cost / max(1, session.people):,.0f}"
        best = next_best_in_words(each.next_best)
        table.add_row(where_held, by_term, best, str(session.people), a_person, f"{each.next_best.extra_cost:+,.0f}")
    return table


def next_best_in_words(best: NextBest) -> str:
    """Where people would go without a session."""
    if best.how == "moved":
        return escape(f"{best.site}\n{best.block}")
    if best.how == "spread":
        some = f", {best.people_left_out} left out" if best.people_left_out else ""
        return f"join other sessions{some}"
    return "left out"


def scarce_table(scarce: Sequence[Scarce]) -> Table:
    """What one more of each means would save."""
    table = table_of("What would help most, by the prices", ["One more", "Of", "Best on"], ["Saves up to"])
    for each in scarce:
        table.add_row(each.kind, escape(each.what), each.block or "", money(each.worth))
    return table


def reasons_table(rows: Sequence[Unplaced]) -> Table:
    """The evidence for each request that is left out."""
    table = table_of("Why they are left out", ["Request", "Reason", "Evidence"], ["People"])
    for row in rows:
        table.add_row(
            escape(row.request), str(row.reason), evidence_in_words(row.detail.get("evidence", {})), str(row.people)
        )
    return table


def evidence_in_words(evidence: dict[str, Any]) -> str:
    """The numbers behind a reason, and what stands against the nearest places."""
    counted = [evidence[name] for name in ("stopped_by", "places_lost") if name in evidence]
    lines = [", ".join(f"{reason} {count}×" for reason, count in counts.items()) for counts in counted]
    if evidence.get("sites_it_may_reach") == 0:
        lines.append(f"{evidence['sites_that_offer']} sites offer it, none that they may reach")
    nearest = evidence.get("nearest", ())[:3]
    lines += [f"{near['site']} · {near['block']}: {near.get('why', '')}" for near in nearest]
    return escape("\n".join(lines))


def difference_tables(change: Difference, causes: Sequence[Cause]) -> list[Table]:
    """What changes between two plans: the cost by term, sessions, and who moves."""
    cost = table_of("What changes", ["", "How many"], ["Cost"])
    cost.add_row("People who move or lose their place", str(change.people_moved), growth(change.cost))
    cost.add_row(
        "Sessions opened / closed / other staff",
        " / ".join(str(len(each)) for each in (change.opened, change.closed, change.changed_staff)),
        "",
    )
    for name, growing in change.terms.items():
        if abs(growing) >= 0.005:  # noqa: PLR2004 - less than a cent is rounding
            cost.add_row(f"  {name}", "", growth(growing))
    moves = table_of("Who moves, and why", ["Request", "From", "To", "Why"], ["People", "Cost"])
    for each in causes:
        move = each.move
        moves.add_row(
            escape(move.request),
            where(move.before),
            where(move.after),
            each.why,
            str(move.people),
            growth(each.extra_cost),
        )
    return [cost, moves] if causes else [cost]
