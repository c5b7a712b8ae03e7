"""While a plan is searched for, its progress is seen, the bureau may end it, and a lost worker costs one try."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, update

from models.database import Database
from models.rounds import Plan, Round
from models.sessions import Session
from models.vocabulary import ConsentParty, RoundState
from scheduler import planning, snapshot
from scheduler.callers import Caller
from scheduler.clock import SetClock
from scheduler.leases import FencedOff
from scheduler.planning import LEFT_ALONE, Turn, plan_due, take_turn
from scheduler.proposing import Proposal, begin_consultation
from scheduler.refusals import Refused
from scheduler.round_ends import cancel_round
from scheduler.round_search import stop_search, watched
from scheduler.rounds import MOST_FAILURES
from scheduler.solving import Answer, Hear, Limits, Progress, progress_in, solve
from tests import consulting as scene
from tests.consulting import AM, NOW, Held, Place, answer

pytestmark = pytest.mark.asyncio

HALFWAY = Progress(phase="improving", cost_fen=1200.0, bound_fen=900.0, seconds=1.5)


class Searched:
    """A round that waits for the solver, its bureau, and what the allocator would answer."""

    def __init__(self, place: Place, planned: Round, bureau: Caller, plan: Mapping[str, Any]) -> None:
        self.place, self.planned, self.bureau, self.plan = place, planned, bureau, dict(plan)

    async def search(self, *, hear: Hear, enough: asyncio.Event) -> Answer:
        """A search that has something to tell, and goes on until there is enough."""
        hear(HALFWAY)
        await enough.wait()
        return Answer(self.plan, {})


@pytest_asyncio.fixture
async def searched(database: Database) -> Searched:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        request = await scene.ask_for(db, place, place.firm, 6)
        planned = await scene.make_round(db, place, time_limit_seconds=2.0)
        bureau = await scene.caller_of(db, ConsentParty.BUREAU, place.bureau)
        plan = answer(place, Held(place.yard, AM, {request.id: 6}, place.examiners[:2]))
        return Searched(place, planned, bureau, plan)


async def turn_of(database: Database) -> Turn | None:
    async with database.writing(actor="test", now=NOW) as db:
        return await take_turn(db, now=NOW)


async def the_round(database: Database) -> Round:
    (row,) = await scene.all_of(database, Round)
    assert isinstance(row, Round)
    return row


async def oversleep(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await db.exec(update(Round).values(leased_until=func.clock_timestamp() - timedelta(seconds=1)))


async def end_it(database: Database, searched: Searched, *, keep_best: bool) -> None:
    async with database.writing(actor=searched.bureau.actor, now=NOW) as db:
        await stop_search(db, searched.planned.id, keep_best=keep_best, caller=searched.bureau)


async def until_told(database: Database) -> None:
    async with asyncio.timeout(20):
        while (await the_round(database)).progress is None:  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.05)


async def test_progress_is_written_as_it_goes_and_the_bureau_ends_it_with_the_best_plan_so_far(
    database: Database, searched: Searched
) -> None:
    turn = await turn_of(database)
    assert turn is not None
    searching = asyncio.create_task(watched(database, turn.claim, searched.search))

    await until_told(database)
    told = (await the_round(database)).progress
    await end_it(database, searched, keep_best=True)

    assert told == asdict(HALFWAY)
    assert (await searching).plan == searched.plan


async def test_a_replan_that_is_given_up_goes_back_to_the_plan_before(database: Database, searched: Searched) -> None:
    async with database.reading() as db:
        problem = await snapshot.take(db, searched.planned, now=NOW)
    async with database.writing(actor="test", now=NOW) as db:
        await begin_consultation(db, Proposal(searched.planned.id, 1, problem, searched.plan, {}), now=NOW)
        await db.exec(update(Round).values(state=RoundState.PLANNING, solve_after=NOW))
    turn = await turn_of(database)
    assert turn is not None
    searching = asyncio.create_task(watched(database, turn.claim, searched.search))
    await until_told(database)

    await end_it(database, searched, keep_best=False)

    with pytest.raises(FencedOff):
        await searching
    planned = await the_round(database)
    assert (planned.state, planned.progress, planned.leased_until) == (RoundState.CONSULTING, None, None)
    assert [plan.version for plan in await scene.all_of(database, Plan)] == [1]


async def test_a_first_plan_is_not_given_up_but_kept_or_called_off_with_its_round(
    database: Database, searched: Searched
) -> None:
    with pytest.raises(Refused, match="roundCancel"):
        await end_it(database, searched, keep_best=False)

    planned = await the_round(database)
    assert (planned.state, planned.stop_search) == (RoundState.PLANNING, False)


async def test_a_search_of_a_round_that_is_called_off_ends(database: Database, searched: Searched) -> None:
    turn = await turn_of(database)
    assert turn is not None
    searching = asyncio.create_task(watched(database, turn.claim, searched.search))
    await until_told(database)

    async with database.writing(actor=searched.bureau.actor, now=NOW) as db:
        await cancel_round(db, searched.planned.id, "no halls", caller=searched.bureau, now=NOW)

    with pytest.raises(FencedOff):
        await searching


async def test_a_round_whose_worker_died_is_solved_by_another(database: Database, searched: Searched) -> None:
    assert await turn_of(database) is not None
    assert await plan_due(database, SetClock(NOW)) == 0
    await oversleep(database)

    assert await plan_due(database, SetClock(NOW)) == 1

    planned = await the_round(database)
    assert (planned.id, planned.state, planned.claim) == (searched.planned.id, RoundState.CONSULTING, 2)
    assert [plan.version for plan in await scene.all_of(database, Plan)] == [1]


@pytest.mark.usefixtures("searched")
async def test_a_round_that_ends_every_worker_waits_for_the_bureau(database: Database) -> None:
    for _ in range(MOST_FAILURES):
        assert await turn_of(database) is not None
        await oversleep(database)

    assert await turn_of(database) is None
    planned = await the_round(database)
    assert (planned.state, planned.failures, planned.failure) == (RoundState.PLANNING, MOST_FAILURES, LEFT_ALONE)
    assert await turn_of(database) is None


async def test_a_worker_that_slept_past_its_turn_writes_no_plan(
    database: Database, searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overslept(*_: object, **__: object) -> Answer:
        await oversleep(database)
        assert await turn_of(database) is not None
        return Answer(searched.plan, {})

    monkeypatch.setattr(planning, "solve", overslept)
    await plan_due(database, SetClock(NOW))

    planned = await the_round(database)
    assert (planned.state, planned.claim, planned.leased_until is None) == (RoundState.PLANNING, 2, False)
    assert await scene.all_of(database, Plan) == await scene.all_of(database, Session) == []


async def test_the_allocators_process_tells_of_its_progress_and_ends_early_when_there_is_enough(
    database: Database, searched: Searched
) -> None:
    async with database.reading() as db:
        problem = await snapshot.take(db, searched.planned, now=NOW)
    told: list[Progress] = []
    enough = asyncio.Event()
    enough.set()

    found = await solve(problem, Limits(2.0, 0), hear=told.append)
    early = await solve(problem, Limits(500.0, 0), enough=enough)

    assert told
    assert told[-1].cost_fen == found.plan["objective"]
    assert early.plan["format"] == found.plan["format"]


@pytest.mark.parametrize("line", [b"Traceback\n", b"3\n", b"[]\n", b'{"error": "no problem"}\n', b'{"phase": 1}\n'])
async def test_what_is_no_progress_is_heard_as_last_words(line: bytes) -> None:
    assert progress_in(line) is None


async def test_what_is_not_known_yet_is_empty() -> None:
    line = b'{"phase": "reading", "cost": Infinity, "bound": NaN, "seconds": 0.5}'

    assert progress_in(line) == Progress("reading", None, None, 0.5)
