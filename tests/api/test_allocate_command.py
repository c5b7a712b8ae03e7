"""`doorstep allocate`: from file to file, ended by the clock or by Ctrl-C, and clear about what it cannot read."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from api.cli import answer
from tests.allocation.referee import REFERENCE, check

SMALL, MONTH = REFERENCE / "examples" / "small.json", REFERENCE / "examples" / "month.json"


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_a_problem_file_becomes_a_plan_file_beside_two_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "plan.json"

    code = answer(["allocate", str(SMALL), "--plan", str(target), "--time-limit", "10", "--json"])

    said, plan = json.loads(capsys.readouterr().out), read(target)
    assert code == 0
    assert check(read(SMALL), plan)[0] == []
    assert said["objective"] == plan["objective"]
    assert [other["key"] for other in said["baselines"]] == ["centre", "offices"]


def test_ctrl_c_writes_the_best_plan_so_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, before = tmp_path / "plan.json", signal.getsignal(signal.SIGINT)

    def press_once_it_listens() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.05)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press_once_it_listens, daemon=True).start()

    code = answer(["allocate", str(MONTH), "--plan", str(target), "--time-limit", "300"])

    plan = read(target)
    assert (code, plan["stopped"]) == (0, "cancelled")
    assert check(read(MONTH), plan)[0] == []
    assert "Stopping with the best plan so far" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_plan_can_be_the_start_of_the_next_one(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    answer(["allocate", str(SMALL), "--plan", str(first), "--time-limit", "10"])

    answer(["allocate", str(SMALL), "--plan", str(second), "--start", str(first), "--time-limit", "2"])

    assert read(second)["objective"] <= read(first)["objective"]


@pytest.mark.parametrize(
    ("written", "code", "says"),
    [
        (None, 2, "cannot read"),
        ("{", 2, "cannot read"),
        ("[" * 100_000, 2, "cannot read"),
        ("[]", 1, "problem: is not an object"),
        ('{"blocks": []}', 1, "jurisdictions: is missing"),
    ],
)
def test_what_is_no_problem_is_refused_and_nothing_is_written(
    written: str | None, code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "problem.json", tmp_path / "plan.json"
    if written is not None:
        source.write_text(written)

    answered = answer(["allocate", str(source), "--plan", str(target)])

    assert answered == code
    assert says in " ".join(capsys.readouterr().err.split())
    assert not target.exists()


def test_a_time_limit_of_nothing_is_wrong_use(tmp_path: Path) -> None:
    assert answer(["allocate", str(SMALL), "--plan", str(tmp_path / "plan.json"), "--time-limit", "0"]) == 2
