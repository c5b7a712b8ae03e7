"""The commands that ask a plan on files: what it costs and why, what if, where else, who moves."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from api.cli import answer
from scheduler.allocation import Limits, Plan, Problem, allocate, verify
from tests.allocation.referee import REFERENCE, check

SMALL = REFERENCE / "examples" / "small.json"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = allocate(Problem.from_json(json.loads(SMALL.read_text())), Limits(clock=time.monotonic, seconds=20))
    path = tmp_path_factory.mktemp("plans") / "plan.json"
    path.write_text(json.dumps(found.to_json()))
    return path


def asked(capsys: pytest.CaptureFixture[str], *words: object) -> Document:
    capsys.readouterr()
    assert answer([*map(str, words), "--json"]) == 0
    said: Document = json.loads(capsys.readouterr().out)
    return said


def test_explain_accounts_for_every_session_and_everybody_left_out(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, document = asked(capsys, "explain", SMALL, plan), json.loads(plan.read_text())

    assert len(said["sessions"]) == len(document["sessions"])
    assert sum(each["cost"] for each in said["sessions"]) == pytest.approx(
        document["objective"] - document["terms"]["unplaced"]
    )
    assert {row["request"] for row in said["unplaced"]} == {row["request"] for row in document["unplaced"]}
    assert all(row["way_out"]["text"] for row in said["unplaced"])
    assert [each["worth"] for each in said["scarce"]] == sorted((e["worth"] for e in said["scarce"]), reverse=True)


def test_allocate_explains_at_once_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, "allocate", SMALL, "--plan", tmp_path / "plan.json", "--time-limit", 5, "--explain")

    assert said["explanation"]["sessions"]


def test_whatif_estimates_at_once_and_solves_on_a_copy(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, closed = plan.read_text(), json.loads(plan.read_text())["sessions"][0]["site"]

    said = asked(
        capsys, "whatif", SMALL, plan, "--close", closed, "--time-limit", 6, "--save-plan", tmp_path / "changed.json"
    )

    changed = json.loads((tmp_path / "changed.json").read_text())
    assert said["estimate"]["by_prices"] <= said["solved"]["extra_cost"] + 1
    assert said["solved"]["extra_cost"] <= said["estimate"]["by_mending"] + 1
    assert closed not in {session["site"] for session in changed["sessions"]}
    assert said["solved"]["difference"]["people_moved"] > 0
    assert plan.read_text() == before


def test_a_wish_is_guessed_and_solved(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, "wish", SMALL, plan, "B0-r7", "--block", "2027-03-03-pm")

    assert 0 <= said["estimate"]["extra_cost"] <= said["solved"]["extra_cost"] + 1
    assert said["estimate"]["block"] == "2027-03-03-pm"
    assert [m["after"][2] for m in said["solved"]["difference"]["moves"] if m["request"] == "B0-r7"] == [
        "2027-03-03-pm"
    ]


def test_alternatives_are_places_with_their_price(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, "alternatives", SMALL, plan, "--like", "B0-r7", "--people", 1)

    assert said["alternatives"]
    assert all(each["extra_cost"] >= 0 for each in said["alternatives"])


def test_a_re_plan_keeps_objections_and_compare_tells_who_moved(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later, problem = tmp_path / "later.json", tmp_path / "problem.json"
    sessions = json.loads(plan.read_text())["sessions"]
    agreed = "/".join(sessions[1][name] for name in ("site", "item", "block"))
    objected = f"site={sessions[0]['site']},item={sessions[0]['item']}"
    words = ["replan", SMALL, plan, "--plan", later, "--save-problem", problem, "--bar", objected, "--agreed", agreed]

    said = asked(capsys, *words, "--change-cost", 1000, "--time-limit", 5)
    compared = asked(capsys, "compare", problem, plan, later)

    following, found = json.loads(problem.read_text()), json.loads(later.read_text())
    assert check(following, found)[0] == []
    assert verify(Problem.from_json(following), Plan.from_json(found)) == []
    assert compared["moves"] == said["moves"]
    assert {move["request"] for move in said["moves"]} >= {seat["request"] for seat in sessions[0]["seated"]}
    assert any("No objection forbids it" in move["why"] for move in said["moves"])


def test_locality_is_a_curve(capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, "locality", SMALL, "--factor", 0, "--factor", 4, "--time-limit", 6)

    cheap, dear = said["points"]
    assert (cheap["factor"], dear["factor"]) == (0, 4)
    assert dear["tier_cost"] <= cheap["tier_cost"]


@pytest.mark.parametrize("words", [["explain"], ["whatif", "--close", "B0-yard3", "--estimate"], ["wish", "B0-r7"]])
def test_tables_are_shown_without_json(words: list[str], plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, *rest = words

    assert answer([command, str(SMALL), str(plan), *rest]) == 0
    assert "cost" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["whatif"], 2, "nothing is changed"),
        (["whatif", "--close", "nowhere"], 1, "sites: has no 'nowhere'"),
        (["whatif", "--least", "N1-theory"], 2, "write ITEM=PEOPLE"),
        (["whatif", "--window", "B0-r7=today"], 2, "write REQUEST=FROM..UNTIL"),
        (["wish", "nobody"], 1, "requests: has no 'nobody'"),
        (["wish", "B0-r7", "--block", "never"], 1, "blocks: has no 'never'"),
        (["alternatives", "--item", "N1-theory"], 1, "request.jurisdiction: is missing"),
        (["replan", "--plan", "x.json", "--bar", "colour=red"], 1, "write site=ID"),
        (["replan", "--plan", "x.json", "--agreed", "a/b/c"], 1, "a/b/c is not in the plan"),
        (["replan", "--plan", "x.json", "--bar", "site=B0-centre", "--change-cost", "nan"], 1, "change_cost: is nan"),
        (["explain", "--time-limit", "nan"], 2, "give a time above 0"),
        (["alternatives", "--count=-1"], 2, "ask for 1 place at least"),
    ],
)
def test_what_is_not_understood_is_said_with_the_way_out(
    words: list[str], code: int, says: str, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *rest = words

    assert answer([command, str(SMALL), str(plan), *rest]) == code
    assert says in " ".join(capsys.readouterr().err.split())


def test_a_curve_of_what_is_no_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["locality", str(SMALL), "--factor", "nan"]) == 2
    assert "factors of at least 0" in capsys.readouterr().err


def test_a_plan_of_another_problem_is_refused(plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt = json.loads(plan.read_text())
    spoilt["sessions"].pop()
    (tmp_path / "spoilt.json").write_text(json.dumps(spoilt))

    assert answer(["explain", str(SMALL), str(tmp_path / "spoilt.json")]) == 1
    assert "is no plan of this problem: everybody_counted" in " ".join(capsys.readouterr().err.split())
