"""The ground changes in the very moment in which a plan is written: neither is lost on the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.database import Database
from models.demand import Request
from models.parties import ExaminerLeave
from models.rounds import Plan, Round
from models.sessions import Session
from models.vocabulary import Part, PromiseState, RequestState, Role, RoundState
from scheduler import snapshot
from scheduler.calendar import Block
from scheduler.leave import LeaveOrder, set_leave
from scheduler.plan_rows import SnapshotStale
from scheduler.proposing import Proposal, begin_consultation
from scheduler.refusals import Code, Refused
from scheduler.request_changes import withdraw_request
from scheduler.sites import ClosureOrder, close_site
from tests import consulting as scene
from tests import factories as make
from tests.consulting import AM, DAY, NOW, Held, Place, all_of, answer

pytestmark = pytest.mark.asyncio

Act = Callable[[AsyncSession], Awaitable[object]]
PATIENCE = timedelta(seconds=20)


@dataclass
class Written:
    """A plan for two firms' requests at one yard that is about to be written."""

    database: Database
    place: Place
    planned: Round
    ours: Request
    theirs: Request

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        async with self.database.writing(actor="test", now=NOW) as db:
            yield db

    async def proposal(self) -> Proposal:
        everyone = {self.ours.id: 6, self.theirs.id: 6}
        plan = answer(self.place, Held(self.place.yard, AM, everyone, self.place.examiners[:2]))
        async with self.database.reading() as db:
            row = (await db.exec(select(Round).where(col(Round.id) == self.planned.id))).one()
            return Proposal(row.id, 1, await snapshot.take(db, row, now=NOW), plan, baselines={})

    async def the_round(self) -> Round:
        (row,) = await all_of(self.database, Round)
        assert isinstance(row, Round)
        return row


@pytest_asyncio.fixture
async def at(database: Database) -> Written:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        ours, theirs = await scene.ask_for(db, place, place.firm, 6), await scene.ask_for(db, place, place.next_firm, 6)
        return Written(database, place, await scene.make_round(db, place), ours, theirs)


async def one_waits(database: Database) -> None:
    """Until a connection waits for another's lock."""
    async with asyncio.timeout(PATIENCE.total_seconds()), database.engine.connect() as connection:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not (await connection.execute(waiting)).scalar_one():
            await connection.execute(text("SELECT pg_sleep(0.01)"))


async def second(at: Written, first: Act, then: Act) -> Any:
    """What comes of the second act, which begins before the first is committed and waits for it."""

    async def acted() -> Any:
        async with at.writing() as db:
            return await then(db)

    async with at.writing() as db:
        await first(db)
        later = asyncio.create_task(acted())
        await one_waits(at.database)
    (done,) = await asyncio.gather(later, return_exceptions=True)
    return done


async def closing(at: Written) -> Act:
    order = ClosureOrder(at.place.yard.id, DAY, DAY + timedelta(days=1), reason="屋顶漏水")
    async with at.writing() as db:
        caller = await make.make_caller(db, role=Role.BUREAU, party=at.place.bureau)
    return lambda db: close_site(db, order, caller=caller, now=NOW)


async def leaving(at: Written) -> Act:
    examiner = at.place.examiners[0]
    order = LeaveOrder(examiner.id, (Block(DAY, Part.AM),))
    async with at.writing() as db:
        caller = await make.make_caller(db, role=Role.EXAMINER, party=examiner)
    return lambda db: set_leave(db, order, caller=caller, now=NOW)


async def withdrawing(at: Written) -> Act:
    async with at.writing() as db:
        caller = await make.make_caller(db, role=Role.ENTERPRISE, party=at.place.firm)
    return lambda db: withdraw_request(db, at.ours.id, caller=caller, now=make.NOW)


async def planning(at: Written) -> Act:
    proposal = await at.proposal()
    return lambda db: begin_consultation(db, proposal, now=NOW)


async def test_a_site_that_closes_while_a_plan_for_it_is_written_lets_the_round_be_planned_again(at: Written) -> None:
    done = await second(at, await planning(at), await closing(at))

    planned = await at.the_round()
    assert not isinstance(done, BaseException)
    assert (planned.state, planned.replan_wanted) == (RoundState.CONSULTING, True)


async def test_an_examiner_who_is_put_on_duty_meanwhile_cannot_leave(at: Written) -> None:
    done = await second(at, await planning(at), await leaving(at))

    assert isinstance(done, Refused)
    assert [reason.code for reason in done.reasons] == [Code.OVERLAPS]
    assert await all_of(at.database, ExaminerLeave) == []
    assert not (await at.the_round()).replan_wanted


async def test_a_request_that_is_planned_while_it_is_withdrawn_leaves_no_places_set_aside(at: Written) -> None:
    done = await second(at, await planning(at), await withdrawing(at))

    ours = [promise for promise in await all_of(at.database, Promise) if promise.request_id == at.ours.id]
    (session,) = await all_of(at.database, Session)
    assert isinstance(done, Request)
    assert done.state is RequestState.WITHDRAWN
    assert [promise.state for promise in ours] == [PromiseState.DROPPED]
    assert session.promised == 6
    assert (await at.the_round()).replan_wanted


@pytest.mark.parametrize(("change", "changed"), [(closing, "sites"), (leaving, "staff"), (withdrawing, "requests")])
async def test_a_plan_is_not_written_over_a_change_that_came_first(
    at: Written, change: Callable[[Written], Awaitable[Act]], changed: str
) -> None:
    done = await second(at, await change(at), await planning(at))

    assert isinstance(done, SnapshotStale)
    assert changed in str(done)
    assert await all_of(at.database, Session) == await all_of(at.database, Plan) == []
    assert (await at.the_round()).state is RoundState.PLANNING
