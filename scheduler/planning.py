"""The solving of a round: claimed in one short transaction, solved in none, written in a third, behind a fence."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.database import Database
from models.rounds import Plan, Round
from models.vocabulary import PlanState, RoundState
from scheduler import snapshot
from scheduler.allocation.errors import ProblemError
from scheduler.clock import Clock
from scheduler.jobs import LongJob
from scheduler.leases import Claim, FencedOff, claim, fenced, is_free, kept
from scheduler.plan_rows import SnapshotStale
from scheduler.proposing import Proposal, begin_consultation, locked_round
from scheduler.round_search import watched
from scheduler.rounds import MOST_FAILURES, fall_back, has_plan
from scheduler.solving import Limits, PlanRejected, SolverFailed, solve

ACTOR = "job:planning"
PAUSE_AFTER_FAILURE = timedelta(minutes=5)
AT_ONCE = timedelta()
LEASE = timedelta(seconds=30)
FAILED = (SolverFailed, PlanRejected, ProblemError)
LEFT_ALONE = "the worker that planned it ended or froze; another one goes on"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's turn at a round: its claim, how long to search, and the version that the answer will be."""

    claim: Claim
    version: int
    limits: Limits

    @property
    def round_id(self) -> int:
        """The round."""
        return self.claim.row_id


async def plan_due(database: Database, clock: Clock) -> int:
    """Solve one round that waits for it, and begin its consultation; 0 if none waits."""
    async with database.writing(actor=ACTOR, now=clock()) as db:
        turn = await take_turn(db, now=clock())
    if turn is None:
        return 0
    with suppress(FencedOff):  # called off, or another worker's by now: what came of this turn is not written
        await kept(database, [turn.claim], take(database, clock, turn), lasts=LEASE)
    return 1


async def take(database: Database, clock: Clock, turn: Turn) -> None:
    """
    Use a turn; a failure is written down.

    Raises:
        FencedOff: The turn is over.
    """
    try:
        await propose(database, clock, turn)
    except SnapshotStale as outdated:
        log.info("plan_outdated", round=turn.round_id, because=str(outdated))
        await fail(database, clock, turn, failure=str(outdated), pause=AT_ONCE)
    except FAILED as failure:
        log.warning("plan_failed", round=turn.round_id, because=str(failure))
        await fail(database, clock, turn, failure=str(failure), pause=PAUSE_AFTER_FAILURE)


async def propose(database: Database, clock: Clock, turn: Turn) -> None:
    """
    Read the round's problem, solve it without a transaction, and write what came out.

    Raises:
        SolverFailed, PlanRejected, ProblemError, SnapshotStale: No plan came of it.
        FencedOff: The turn is over.
    """
    async with database.reading() as db:
        planned = (await db.exec(select(Round).where(col(Round.id) == turn.round_id))).one()
        problem, earlier = await snapshot.take(db, planned, now=clock()), await answer_before(db, planned)
    answer = await watched(database, turn.claim, partial(solve, problem, turn.limits, start=earlier))
    proposal = Proposal(turn.round_id, turn.version, problem, answer.plan, answer.baselines)
    try:
        async with database.writing(actor=ACTOR, now=clock()) as db:
            await fenced(db, turn.claim)
            await begin_consultation(db, proposal, now=clock())
    except IntegrityError as error:
        raise SnapshotStale("a room or an examiner was taken in the moment of writing") from error


async def answer_before(db: AsyncSession, planned: Round) -> dict[str, Any] | None:
    """The plan that a re-plan begins with, as the allocator wrote it."""
    current = select(col(Plan.answer)).where(col(Plan.round_id) == planned.id, col(Plan.state) == PlanState.CURRENT)
    return (await db.exec(current)).one_or_none()


async def take_turn(db: AsyncSession, *, now: datetime) -> Turn | None:
    """
    Claim a round that waits for the solver; a worker that dies loses its turn at the end of its lease.

    A turn that was lost counts as a failure: a round that ends every worker must not go round for ever.
    """
    for held in await claim(db, Round, *waits(), col(Round.solve_after) <= now, lasts=LEASE):
        planned = await locked_round(db, held.row_id)
        if held.took_over:
            await count_failure(db, planned, LEFT_ALONE)
        if planned.state is not RoundState.PLANNING or planned.failures >= MOST_FAILURES:
            planned.leased_until = None
            return None
        version = (await db.exec(select(func.max(col(Plan.version))).where(col(Plan.round_id) == planned.id))).one()
        return Turn(held, (version or 0) + 1, Limits(planned.time_limit_seconds, planned.seed))
    return None


def waits() -> tuple[Any, ...]:
    """The conditions on a round that is to be solved."""
    return col(Round.state) == RoundState.PLANNING, col(Round.failures) < MOST_FAILURES


async def fail(database: Database, clock: Clock, turn: Turn, *, failure: str, pause: timedelta) -> None:
    """Write down in a transaction of its own that a turn failed."""
    async with database.writing(actor=ACTOR, now=clock()) as db:
        await fenced(db, turn.claim)
        await note_failure(db, turn, failure, again_at=clock() + pause)


async def note_failure(db: AsyncSession, turn: Turn, failure: str, *, again_at: datetime) -> None:
    """Keep what went wrong where the bureau sees it, and try again, three times at most."""
    planned = await locked_round(db, turn.round_id)
    if planned.state is not RoundState.PLANNING:
        return
    planned.leased_until, planned.solve_after = None, again_at
    await count_failure(db, planned, failure)


async def count_failure(db: AsyncSession, planned: Round, failure: str) -> None:
    """A re-plan that failed for good leaves the plan before it in consultation; a first plan waits for the bureau."""
    planned.failures += 1
    planned.failure = failure[:500]
    planned.progress = None
    if planned.failures >= MOST_FAILURES and await has_plan(db, planned):
        await fall_back(db, planned)
    await db.flush()


def next_plan() -> SelectOfScalar[Any]:
    """When the next round waits for the solver and no worker is at it."""
    return select(func.min(col(Round.solve_after))).where(*waits(), is_free(Round))


PLANNING = LongJob("planning", plan_due, next_plan)
