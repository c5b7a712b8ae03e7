"""Answers about a plan for programs: the same that the tables show, as plain values."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scheduler.allocation.diff import Difference
from scheduler.allocation.insight.moves import Cause
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.scarce import most_wanted
from scheduler.allocation.insight.sessions import Account, accounts


def explanation(outlook: Outlook) -> dict[str, Any]:
    """Everything `explain` says."""
    return {
        "sessions": [account_entry(each) for each in accounts(outlook)],
        "unplaced": [
            {"request": row.request, "people": row.people, "reason": str(row.reason), **row.detail}
            for row in outlook.plan.unplaced
        ],
        "scarce": [asdict(each) for each in most_wanted(outlook)],
    }


def account_entry(account: Account) -> dict[str, Any]:
    """One session's account."""
    session = account.session
    return {
        "site": session.site,
        "item": session.item,
        "block": session.block,
        "tier": str(session.tier),
        "people": session.people,
        "cost": account.cost,
        "terms": dict(account.terms),
        "next_best": asdict(account.next_best),
    }


def difference_entry(change: Difference, causes: Sequence[Cause]) -> dict[str, Any]:
    """What changes between two plans."""
    return {
        "cost": change.cost,
        "terms": change.terms,
        "people_moved": change.people_moved,
        "opened": [list(session.key) for session in change.opened],
        "closed": [list(session.key) for session in change.closed],
        "changed_staff": [list(key) for key in change.changed_staff],
        "moves": [
            {**asdict(each.move), "kind": each.kind, "why": each.why, "extra_cost": each.extra_cost} for each in causes
        ],
    }
