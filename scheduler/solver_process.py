"""
The allocator as a process of its own: a request on standard input, the answer on standard output.

The request is `{"problem": …, "limits": {"seconds", "gap", "seed"}, "start": …}`, where the start is an earlier plan or
absent; the answer is `{"plan": …, "baselines": …}`.
Progress goes to stderr, a JSON line each, after one that says that the process listens. From then on SIGTERM ends the
search; the best plan so far is still written, but then without baselines.
"""

import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from types import FrameType
from typing import Any

from scheduler.allocation.baselines import baselines
from scheduler.allocation.errors import ProblemError
from scheduler.allocation.limits import Limits, Progress
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.solver import allocate
from scheduler.side_by_side import SideBySide

LISTENING = '{"listening": true}\n'

DONE, REFUSED, MISUSED = 0, 1, 2


class Cancel:
    """Remembers that somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self.ask)

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        self.asked = True

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.asked


def limits_of(document: Mapping[str, Any]) -> Limits:
    """The limits of a request; what is absent keeps its default."""
    given = {name: document[name] for name in ("seconds", "gap", "seed") if name in document}
    return Limits(clock=time.monotonic, side_by_side=SideBySide(), **given)


def tell(progress: Progress) -> None:
    """Write one line of progress."""
    sys.stderr.write(json.dumps(asdict(progress)) + "\n")
    sys.stderr.flush()


def main() -> int:
    """Read, allocate, write."""
    cancel = Cancel()
    sys.stderr.write(LISTENING)
    sys.stderr.flush()
    try:
        request = json.load(sys.stdin)
        limits = limits_of(request.get("limits", {}))
        document = request["problem"]
        start = Plan.from_json(request["start"]) if request.get("start") else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sys.stderr.write(json.dumps({"error": f"not a request: {error!r}"}) + "\n")
        return MISUSED
    try:
        problem = Problem.from_json(document)
        plan = allocate(problem, limits, start=start, progress=tell, cancelled=cancel)
    except ProblemError as error:
        refusal = {"error": str(error), "where": error.where, "why": error.why, "way_out": error.way_out}
        sys.stderr.write(json.dumps(refusal, ensure_ascii=False) + "\n")
        return REFUSED
    # Two quick plans more, beyond the time to search: whoever waits for the answer allows for them.
    others = baselines(problem, cancelled=cancel)
    answer = {
        "plan": plan.to_json(),
        "baselines": {other.key: {"cost": other.cost, "people_unplaced": other.people_unplaced} for other in others},
    }
    json.dump(answer, sys.stdout, ensure_ascii=False)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
