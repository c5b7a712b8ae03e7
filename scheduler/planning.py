"""The solving of a round: claimed in one short transaction, solved in none, written in a third."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.database import Database
from models.rounds import Plan, Round
from models.vocabulary import PlanState, RoundState
from scheduler import snapshot
from scheduler.clock import Clock
from scheduler.consultation import ask
from scheduler.jobs import LongJob
from scheduler.plan_changes import changes_between
from scheduler.plan_rows import SnapshotStale, write_sessions
from scheduler.solving import Limits, PlanRejected, SolverFailed, solve

ACTOR = "job:planning"
MOST_FAILURES = 3
PAUSE_AFTER_FAILURE = timedelta(minutes=5)
GRACE = timedelta(seconds=60)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's turn at a round: what to solve, and the version that the answer will be."""

    round_id: int
    version: int
    problem: dict[str, Any]
    limits: Limits


async def plan_due(database: Database, clock: Clock) -> int:
    """Solve one round that waits for it, and begin its consultation; 0 if none waits or it failed."""
    async with database.writing(actor=ACTOR, now=clock()) as db:
        turn = await take_turn(db, now=clock())
    if turn is None:
        return 0
    try:
        answer = await solve(turn.problem, turn.limits)
        async with database.writing(actor=ACTOR, now=clock()) as db:
            await begin_consultation(db, turn, answer, now=clock())
    except SnapshotStale as stale:
        log.info("plan_stale", round=turn.round_id, because=str(stale))
        async with database.writing(actor=ACTOR, now=clock()) as db:
            await give_turn_back(db, turn, now=clock())
    except (SolverFailed, PlanRejected) as failure:
        log.warning("plan_failed", round=turn.round_id, because=str(failure))
        async with database.writing(actor=ACTOR, now=clock()) as db:
            await note_failure(db, turn, str(failure), now=clock())
    return 1


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
    problem = await snapshot.take(db, planned)
    return Turn(planned.id, version + 1, problem, Limits(planned.time_limit_seconds, planned.seed))


def waits() -> tuple[Any, ...]:
    """The conditions on a round that is to be solved."""
    return col(Round.state) == RoundState.PLANNING, col(Round.failures) < MOST_FAILURES


async def begin_consultation(db: AsyncSession, turn: Turn, answer: Mapping[str, Any], *, now: datetime) -> None:
    """Write a plan and ask everyone it concerns; a plan that came too late, after another's, changes nothing."""
    planned = await lock_round(db, turn)
    earlier = (
        await db.exec(
            select(Plan).where(col(Plan.round_id) == planned.id, col(Plan.state) == PlanState.CURRENT).with_for_update()
        )
    ).one_or_none()
    if planned.state is not RoundState.PLANNING or (earlier and earlier.version >= turn.version):
        return
    sessions = await write_sessions(db, planned, answer)
    if earlier is not None:
        earlier.state = PlanState.SUPERSEDED
        await db.flush()
    db.add(
        Plan(
            round_id=planned.id,
            version=turn.version,
            state=PlanState.CURRENT,
            problem=turn.problem,
            answer=dict(answer),
            changes=changes_between(earlier.answer if earlier else None, answer),
            baselines={},
            cost_fen=answer["objective"],
            bound_fen=answer["bound"],
            made_at=now,
        )
    )
    planned.state, planned.solving_until, planned.solve_after = RoundState.CONSULTING, None, None
    await db.flush()
    await ask(db, planned, sessions, now=now)


async def lock_round(db: AsyncSession, turn: Turn) -> Round:
    """The round as it stands under its lock."""
    locked = select(Round).where(col(Round.id) == turn.round_id).with_for_update()
    return (await db.exec(locked.execution_options(populate_existing=True))).one()


async def give_turn_back(db: AsyncSession, turn: Turn, *, now: datetime) -> None:
    """Let the round be solved again at once, from what stands now."""
    planned = await lock_round(db, turn)
    planned.solving_until, planned.solve_after = None, now
    await db.flush()


async def note_failure(db: AsyncSession, turn: Turn, failure: str, *, now: datetime) -> None:
    """Keep what went wrong where the bureau sees it, and try again later, three times at most."""
    planned = await lock_round(db, turn)
    planned.failures += 1
    planned.failure = failure[:500]
    planned.solving_until, planned.solve_after = None, now + PAUSE_AFTER_FAILURE * planned.failures
    await db.flush()


def next_plan() -> SelectOfScalar[Any]:
    """When the next round waits for the solver and no worker is at it."""
    free = or_(col(Round.solving_until).is_(None), col(Round.solving_until) < func.clock_timestamp())
    return select(func.min(col(Round.solve_after))).where(*waits(), free)


PLANNING = LongJob("planning", plan_due, next_plan)
