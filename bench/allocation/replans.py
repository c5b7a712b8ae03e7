"""What follows a consultation: objections, a closed site, sick examiners, withdrawals; and who had to move."""

from collections import defaultdict
from random import Random
from typing import Any

Document = dict[str, Any]

CHANGE_COST = 3000
"""Fen for each person who no longer sits where they were told: thirty yuan."""


def replan(problem: Document, plan: Document, seed: int) -> Document:
    """The problem again after everything went a little wrong, with the earlier plan and a price on moving people."""
    chance = Random(seed)  # noqa: S311 - repeatable, no secrets
    gone = set(chance.sample([r["id"] for r in problem["requests"]], len(problem["requests"]) // 20))
    closed = chance.choice(sorted({s["site"] for s in plan["sessions"] if "centre" not in s["site"]}))
    sick = set(chance.sample([p["id"] for p in problem["staff"]], max(1, len(problem["staff"]) // 10)))
    days = sorted({block["date"] for block in problem["blocks"]})
    week = set(days[len(days) // 4 : len(days) // 4 + 5])
    away = {block["id"] for block in problem["blocks"] if block["date"] in week}
    disputed = chance.sample(plan["sessions"], max(1, len(plan["sessions"]) // 20))
    return {
        **problem,
        "requests": [r for r in problem["requests"] if r["id"] not in gone],
        "sites": [{**s, "blocks": []} if s["id"] == closed else s for s in problem["sites"]],
        "staff": [
            {**p, "blocks": [b for b in p["blocks"] if b not in away]} if p["id"] in sick else p
            for p in problem["staff"]
        ],
        "barred": [{"site": s["site"], "block": s["block"], "item": s["item"]} for s in disputed],
        "before": [{**row, "site": s["site"], "block": s["block"]} for s in plan["sessions"] for row in s["seated"]],
        "change_cost": CHANGE_COST,
    }


def share_moved(problem: Document, plan: Document) -> float:
    """
    The share of the unaffected who no longer sit where the earlier plan put them.

    Affected are the people of sessions that cannot be held as they were: barred, at a closed site, or gone.
    """
    barred = {(bar["site"], bar["block"]) for bar in problem["barred"]}
    closed = {site["id"] for site in problem["sites"] if site.get("blocks") == []}
    known = {request["id"] for request in problem["requests"]}
    there: dict[tuple[str, str, str], int] = defaultdict(int)
    for session in plan["sessions"]:
        for row in session["seated"]:
            there[row["request"], session["site"], session["block"]] += row["people"]
    unaffected = [
        row
        for row in problem["before"]
        if row["request"] in known and row["site"] not in closed and (row["site"], row["block"]) not in barred
    ]
    moved = sum(max(0, row["people"] - there[row["request"], row["site"], row["block"]]) for row in unaffected)
    return moved / max(1, sum(row["people"] for row in unaffected))
