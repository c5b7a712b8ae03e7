"""A plan becomes a proposal: written under the round's lock, if what it stands on still stands, and put to everyone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Plan, Round
from models.vocabulary import PlanState, RoundState
from scheduler import snapshot
from scheduler.consultation import ask
from scheduler.gains import gained_offices, seats_of_round
from scheduler.plan_changes import changes_between
from scheduler.plan_rows import SnapshotStale, write_sessions
from scheduler.staff_shares import lock_staff_shares


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer of the allocator with the problem it answers, and the version of the round's plan that it will be."""

    round_id: int
    version: int
    problem: Mapping[str, Any]
    answer: Mapping[str, Any]
    baselines: Mapping[str, Any]


async def begin_consultation(db: AsyncSession, proposal: Proposal, *, now: datetime) -> None:
    """
    Write a plan and ask everyone it concerns; a plan that came too late, after another's, changes nothing.

    Raises:
        SnapshotStale: What the plan stands on has changed since its problem was read.
        ProblemError: What stands in the tables now makes no problem.
    """
    planned = await locked_round(db, proposal.round_id)
    earlier = await current_plan(db, planned)
    if planned.state is not RoundState.PLANNING or (earlier and earlier.version >= proposal.version):
        return
    # Nobody grants half-days between this look and the writing of the plan.
    await lock_staff_shares(db, planned.bureau_id)
    refuse_stale(proposal.problem, await snapshot.take(db, planned, now=now))
    before = await seats_of_round(db, planned.id)
    sessions = await write_sessions(db, planned, proposal.answer)
    if earlier is not None:
        earlier.state = PlanState.SUPERSEDED
        await db.flush()
    db.add(plan_of(proposal, earlier, now=now))
    planned.state, planned.leased_until, planned.solve_after = RoundState.CONSULTING, None, None
    planned.failures, planned.failure, planned.replan_wanted, planned.progress = 0, None, False, None
    await db.flush()
    gained = gained_offices(before, await seats_of_round(db, planned.id))
    await ask(db, planned, sessions, gained=gained, now=now)


async def locked_round(db: AsyncSession, round_id: int) -> Round:
    """The round as it stands under its lock."""
    locked = select(Round).where(col(Round.id) == round_id).with_for_update()
    return (await db.exec(locked.execution_options(populate_existing=True))).one()


async def current_plan(db: AsyncSession, planned: Round) -> Plan | None:
    """The plan that is consulted on, locked."""
    current = select(Plan).where(col(Plan.round_id) == planned.id, col(Plan.state) == PlanState.CURRENT)
    return (await db.exec(current.with_for_update())).one_or_none()


def plan_of(proposal: Proposal, earlier: Plan | None, *, now: datetime) -> Plan:
    """The plan's own row."""
    answer = dict(proposal.answer)
    return Plan(
        round_id=proposal.round_id,
        version=proposal.version,
        state=PlanState.CURRENT,
        problem=dict(proposal.problem),
        answer=answer,
        changes=changes_between(earlier.answer if earlier else None, answer),
        baselines=dict(proposal.baselines),
        cost_fen=answer["objective"],
        bound_fen=answer["bound"],
        made_at=now,
    )


def refuse_stale(solved: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """
    Make sure that the plan answers what is asked now; requests that came meanwhile wait for the next plan.

    Raises:
        SnapshotStale: It names what has changed.
    """
    known = {entry["id"] for entry in solved["requests"]}
    now_asked = dict(fresh) | {
        "requests": [entry for entry in fresh["requests"] if entry["id"] in known],
        "barred": [bar for bar in fresh["barred"] if "request" not in bar or bar["request"] in known],
    }
    changed = sorted(name for name in solved if solved[name] != now_asked.get(name))
    if changed:
        message = f"changed while it was solved: {', '.join(changed)}"
        raise SnapshotStale(message)
