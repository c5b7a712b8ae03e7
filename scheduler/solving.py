"""Runs the allocator in a process of its own, bounded in time, and lets nothing through that breaks a rule."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.verify import verify

SLACK_SECONDS = 5.0
SLACK_SHARE = 1.25


class SolverFailed(RuntimeError):
    """The allocator's process died, overran its time, or answered something that is no plan."""


class PlanRejected(RuntimeError):
    """The plan breaks a rule, found by a check that was written apart from the solver."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to search, and from which seed."""

    seconds: float
    seed: int


async def solve(problem: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """
    The allocator's answer to a problem document, verified.

    Raises:
        SolverFailed: No answer in time.
        PlanRejected: The answer breaks a rule.
    """
    asked = orjson.dumps({"problem": problem, "limits": {"seconds": limits.seconds, "seed": limits.seed}})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scheduler.allocation",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(limits.seconds * SLACK_SHARE + SLACK_SECONDS):
            answered, said = await process.communicate(asked)
    except TimeoutError as error:
        message = f"no plan within {limits.seconds:g} s"
        raise SolverFailed(message) from error
    finally:
        await end(process)
    if process.returncode != 0:
        raise SolverFailed(said.decode(errors="replace")[-500:])
    return await asyncio.to_thread(verified, problem, answered)


async def end(process: asyncio.subprocess.Process) -> None:
    """Leave no allocator behind, whatever happened."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def verified(problem: Mapping[str, Any], answered: bytes) -> dict[str, Any]:
    """The answer, if it is a plan of the problem that keeps every rule."""
    answer: dict[str, Any] = orjson.loads(answered)
    broken = verify(Problem.from_json(problem), Plan.from_json(answer))
    if broken:
        raise PlanRejected("; ".join(str(violation) for violation in broken[:10]))
    return answer
