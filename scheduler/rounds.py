"""Rounds of allocation: opened with a calendar, planned at their time or on command."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.demand import Request
from models.parties import Enterprise
from models.rounds import Consent, Plan, Round
from models.sessions import Session
from models.vocabulary import ConsentParty, ConsentState, RequestState, Role, RoundState
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.jobs import Job
from scheduler.policy import policy_of
from scheduler.refusals import Code, not_found, refuse
from scheduler.tiers import ids_below
from scheduler.visibility import visible

UNFINISHED = (RoundState.COLLECTING, RoundState.PLANNING, RoundState.CONSULTING)
LONGEST_HORIZON = timedelta(days=200)
FURTHEST = timedelta(days=730)
LONGEST_SEARCH_SECONDS = 600
MOST_FAILURES = 3
MOST_REPLANS = 5


@dataclass(frozen=True, slots=True)
class RoundOrder:
    """The calendar of a new round: which days it plans, and its three deadlines in order."""

    first_day: date
    last_day: date
    collect_until: datetime
    consult_until: datetime
    publish_at: datetime
    seed: int = 0
    time_limit_seconds: float = 10.0


async def open_round(db: AsyncSession, order: RoundOrder, *, caller: Caller, now: datetime) -> Round:
    """
    Begin to collect requests for a round.

    Raises:
        Refused: The calendar is not in order, or another round of the bureau is not finished.
    """
    require(caller, Role.BUREAU)
    bureau_id = caller.jurisdiction_id or 0
    refuse_disorder(order, now=now)
    lead = timedelta(days=(await policy_of(db, bureau_id)).publish_lead_days)
    first = (order.publish_at.astimezone(SHANGHAI) + lead).date()
    if order.first_day < first:
        raise refuse(
            Code.LEAD_TIME,
            f"Plans are public {lead.days} days ahead: the first day is {first} or later.",
            "input",
            "firstDay",
        )
    rounds = await lock_rounds(db, bureau_id)
    if any(earlier.state in UNFINISHED for earlier in rounds):
        message = "A round of your bureau is not finished: publish it first, or call it off (roundCancel)."
        raise refuse(Code.WRONG_STATE, message, "input")
    return await next_round(db, order, rounds, bureau_id=bureau_id)


async def lock_rounds(db: AsyncSession, bureau_id: int) -> Sequence[Round]:
    """All rounds of a bureau, locked: the next one is numbered after them."""
    own = select(Round).where(col(Round.bureau_id) == bureau_id).order_by(col(Round.number)).with_for_update()
    return (await db.exec(own)).all()


async def next_round(db: AsyncSession, order: RoundOrder, rounds: Sequence[Round], *, bureau_id: int) -> Round:
    """A round that collects, numbered after the bureau's locked ones."""
    opened = Round(
        bureau_id=bureau_id,
        number=max((earlier.number for earlier in rounds), default=0) + 1,
        state=RoundState.COLLECTING,
        first_day=order.first_day,
        last_day=order.last_day,
        collect_until=order.collect_until,
        consult_until=order.consult_until,
        publish_at=order.publish_at,
        seed=order.seed,
        time_limit_seconds=order.time_limit_seconds,
    )
    db.add(opened)
    await db.flush()
    return opened


def refuse_disorder(order: RoundOrder, *, now: datetime) -> None:
    """
    Make sure that the calendar runs forward.

    Raises:
        Refused: OUT_OF_RANGE or WINDOW_PAST, naming the first field that does not.
    """
    if order.collect_until <= now:
        raise refuse(Code.WINDOW_PAST, "Collecting would end before now: choose a later time.", "input", "collectUntil")
    if not order.collect_until < order.consult_until < order.publish_at:
        message = "Collecting ends before consulting, and consulting before publication: put them in that order."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "consultUntil")
    if not timedelta() <= order.last_day - order.first_day <= LONGEST_HORIZON:
        message = f"A round plans 1 to {LONGEST_HORIZON.days} days, the last not before the first."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "lastDay")
    if order.last_day > now.astimezone(SHANGHAI).date() + FURTHEST:
        message = f"A round plans the next {FURTHEST.days} days: choose an earlier last day."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "lastDay")
    if not 0 < order.time_limit_seconds <= LONGEST_SEARCH_SECONDS:
        message = f"The search lasts more than 0 and at most {LONGEST_SEARCH_SECONDS} seconds."
        raise refuse(Code.OUT_OF_RANGE, message, "input", "timeLimitSeconds")


async def lock_round(db: AsyncSession, round_id: int, *, caller: Caller) -> Round:
    """
    A round of the caller's bureau, locked.

    Raises:
        Refused: NOT_FOUND, or NOT_ALLOWED for anybody but the bureau.
    """
    require(caller, Role.BUREAU)
    own = visible(Round, caller).where(col(Round.id) == round_id).with_for_update()
    found = (await db.exec(own)).one_or_none()
    if found is None:
        raise not_found("round", "input", "roundId")
    return found


async def plan_now(db: AsyncSession, round_id: int, *, caller: Caller, now: datetime) -> Round:
    """
    Stop collecting and plan; a round that is being planned is left as it is.

    Raises:
        Refused: NOTHING_TO_PLAN, or WRONG_STATE once it is consulted on.
    """
    planned = await lock_round(db, round_id, caller=caller)
    if planned.state is RoundState.PLANNING:
        return planned
    if planned.state is not RoundState.COLLECTING:
        raise refuse(Code.WRONG_STATE, "The round is planned already: ask for a re-plan instead.", "input", "roundId")
    if not await waiting_requests(db, planned):
        message = "No open request falls into the round's days: wait for requests, or choose other days."
        raise refuse(Code.NOTHING_TO_PLAN, message, "input", "roundId")
    begin_planning(planned, now=now)
    await db.flush()
    return planned


async def replan(db: AsyncSession, round_id: int, *, caller: Caller, now: datetime) -> Round:
    """
    Plan a round again that is being consulted on, or whose planning failed: what is agreed stays, objections are kept.

    Raises:
        Refused: WRONG_STATE.
    """
    planned = await lock_round(db, round_id, caller=caller)
    has_failed = planned.state is RoundState.PLANNING and planned.failures > 0
    if planned.state is not RoundState.CONSULTING and not has_failed:
        message = "Only a round in consultation, or one whose planning failed, is planned again."
        raise refuse(Code.WRONG_STATE, message, "input", "roundId")
    begin_planning(planned, now=now)
    await db.flush()
    return planned


def begin_planning(planned: Round, *, now: datetime) -> None:
    """Hand a round to the solver; what went wrong before stays to be read until a plan is found."""
    planned.state = RoundState.PLANNING
    planned.replan_wanted = planned.stop_search = False
    planned.solve_after, planned.failures, planned.progress = now, 0, None


async def has_plan(db: AsyncSession, planned: Round) -> bool:
    """Whether any plan of the round was ever consulted on."""
    return (await db.exec(select(col(Plan.id)).where(col(Plan.round_id) == planned.id).limit(1))).first() is not None


async def fall_back(db: AsyncSession, planned: Round) -> None:
    """Give up planning a round: the plan before it is consulted on again; without one, the round is over."""
    planned.state = RoundState.CONSULTING if await has_plan(db, planned) else RoundState.CANCELLED
    planned.leased_until = planned.solve_after = planned.progress = None
    await db.flush()


async def waiting_requests(db: AsyncSession, planned: Round) -> int:
    """How many open requests of the bureau meet the round's days."""
    asked = (
        select(func.count(col(Request.id)))
        .join(Enterprise, col(Enterprise.id) == col(Request.enterprise_id))
        .where(
            col(Enterprise.office_id).in_(ids_below(planned.bureau_id)),
            col(Request.state) == RequestState.OPEN,
            col(Request.earliest_day) <= planned.last_day,
            col(Request.latest_day) >= planned.first_day,
        )
    )
    return (await db.exec(asked)).one()


async def close_collecting(db: AsyncSession, now: datetime) -> int:
    """Plan the rounds whose time of collecting is over; one with nothing to plan is cancelled."""
    over = select(Round).where(col(Round.state) == RoundState.COLLECTING, col(Round.collect_until) <= now)
    rounds = (await db.exec(over.order_by(col(Round.id)).limit(1).with_for_update(skip_locked=True))).all()
    for planned in rounds:
        if await waiting_requests(db, planned):
            begin_planning(planned, now=now)
        else:
            planned.state = RoundState.CANCELLED
    await db.flush()
    return len(rounds)


def next_closing() -> SelectOfScalar[Any]:
    """When the next round stops collecting."""
    return select(func.min(col(Round.collect_until))).where(col(Round.state) == RoundState.COLLECTING)


async def wanted_replans(db: AsyncSession, now: datetime) -> int:
    """Plan rounds again in which nobody is left to answer and somebody objects, or whose ground has changed."""
    ripe = may_replan().where(ripe_at() <= now, col(Round.publish_at) > now).order_by(col(Round.id)).limit(1)
    rounds = (await db.exec(ripe.with_for_update(skip_locked=True))).all()
    for planned in rounds:
        begin_planning(planned, now=now)
    await db.flush()
    return len(rounds)


def may_replan() -> SelectOfScalar[Round]:
    """
    Rounds in consultation that the clock may plan again: objected to or wished for, some times at most.

    Where the last attempts failed, only the bureau tries again. An office or a town that is asked is never waited for
    here: it answers, or the next tier up is asked in its place.
    """
    objected = asked_in(ConsentState.OBJECTED).exists()
    lower = asked_in(ConsentState.ASKED).where(col(Consent.party).in_((ConsentParty.OFFICE, ConsentParty.TOWN)))
    plans = select(func.count(col(Plan.id))).where(col(Plan.round_id) == col(Round.id)).correlate(Round)
    return select(Round).where(
        col(Round.state) == RoundState.CONSULTING,
        col(Round.replan_wanted) | (objected & ~lower.exists()),
        col(Round.failures) < MOST_FAILURES,
        plans.scalar_subquery() <= MOST_REPLANS,
        ripe_at() < col(Round.publish_at),
    )


def asked_in(state: ConsentState) -> SelectOfScalar[Any]:
    """The consents of a round in a state, as a part of a statement about rounds."""
    consents = select(col(Consent.id)).join(Session, col(Session.id) == col(Consent.session_id))
    return consents.where(col(Session.round_id) == col(Round.id), col(Consent.state) == state).correlate(Round)


def ripe_at() -> ColumnElement[datetime]:
    """When nobody is left whose answer is waited for: at once where the ground has changed or all have answered."""
    last = asked_in(ConsentState.ASKED).with_only_columns(func.max(col(Consent.due_at))).scalar_subquery()
    at_once = col(Round.collect_until)
    return case((col(Round.replan_wanted), at_once), else_=func.coalesce(last, at_once))


def next_replan() -> SelectOfScalar[Any]:
    """When the next round is ripe."""
    return select(func.min(ripe_at())).where(col(Round.id).in_(may_replan().with_only_columns(col(Round.id))))


CLOSING = Job("round closings", close_collecting, next_closing)
REPLANS = Job("round re-plans", wanted_replans, next_replan)
