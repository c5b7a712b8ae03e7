"""What a re-plan changed: who moves from where to where, which sessions come and go."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

Seats = Mapping[str, Mapping[str, int]]


def changes_between(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """The difference of two plans as a document; everything is new where there was none before."""
    old, new = seats(before) if before else {}, seats(after)
    asked = sorted(set(old) | set(new)) if before else []
    pairs = [(request, old.get(request, {}), new.get(request, {})) for request in asked]
    moved = [(request, was, now) for request, was, now in pairs if was != now]
    old_spots, new_spots = spots(before) if before else set(), spots(after)
    return {
        "moved": [{"request": request, "before": was, "after": now} for request, was, now in moved],
        "moved_people": sum(people_moved(was, now) for _, was, now in moved),
        "opened": sorted(new_spots - old_spots),
        "closed": sorted(old_spots - new_spots),
        "cost_difference_fen": after["objective"] - before["objective"] if before else None,
    }


def seats(plan: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many people of each request sit in each session."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for entry in plan["sessions"]:
        for seat in entry["seated"]:
            found[seat["request"]][spot(entry)] = seat["people"]
    return dict(found)


def spots(plan: Mapping[str, Any]) -> set[str]:
    """The sessions of a plan."""
    return {spot(entry) for entry in plan["sessions"]}


def spot(entry: Mapping[str, Any]) -> str:
    """A session's name in the document."""
    return f"{entry['site']}/{entry['item']}/{entry['block']}"


def people_moved(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """How many people no longer sit where they did."""
    return sum(max(0, people - after.get(place, 0)) for place, people in before.items())
