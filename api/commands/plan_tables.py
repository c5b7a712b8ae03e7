"""A plan as tables: what it is, what it costs, what doing without it would cost, and who is left out."""

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from scheduler.allocation import Plan, Unplaced
from scheduler.allocation.baselines import Baseline

TERM_WORDS = {
    "open": "Opening sessions",
    "tier": "Consulting tiers",
    "staff": "Staff half-days",
    "travel": "Ways",
    "wait": "Waiting",
    "unplaced": "People left out",
    "change": "Changed promises",
}


def table_of(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table: columns of words, then columns of numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def money(cost: float) -> str:
    """A cost as people read it."""
    return f"{cost:,.2f}"


def growth(cost: float) -> str:
    """A difference of costs with its sign."""
    return f"{cost:+,.2f}"


def overview(plan: Plan, *, title: str = "Plan") -> Table:
    """The plan in a few lines."""
    table = Table(title=title, show_header=False, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("Sessions", str(len(plan.sessions)))
    table.add_row("People seated", str(plan.people_seated))
    table.add_row("People left out", f"[{'red' if plan.people_unplaced else 'green'}]{plan.people_unplaced}[/]")
    table.add_row("Cost", money(plan.objective))
    table.add_row("No plan costs less than", money(plan.bound))
    table.add_row("Proven gap", f"{plan.gap:.2%}")
    table.add_row("Stopped", f"{plan.stopped} after {plan.seconds:.1f} s")
    return table


def prices(plan: Plan) -> Table:
    """What the cost is made of."""
    table = table_of("Cost by term", ["Term"], ["Cost", "Share"])
    for name, cost in plan.terms.items():
        table.add_row(TERM_WORDS.get(name, name), money(cost), f"{cost / max(plan.objective, 1e-9):.1%}")
    return table


def comparison(plan: Plan, others: Sequence[Baseline]) -> Table:
    """The plan beside what would happen without it."""
    table = table_of("Beside doing without", ["Way"], ["Cost", "People left out", "The plan saves"])
    table.add_row("This plan", money(plan.objective), str(plan.people_unplaced), "")
    for other in others:
        saved = 1 - plan.objective / max(other.cost, 1e-9)
        table.add_row(other.name, money(other.cost), str(other.people_unplaced), f"{saved:.1%}")
    return table


def left_out(rows: Sequence[Unplaced]) -> Table:
    """Who has no place, why, and the cheapest way out with its price."""
    table = table_of("Left out", ["Request", "Reason", "Cheapest way out"], ["People", "Extra cost"])
    for row in rows:
        way_out = row.detail.get("way_out") or {}
        price = growth(way_out["extra_cost"]) if "extra_cost" in way_out else ""
        table.add_row(
            escape(row.request), str(row.reason), escape(str(way_out.get("text", ""))), str(row.people), price
        )
    return table
