"""
A season of a hundred firms in fast time, with three workers and people who are late, object, withdraw and stay away.

Nothing is lost: every request is served, queued for the next round or refused with a reason, nothing that was due is
left undone, and the auditor finds nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlmodel import col, select

from api.app import application
from api.demo.asking import firms_ask
from api.demo.attending import days_pass
from api.demo.certifying import bureau_issues, firms_take_retakes
from api.demo.consulting import agrees, asked_logins, exam_body_answers, objects
from api.demo.documents import HELD_PROMISES, MY_CONSENTS, OPEN_REQUESTS, ROUND_OPEN
from api.demo.naming import firms_change_their_minds, latecomers_book, name_people
from api.demo.people import Crowd
from api.demo.round_calendar import calendar_from
from api.demo.stage import Stage
from api.graphql.context import Service
from models.database import Database, Pool
from models.demand import Request
from models.journal import OutboxMessage
from models.rounds import Round
from models.vocabulary import RequestState, RoundState
from scheduler.audit.auditor import verdicts
from scheduler.clock import SetClock
from scheduler.district.identities import documents
from scheduler.due import all_jobs
from scheduler.places_taken import RELEASED
from scheduler.request_changes import LAPSED
from scheduler.seeding.accounts import logins_of
from scheduler.seeding.loading import load
from scheduler.seeding.recipe import Recipe
from scheduler.settings import Settings
from scheduler.worker import JobStuck, Worker
from tests import factories as make

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

BEGINS = datetime(2027, 1, 11, 1, tzinfo=UTC)
PASSWORD = "jia-men-kou"  # noqa: S105 - of invented people
FIRMS, NODES, SEED = 100, 3, 11
WITHDRAWN, ANSWERS_A_LOOK, OBJECTS, NAMES = 0.06, 0.5, 0.15, 0.85
LOOK = timedelta(days=2)
WITHDRAW = """
mutation Withdraw($input: RequestInput!) {
  requestWithdraw(input: $input) { request { state } userErrors { code message path } }
}
"""


@dataclass(frozen=True)
class Team:
    """Several nodes that look after the same rows, all at once."""

    nodes: Sequence[Worker]
    clock: SetClock

    async def next_due(self) -> datetime | None:
        """The earliest moment at which any job has something to do."""
        return await self.nodes[0].next_due()

    async def run_due(self) -> int:
        """Let all nodes run what is due until nothing is; a node that finds another at work has nothing to do."""
        total = 0
        while (due := await self.next_due()) is not None and due <= self.clock():
            outcomes = await asyncio.gather(*(node.run_due() for node in self.nodes), return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException) and not isinstance(outcome, JobStuck):
                    raise outcome
            done = sum(outcome for outcome in outcomes if isinstance(outcome, int))
            assert done, f"due since {due}, and none of the nodes does anything"
            total += done
        return total


@asynccontextmanager
async def staged(database: Database, url: str, home: Path) -> AsyncIterator[Stage]:
    """The demo's district with three nodes and a clock that is set by hand."""
    clock, recipe = SetClock(BEGINS), Recipe.prepared_from(BEGINS.date(), seed=SEED)
    async with database.writing(actor="operator:test", now=BEGINS) as db:
        await load(db, recipe, sealer=make.SEALER, password=PASSWORD, now=BEGINS)
    district = recipe.district()
    known = {worker.document.number for worker in district.workers}
    settings = Settings(home=home)
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(NODES):
            own = Database(url, pool=Pool(size=4, wait_seconds=60))
            stack.push_async_callback(own.close)
            nodes.append(
                await stack.enter_async_context(Worker(own, clock, all_jobs(settings, make.SEALER), pace=None))
            )
        crowd = Crowd(application(Service(database=database, clock=clock, sealer=make.SEALER)), password=PASSWORD)
        stack.push_async_callback(crowd.go_home)
        yield Stage(
            crowd=crowd,
            district=district,
            logins=logins_of(district),
            clock=clock,
            worker=Team(nodes, clock),
            chance=Random(SEED),
            tell=lambda _: None,
            watch=lambda _: None,
            papers=documents(Random(SEED), on=BEGINS.date(), given=known),
        )


async def some_withdraw(stage: Stage) -> None:
    """Firms that need no places after all; one that was promised some is told what stands against it."""
    logins = stage.logins.enterprises
    waiting = [each async for each in stage.bureau.pages(OPEN_REQUESTS)]
    for request in waiting:
        if stage.chance.random() < WITHDRAWN:
            clerk = stage.crowd(logins[request["enterprise"]["creditCode"]])
            await clerk.act(WITHDRAW, requestId=request["id"])
            stage.ledger.counts["requests withdrawn"] += 1


async def some_answer(stage: Stage) -> None:
    """Half of those who are asked answer now, some object; the others are late, or too late."""
    for login in await asked_logins(stage):
        if stage.chance.random() < ANSWERS_A_LOOK:
            person = stage.crowd(login)
            asked = [consent async for consent in person.pages(MY_CONSENTS)]
            if asked and stage.chance.random() < OBJECTS:
                await objects(stage, person, asked.pop(0))
            await agrees(person, asked)


async def some_name_people(stage: Stage) -> None:
    """Most firms name the people of their promises; some let them lapse."""
    for code in sorted(stage.asking_firms):
        if stage.chance.random() < NAMES:
            clerk = stage.crowd(stage.logins.enterprises[code])
            for promise in [each async for each in clerk.pages(HELD_PROMISES)]:
                await name_people(stage, clerk, code, promise)


async def live_until(stage: Stage, moment: datetime) -> None:
    """Days pass: people come or don't, marks arrive, certificates are issued, retakes are accepted or booked."""
    while stage.clock() < moment:
        await stage.wait_until(min(moment, stage.clock() + LOOK))
        await days_pass(stage)
        await bureau_issues(stage)
        await firms_take_retakes(stage)


async def play_round(stage: Stage) -> None:
    """One round, with all its lateness and changes of mind."""
    wishes = [datetime.fromisoformat(each["earliestDay"]) async for each in stage.bureau.pages(OPEN_REQUESTS)]
    calendar = calendar_from(stage.clock(), min(wishes).date())
    await stage.bureau.act(ROUND_OPEN, **calendar, seed=1, timeLimitSeconds=4.0)
    await some_withdraw(stage)
    await live_until(stage, datetime.fromisoformat(calendar["collectUntil"]))
    while stage.clock() < datetime.fromisoformat(calendar["consultUntil"]):
        await some_answer(stage)
        await exam_body_answers(stage)
        await live_until(stage, stage.clock() + LOOK)
    await live_until(stage, datetime.fromisoformat(calendar["publishAt"]))
    await some_name_people(stage)
    await firms_change_their_minds(stage)
    await latecomers_book(stage)


async def test_a_season_of_human_behaviour_loses_nobody(database: Database, database_url: str, tmp_path: Path) -> None:
    async with staged(database, database_url, tmp_path) as stage:
        silent = {firm.credit_code for firm in stage.district.enterprises[FIRMS:]}
        await firms_ask(stage, silent=silent)
        await play_round(stage)
        await live_until(stage, stage.clock() + timedelta(days=21))
        await play_round(stage)
        await live_until(stage, stage.clock() + timedelta(days=120))

        due = await stage.worker.next_due()
        assert due is None or due > stage.clock()
    async with database.reading() as db:
        asked = (await db.exec(select(Request).order_by(col(Request.id)))).all()
        rounds = (await db.exec(select(Round).order_by(col(Round.number)))).all()
        about = col(OutboxMessage.subject).in_((LAPSED, RELEASED))
        told = {
            int(who.split(":")[1]) for who in (await db.exec(select(col(OutboxMessage.recipient)).where(about))).all()
        }
        broken = [each.sentence for each in await verdicts(db) if not each.holds]
    assert [each.state for each in rounds] == [RoundState.PUBLISHED, RoundState.PUBLISHED]
    ends = {request.id: request.state for request in asked}
    assert not set(ends.values()) & {RequestState.PLANNED, RequestState.PROMISED}  # their sessions are all over
    assert {RequestState.SETTLED, RequestState.WITHDRAWN, RequestState.LAPSED} <= set(ends.values())
    firms = {request.enterprise_id for request in asked if request.state is RequestState.LAPSED}
    assert firms <= told  # nobody's request ends in silence
    assert broken == []
