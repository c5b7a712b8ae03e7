"""One run of the allocator's process, measured from outside: what it found when, and the memory it took."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
GAPS = (0.10, 0.05, 0.02, 0.01)

Document = dict[str, Any]


@dataclass(slots=True)
class Run:
    """
    What came of one run.

    Attributes:
        first: Seconds from the process's start to the first plan, likewise `to` for each proven gap.
        answered: Seconds until the answer was there.
        memory: Most bytes that all processes together held.
    """

    plan: Document = field(default_factory=dict)
    baselines: Document = field(default_factory=dict)
    first: float | None = None
    to: dict[float, float] = field(default_factory=dict)
    answered: float = 0.0
    memory: int = 0
    failed: str = ""


def measure(problem: Document, *, seconds: float, seed: int) -> Run:
    """Allocate a problem in a process of its own, as the service does."""
    run, began = Run(), time.monotonic()
    with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as answer:
        json.dump({"problem": problem, "limits": {"seconds": seconds, "seed": seed}}, asked)
        asked.seek(0)
        began = time.monotonic()
        command = [sys.executable, "-m", "scheduler.solver_process"]
        with subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=ROOT, stdin=asked, stdout=answer, stderr=subprocess.PIPE, text=True
        ) as process:
            watcher = threading.Thread(target=watch_memory, args=(process.pid, run), daemon=True)
            watcher.start()
            follow(process, run, began)
        run.answered = time.monotonic() - began
        answer.seek(0)
        if process.returncode == 0:
            found = json.load(answer)
            run.plan, run.baselines = found["plan"], found["baselines"]
        else:
            run.failed = run.failed or f"exit {process.returncode}"
    return run


def follow(process: "subprocess.Popen[str]", run: Run, began: float) -> None:
    """Read the lines of progress as they come."""
    assert process.stderr
    for line in process.stderr:
        now = time.monotonic() - began
        try:
            told = json.loads(line)
            gap = (told["cost"] - told["bound"]) / max(abs(told["cost"]), 1e-9)
        except (ValueError, KeyError, TypeError):
            run.failed = line.strip()[:200]
            continue
        run.first = now if run.first is None else run.first
        for goal in GAPS:
            if gap <= goal:
                run.to.setdefault(goal, now)


def watch_memory(pid: int, run: Run) -> None:
    """Look ten times a second at what the process and its children hold, until it is gone."""
    try:
        process = psutil.Process(pid)
        while process.is_running():
            family = [process, *process.children(recursive=True)]
            run.memory = max(run.memory, sum(each.memory_info().rss for each in family))
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return
