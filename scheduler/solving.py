"""Runs the allocator in a process of its own, bounded in time, and lets nothing through that breaks a rule."""

import asyncio
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from scheduler.allocation.errors import PlanError
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.verify import verify

# A busy machine takes long to start a process and to read; beyond the search come the last plan and the baselines.
SLACK_SECONDS = 40.0
SLACK_SHARE = 1.25
# An allocator that was asked to stop has its plan; on a busy machine it still needs a while to explain and write it.
GRACE_SECONDS = 30.0
_LISTENING = b'{"listening"'


class SolverFailed(RuntimeError):
    """The allocator's process died, or overran its time even after it was asked to stop."""


class PlanRejected(RuntimeError):
    """The answer is no plan, or one that breaks a rule, found by a check that was written apart from the solver."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to search, and from which seed."""

    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A plan document, and what doing without an allocator would cost.

    Attributes:
        baselines: By key, `cost_fen` and `unplaced_people`; empty where the search was told to stop.
    """

    plan: dict[str, Any]
    baselines: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known at a moment of the search; what is not known yet is empty."""

    phase: str
    cost_fen: float | None
    bound_fen: float | None
    seconds: float


Hear = Callable[[Progress], None]
"""Is told of progress as it comes."""


async def solve(
    problem: Mapping[str, Any],
    limits: Limits,
    *,
    start: Mapping[str, Any] | None = None,
    hear: Hear = lambda _: None,
    enough: asyncio.Event | None = None,
) -> Answer:
    """
    The allocator's answer to a problem document, its plan verified; the search begins with `start`, an earlier plan.

    When `enough` is set, the search ends early with the best plan so far.

    Raises:
        SolverFailed: No answer in time.
        PlanRejected: The answer is no plan, or breaks a rule.
        ProblemError: The document is no problem.
    """
    given = {"seconds": limits.seconds, "seed": limits.seed}
    asked = orjson.dumps({"problem": problem, "limits": given, "start": start})
    process = await started()
    # Asked to stop before it listens, a process ends without an answer.
    listens = asyncio.Event()
    talk = asyncio.create_task(talked(process, asked, hear, listens))
    try:
        longest = limits.seconds * SLACK_SHARE + SLACK_SECONDS
        answered, said = await patiently(process, talk, (listens, enough or asyncio.Event()), seconds=longest)
    finally:
        await end(process)
        await asyncio.wait({talk})
    if process.returncode != 0:
        raise SolverFailed(said.decode(errors="replace")[-500:])
    return await asyncio.to_thread(verified, problem, answered)


async def talked(
    process: asyncio.subprocess.Process, asked: bytes, hear: Hear, listens: asyncio.Event
) -> tuple[bytes, bytes]:
    """Ask the process, hear of its progress, and give its answer and what else it said."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise SolverFailed("the allocator's process has no pipes")
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(asked)
    process.stdin.close()
    answered, said, _ = await asyncio.gather(
        process.stdout.read(), heard(process.stderr, hear, listens), process.wait()
    )
    return answered, said


async def heard(lines: asyncio.StreamReader, hear: Hear, listens: asyncio.Event) -> bytes:
    """Pass progress on; what else was said, as the process's last words. Whoever speaks listens, too."""
    said = b""
    async for line in lines:
        listens.set()
        if (progress := progress_in(line)) is not None:
            hear(progress)
        elif not line.startswith(_LISTENING):
            said += line
    return said


def progress_in(line: bytes) -> Progress | None:
    """The progress that a line tells of, if it tells of any."""
    try:
        told = json.loads(line)
        return Progress(str(told["phase"]), _known(told["cost"]), _known(told["bound"]), float(told["seconds"]))
    except (ValueError, KeyError, TypeError):
        return None


def _known(number: float) -> float | None:
    """The number, unless it says that nothing is known yet."""
    return float(number) if math.isfinite(number) else None


async def started() -> asyncio.subprocess.Process:
    """
    The allocator's process.

    Raises:
        SolverFailed: The system starts no process.
    """
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "scheduler.solver_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SolverFailed(str(error)) from error


async def patiently(
    process: asyncio.subprocess.Process,
    talk: asyncio.Task[tuple[bytes, bytes]],
    reasons: Sequence[asyncio.Event],
    *,
    seconds: float,
) -> tuple[bytes, bytes]:
    """
    What the process answers; one that overruns is asked to stop, and gives its best plan so far.

    It is asked to stop, too, when there is every one of the `reasons`.

    Raises:
        SolverFailed: It did not stop, either.
    """
    told = asyncio.create_task(_every(reasons))
    await asyncio.wait({talk, told}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not talk.done():
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait({talk}, timeout=GRACE_SECONDS)
    if not talk.done():
        message = f"no plan within {seconds + GRACE_SECONDS:g} s"
        raise SolverFailed(message)
    return talk.result()


async def _every(reasons: Sequence[asyncio.Event]) -> None:
    for reason in reasons:
        await reason.wait()


async def end(process: asyncio.subprocess.Process) -> None:
    """Leave no allocator behind, whatever happened."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def verified(problem: Mapping[str, Any], answered: bytes) -> Answer:
    """
    The answer, if its plan is one of the problem and keeps every rule.

    Raises:
        PlanRejected: It is not.
    """
    try:
        answer = answer_in(orjson.loads(answered))
        plan = Plan.from_json(answer.plan)
    except (orjson.JSONDecodeError, PlanError, KeyError, TypeError) as error:
        message = f"the allocator's answer cannot be read: {error}"
        raise PlanRejected(message) from error
    broken = verify(Problem.from_json(problem), plan)
    if broken:
        raise PlanRejected("; ".join(str(violation) for violation in broken[:10]))
    return answer


def answer_in(document: Mapping[str, Any]) -> Answer:
    """The answer that the allocator's process wrote, in the words of the tables."""
    baselines = {
        key: {"cost_fen": row["cost"], "unplaced_people": row["people_unplaced"]}
        for key, row in document["baselines"].items()
    }
    return Answer(document["plan"], baselines)
