"""The solving of a round: claimed in one short transaction, solved in none, written in a third."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, or_
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
from scheduler.plan_rows import SnapshotStale
from scheduler.proposing import Proposal, begin_consultation, locked_round
from scheduler.rounds import MOST_FAILURES, fall_back, has_plan
from scheduler.solving import Limits, PlanRejected, SolverFailed, solve

ACTOR = "job:planning"
PAUSE_AFTER_FAILURE = timedelta(minutes=5)
AT_ONCE = timedelta()
GRACE = timedelta(seconds=60)
FAILED = (SolverFailed, PlanRejected, ProblemError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's turn at a round: how long to search, and the version that the answer will be."""

    round_id: int
    version: int
    limits: Limits


async def plan_due(database: Database, clock: Clock) -> int:
    """Solve one round that waits for it, and begin its consultation; 0 if none waits."""
    async with database.writing(actor=ACTOR, now=clock()) as db:
        turn = await take_turn(db, now=clock())
    if turn is None:
        return 0
    try:
        await propose(database, clock, turn)
    except SnapshotStale as outdated:
        log.info("plan_outdated", round=turn.round_id, because=str(outdated))
        await fail(database, clock, turn, failure=str(outdated), pause=AT_ONCE)
    except FAILED as failure:
        log.warning("plan_failed", round=turn.round_id, because=str(failure))
        await fail(database, clock, turn, failure=str(failure), pause=PAUSE_AFTER_FAILURE)
    return 1


async def propose(database: Database, clock: Clock, turn: Turn) -> None:
    """
    Read the round's problem, solve it without a transaction, and write what came out.

    Raises:
        SolverFailed, PlanRejected, ProblemError, SnapshotStale: No plan came of it.
    """
    async with database.reading() as db:
        planned = (await db.exec(select(Round).where(col(Round.id) == turn.round_id))).one()
        problem, earlier = await snapshot.take(db, planned, now=clock()), await answer_before(db, planned)
    answer = await solve(problem, turn.limits, start=earlier)
    proposal = Proposal(turn.round_id, turn.version, problem, answer.plan, answer.baselines)
    try:
        async with database.writing(actor=ACTOR, now=clock()) as db:
            await begin_consultation(db, proposal, now=clock())
    except IntegrityError as error:
        raise SnapshotStale("a room or an examiner was taken in the moment of writing") from error


async def answer_before(db: AsyncSession, planned: Round) -> dict[str, Any] | None:
    """The plan that a re-plan begins with, as the allocator wrote it."""
    current = select(col(Plan.answer)).where(col(Plan.round_id) == planned.id, col(Plan.state) == PlanState.CURRENT)
    return (await db.exec(current)).one_or_none()


async def take_turn(db: AsyncSession, *, now: datetime) -> Turn | None:
    """Claim a round that waits for the solver; a worker that dies loses its turn at the end of its lease."""
    waiting = (
        select(Round)
        .where(*waits(), col(Round.solve_after) <= now)
        .where(or_(col(Round.solving_until).is_(None), col(Round.solving_until) < func.clock_timestamp()))
        .order_by(col(Round.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    planned = (await db.exec(waiting)).one_or_none()
    if planned is None:
        return None
    database_now: datetime = (await db.exec(select(func.clock_timestamp()))).one()
    planned.solving_until = database_now + timedelta(seconds=2 * planned.time_limit_seconds) + GRACE
    version = (await db.exec(select(func.max(col(Plan.version))).where(col(Plan.round_id) == planned.id))).one() or 0
    return Turn(planned.id, version + 1, Limits(planned.time_limit_seconds, planned.seed))


def waits() -> tuple[Any, ...]:
    """The conditions on a round that is to be solved."""
    return col(Round.state) == RoundState.PLANNING, col(Round.failures) < MOST_FAILURES


async def fail(database: Database, clock: Clock, turn: Turn, *, failure: str, pause: timedelta) -> None:
    """Write down in a transaction of its own that a turn failed."""
    async with database.writing(actor=ACTOR, now=clock()) as db:
        await note_failure(db, turn, failure, again_at=clock() + pause)


async def note_failure(db: AsyncSession, turn: Turn, failure: str, *, again_at: datetime) -> None:
    """
    Keep what went wrong where the bureau sees it, and try again, three times at most.

    A re-plan that failed for good leaves the plan before it in consultation; a first plan waits for the bureau.
    """
    planned = await locked_round(db, turn.round_id)
    if planned.state is not RoundState.PLANNING:
        return
    planned.failures += 1
    planned.failure = failure[:500]
    planned.solving_until, planned.solve_after = None, again_at
    if planned.failures >= MOST_FAILURES and await has_plan(db, planned):
        await fall_back(db, planned)
    await db.flush()


def next_plan() -> SelectOfScalar[Any]:
    """When the next round waits for the solver and no worker is at it."""
    free = or_(col(Round.solving_until).is_(None), col(Round.solving_until) < func.clock_timestamp())
    return select(func.min(col(Round.solve_after))).where(*waits(), free)


PLANNING = LongJob("planning", plan_due, next_plan)
