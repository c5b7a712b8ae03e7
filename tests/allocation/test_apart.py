"""Components planned in processes of their own: the same plan, whoever stops it or dies in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from scheduler.allocation import Limits, Plan, Problem, ProblemError, allocate, solver, verify
from scheduler.allocation.errands import Errand, Shares
from scheduler.allocation.limits import Watch
from scheduler.apart import ErrandLost, Processes
from tests.allocation.test_refusals import SMALL, one_yard, pinned

Document = dict[str, Any]
LISTS = ("jurisdictions", "items", "sites", "staff", "requests")
LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems, too, are planned apart."""
    monkeypatch.setattr(solver, "WORTH_PROCESSES", 0)


def cities(count: int) -> Problem:
    """So many small districts that share nothing."""
    return Problem.from_json(joined([named(SMALL, f"{n}-") for n in range(count)]))


def named(document: Any, prefix: str) -> Any:
    """The document with names of its own for everything but the half-days: nobody who may help out elsewhere."""
    own = {row["id"] for key in LISTS for row in document[key]}

    def walked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walked(each) for key, each in value.items()}
        if isinstance(value, list):
            return [walked(each) for each in value]
        return f"{prefix}{value}" if isinstance(value, str) and value in own else value

    found: Document = walked(document)
    return found


def joined(documents: list[Document]) -> Document:
    """One problem of several."""
    return documents[0] | {key: [row for each in documents for row in each[key]] for key in LISTS}


def test_components_planned_apart_give_the_plan_of_all_together() -> None:
    problem, told = cities(3), []

    apart = allocate(problem, LIMITS, apart=Processes(2), progress=told.append)
    together = allocate(problem, LIMITS)

    assert verify(problem, apart) == []
    assert apart.objective == pytest.approx(together.objective)
    assert apart.stopped == together.stopped
    assert apart.bound == pytest.approx(together.bound, rel=1e-6)
    assert told[0].phase == "first plan"
    assert sum(each.phase.startswith("component") for each in told) == 3


def test_a_plan_to_start_from_is_taken_up_in_every_component() -> None:
    problem = cities(2)
    best = allocate(problem, LIMITS)

    again = allocate(problem, replace(LIMITS, seconds=0.01), apart=Processes(2), start=best)

    assert again.objective <= best.objective + 1e-6


def test_whoever_stops_it_gets_a_plan_for_everybody() -> None:
    problem = cities(3)

    plan = allocate(problem, replace(LIMITS, seconds=600), apart=Processes(2), cancelled=lambda: True)

    assert verify(problem, plan) == []
    assert {row.request for row in plan.unplaced} | seated(plan) == {request.id for request in problem.requests}


def seated(plan: Plan) -> set[str]:
    return {seating.request for session in plan.sessions for seating in session.seated}


def test_contradictory_pins_of_a_component_are_named_as_ever() -> None:
    sites = [{**one_yard()["sites"][0], "id": name} for name in ("yard", "hall")]
    pins = [pinned("crane", "am"), {**pinned("crane", "am"), "site": "hall"}]
    clashing = Problem.from_json(one_yard(sites=sites, pinned_sessions=pins))

    with pytest.raises(ProblemError) as refused:
        list(Processes(1)(iter([Errand(clashing, seconds=5, gap=0, seed=1)]), lambda: False))

    assert "yard / crane / am" in refused.value.where
    assert refused.value.way_out


def test_a_process_that_is_killed_is_missed() -> None:
    def killing() -> bool:
        for child in psutil.Process().children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
        return False

    with pytest.raises(ErrandLost, match="without an answer"):
        allocate(cities(2), replace(LIMITS, seconds=60), apart=Processes(1), cancelled=killing)


def test_the_processes_end_with_whoever_started_them(tmp_path: Path) -> None:
    program = tmp_path / "planning.py"
    program.write_text(ORPHANS)
    parent = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)  # noqa: S603  # ours
    with parent:
        assert parent.stdout
        (child,) = [int(parent.stdout.readline())]
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not psutil.pid_exists(child))


ORPHANS = """
import json, threading, time, psutil
from scheduler.allocation.errands import Errand
from scheduler.apart import Processes
from scheduler.allocation import Problem
from tests.allocation.referee import REFERENCE

def tell():
    while not (children := psutil.Process().children()):
        time.sleep(0.05)
    time.sleep(1)
    print(children[-1].pid, flush=True)

if __name__ == "__main__":
    threading.Thread(target=tell, daemon=True).start()
    month = json.loads((REFERENCE / "examples" / "month.json").read_text())
    errands = iter([Errand(Problem.from_json(month), seconds=300.0, gap=0.0, seed=1)])
    list(Processes(1)(errands, lambda: False))
"""


def wait_until(happened: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not happened() and time.monotonic() < until:
        time.sleep(0.05)
    return happened()


def test_time_is_shared_by_size_and_what_is_not_used_goes_to_the_others() -> None:
    now = [0.0]
    watch = Watch(Limits(clock=lambda: now[0], seconds=100), None)
    shares = Shares([2, 1, 1], width=2, watch=watch)

    first, second = shares.of(0), shares.of(1)
    assert (first, second) == (100, 50)  # the largest could not use more than there is
    now[0] = 20
    shares.done(1)  # it was proven optimal long before
    assert shares.of(2) == 80


def test_ctrl_c_while_a_process_starts_ends_the_search_and_not_the_process(tmp_path: Path) -> None:
    program = tmp_path / "planning.py"
    program.write_text(INTERRUPTED)
    command = [sys.executable, str(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:  # noqa: S603
        starting = psutil.Process(parent.pid)
        assert wait_until(lambda: any("spawn_main" in " ".join(each.cmdline()) for each in starting.children()))
        os.killpg(parent.pid, signal.SIGINT)
        try:
            said, _ = parent.communicate(timeout=60)
        finally:
            parent.kill()

    assert said.split()[0] == "found"


INTERRUPTED = """
import json, signal
from scheduler.allocation import Problem
from scheduler.allocation.errands import Errand
from scheduler.apart import Processes
from tests.allocation.referee import REFERENCE

asked = []

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    month = json.loads((REFERENCE / "examples" / "month.json").read_text())
    errands = iter([Errand(Problem.from_json(month), seconds=300.0, gap=0.0, seed=1)])
    for _, fetched in Processes(1)(errands, lambda: bool(asked)):
        print("found", fetched.cost, flush=True)
"""
