"""What the main job tells at its end: whole, aligned, and read from the same document that programs get."""

from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from api.demo.tables import MOST_NAMED, REASONS, tables
from scheduler.allocation.plan import Reason

WAITING = {
    "people": 3,
    "latestDay": "2027-04-01",
    "unplacedReason": "MIN_CLASS",
    "unplacedDetail": "Find 2 more people for a class of 5.",
    "enterprise": {"name": "松江虚构机械〇〇一有限公司", "creditCode": "91310117XX0000001X"},
    "exam": {"subject": "PRACTICAL", "item": {"code": "Q2", "scopeLimit": "桥式"}},
}


def plan(version: int, cost: float, **changes: int) -> dict[str, Any]:
    moved = {"movedPeople": 0, "openedSessions": 0, "closedSessions": 0} | changes
    doing_without = [
        {"name": "offices", "costFen": 300_000.0, "unplacedPeople": 40},
        {"name": "centre", "costFen": 250_000.0, "unplacedPeople": 9},
    ]
    left = [{"people": 3, "reason": "MIN_CLASS", "detail": {}}]
    return moved | {
        "version": version,
        "costFen": cost,
        "gap": 0.05,
        "unplaced": left,
        "baselines": doing_without,
    }


@pytest.fixture
def story() -> dict[str, Any]:
    """A small season: one round that was planned twice."""
    line = {"sessions": 2, "places": 24, "people": 18, "fill": 0.75}
    way = {"people": 18, "meanDays": 12.5, "worstTenthDays": 30, "meanKm": 4.2, "worstTenthKm": 11.0}
    return {
        "counts": {"requests": 4, "certificates issued": 11},
        "objections": [
            {"round": 1, "party": "OFFICE", "kind": "NOT_THIS_BLOCK"},
            {"round": 1, "party": "OFFICE", "kind": "NOT_THIS_BLOCK"},
            {"round": 1, "party": "HOST", "kind": "NOT_THIS_SITE"},
        ],
        "refusals": {"TOO_OLD": 1},
        "rounds": [
            {
                "number": 1,
                "failure": None,
                "plans": [plan(1, 100_000.0), plan(2, 104_000.0, movedPeople=6, openedSessions=1, closedSessions=2)],
            }
        ],
        "report": {
            "requestsByTier": [
                {"heading": "OFFICE", "requests": 3, "people": 12},
                {"heading": "TOWN", "requests": 1, "people": 6},
                {"heading": "BUREAU", "requests": 0, "people": 0},
            ],
            "byTier": [line | {"heading": "OFFICE"}],
            "byTown": [line | {"heading": "新桥镇"}],
            "byExam": [line | {"heading": "Q2（桥式） practical"}],
            "way": way | {"meanKmToCentre": 25.0},
        },
        "unplaced": [WAITING],
        "audit": [{"invariant": "places taken", "holds": True, "violations": []}],
    }


def printed(story: dict[str, Any]) -> list[list[str]]:
    """Each table as the lines that a person sees."""
    shown = []
    for each in tables(story):
        paper = StringIO()
        Console(file=paper, width=80, highlight=False).print(each)
        shown.append([line for line in paper.getvalue().splitlines() if line.strip()])
    return shown


def found(story: dict[str, Any], title: str) -> str:
    return next("\n".join(lines) for lines in printed(story) if lines[0].startswith(title))


def test_chinese_names_stand_in_line(story: dict[str, Any]) -> None:
    for lines in printed(story):
        rows = [line for line in lines[1:] if line[0] in "┏┡┃│├└"]
        assert len({cell_len(line) for line in rows}) == 1, lines


def test_the_tiers_share_the_demand(story: dict[str, Any]) -> None:
    shown = found(story, "Requests and people by tier")

    assert "所 office" in shown
    assert "66.7 %" in shown


def test_the_plan_stands_beside_doing_without(story: dict[str, Any]) -> None:
    shown = found(story, "First plans against doing without")

    assert "1,000" in shown
    assert "Each office alone ¥" in shown
    assert "3.00" in shown
    assert "2.50" in shown


def test_a_plan_without_its_comparison_is_shown_and_left_out_of_the_sum(story: dict[str, Any]) -> None:
    alone = {"number": 2, "failure": None, "plans": [plan(1, 700_000.0) | {"baselines": []}]}

    shown = found(story | {"rounds": [*story["rounds"], alone]}, "First plans against doing without")

    assert shown.count("not made") == 2
    assert "7,000" in shown
    assert "3.00" in shown


def test_objections_stand_beside_what_the_replan_changed(story: dict[str, Any]) -> None:
    shown = found(story, "Objections, and what the re-plan changed")

    assert "2 × office: not this block" in shown
    assert "1 × host: not this site" in shown
    assert "+40" in shown


def test_who_has_no_place_is_named_with_the_reason(story: dict[str, Any]) -> None:
    shown = found(story, "Without a place at the end")

    assert "松江虚构机械〇〇一有限公司" in shown
    assert "Q2-桥式 practical" in shown
    assert "MIN_CLASS" in shown


def test_a_long_list_of_the_waiting_is_cut_and_says_so(story: dict[str, Any]) -> None:
    shown = found(story | {"unplaced": [WAITING] * (MOST_NAMED + 7)}, "Without a place at the end")

    assert "7 more" in shown
    assert shown.count("松江虚构机械") == MOST_NAMED


def test_a_broken_promise_is_named(story: dict[str, Any]) -> None:
    broken = [{"invariant": "places taken <= capacity", "holds": False, "violations": ["session 7"]}]

    shown = found(story | {"audit": broken}, "The auditor's verdict")

    assert "places taken <= capacity" in shown
    assert "1" in next(line for line in shown.splitlines() if "broken" in line)


def test_every_reason_is_said_in_words() -> None:
    assert set(REASONS) == set(Reason)
