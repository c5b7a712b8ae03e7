"""Runs the allocator in a process of its own, bounded in time, and lets nothing through that breaks a rule."""

import asyncio
import sys
from collections.abc import Mapping
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


async def solve(problem: Mapping[str, Any], limits: Limits, *, start: Mapping[str, Any] | None = None) -> Answer:
    """
    The allocator's answer to a problem document, its plan verified; the search begins with `start`, an earlier plan.

    Raises:
        SolverFailed: No answer in time.
        PlanRejected: The answer is no plan, or breaks a rule.
        ProblemError: The document is no problem.
    """
    given = {"seconds": limits.seconds, "seed": limits.seed}
    asked = orjson.dumps({"problem": problem, "limits": given, "start": start})
    process = await started()
    talk = asyncio.create_task(process.communicate(asked))
    try:
        answered, said = await patiently(process, talk, seconds=limits.seconds * SLACK_SHARE + SLACK_SECONDS)
    finally:
        await end(process)
        await asyncio.wait({talk})
    if process.returncode != 0:
        raise SolverFailed(said.decode(errors="replace")[-500:])
    return await asyncio.to_thread(verified, problem, answered)


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
    process: asyncio.subprocess.Process, talk: asyncio.Task[tuple[bytes, bytes]], *, seconds: float
) -> tuple[bytes, bytes]:
    """
    What the process answers; one that overruns is asked to stop first, and answers with its best plan so far.

    Raises:
        SolverFailed: It did not stop, either.
    """
    done, _ = await asyncio.wait({talk}, timeout=seconds)
    if not done:
        with suppress(ProcessLookupError):
            process.terminate()
        done, _ = await asyncio.wait({talk}, timeout=GRACE_SECONDS)
    if not done:
        message = f"no plan within {seconds + GRACE_SECONDS:g} s"
        raise SolverFailed(message)
    return talk.result()


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
