"""When a round is planned again, by the clock and by the bureau, and when it no longer is."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.database import Database
from models.rounds import Plan, Round
from models.vocabulary import ConsentParty, ObjectionKind, PlanState, RoundState
from scheduler.callers import Caller
from scheduler.refusals import Code, Refused
from scheduler.rounds import MOST_FAILURES, MOST_REPLANS, next_replan, replan, wanted_replans
from tests import consulting as scene
from tests.consulting import NOW, Place

pytestmark = pytest.mark.asyncio

DUE = NOW + timedelta(days=3)


async def objected_round(database: Database, **given: Any) -> tuple[Place, Round]:
    """A round in which the office objects and an examiner is silent until DUE."""
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING, **given)
        request = await scene.ask_for(db, place, place.firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})
        await scene.objected(db, session, ConsentParty.OFFICE, place.office, ObjectionKind.NOT_THIS_SITE)
        await scene.asked(db, session, ConsentParty.STAFF, place.examiners[0], due_at=DUE)
        return place, planned


async def due_next(database: Database) -> datetime | None:
    async with database.reading() as db:
        found: datetime | None = (await db.exec(next_replan())).one()
        return found


async def replans_at(database: Database, now: datetime) -> int:
    async with database.writing(actor="test", now=now) as db:
        return await wanted_replans(db, now)


async def state_of(database: Database) -> RoundState:
    (planned,) = await scene.all_of(database, Round)
    state: RoundState = planned.state
    return state


async def test_a_round_with_an_objection_is_ripe_when_the_last_silent_partys_time_is_over(database: Database) -> None:
    await objected_round(database)

    assert await due_next(database) == DUE
    assert await replans_at(database, DUE - timedelta(seconds=1)) == 0
    assert await replans_at(database, DUE) == 1
    assert await state_of(database) is RoundState.PLANNING


async def test_the_clock_waits_for_an_office_that_has_not_answered(database: Database) -> None:
    place, _ = await objected_round(database)
    async with database.writing(actor="test", now=NOW) as db:
        session = (await scene.all_of(database, scene.Session))[0]
        await scene.asked(db, session, ConsentParty.OFFICE, place.next_office, due_at=NOW)

    assert await due_next(database) is None
    assert await replans_at(database, DUE) == 0


@pytest.mark.parametrize(
    "change", [{"failures": MOST_FAILURES}, {"publish_at": DUE, "consult_until": DUE - timedelta(days=1) / 2}]
)
async def test_the_clock_does_not_plan_again_what_failed_or_what_is_to_be_published(
    database: Database, change: dict[str, Any]
) -> None:
    deadlines = {"collect_until": NOW + timedelta(days=1)}
    await objected_round(database, **(deadlines | change))

    assert await due_next(database) is None
    assert await replans_at(database, DUE) == 0


async def test_the_clock_plans_a_round_again_five_times_at_most(database: Database) -> None:
    _, planned = await objected_round(database)
    async with database.writing(actor="test", now=NOW) as db:
        empty: dict[str, Any] = {"problem": {}, "answer": {}, "changes": {}, "baselines": {}}
        for version in range(1, MOST_REPLANS + 2):
            own = {"round_id": planned.id, "version": version, "state": PlanState.CURRENT, "made_at": NOW}
            plan = Plan(**own, **empty, cost_fen=0, bound_fen=0)
            db.add(plan)
            await db.flush()
            plan.state = PlanState.SUPERSEDED
            await db.flush()

    assert await due_next(database) is None
    assert await replans_at(database, DUE) == 0


async def bureau_of(database: Database, place: Place) -> Caller:
    async with database.writing(actor="test", now=NOW) as db:
        return await scene.caller_of(db, ConsentParty.BUREAU, place.bureau)


async def test_the_bureau_has_a_failed_round_planned_again_and_still_sees_what_went_wrong(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)
        planned.failures, planned.failure = MOST_FAILURES, "no luck"
    bureau = await bureau_of(database, place)

    async with database.writing(actor="test", now=DUE) as db:
        await replan(db, planned.id, caller=bureau, now=DUE)

    (row,) = await scene.all_of(database, Round)
    assert (row.state, row.failures, row.failure, row.solve_after) == (RoundState.PLANNING, 0, "no luck", DUE)


async def test_a_round_that_is_being_planned_is_not_planned_again(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)
    bureau = await bureau_of(database, place)

    with pytest.raises(Refused) as refused:
        async with database.writing(actor="test", now=DUE) as db:
            await replan(db, planned.id, caller=bureau, now=DUE)

    assert [reason.code for reason in refused.value.reasons] == [Code.WRONG_STATE]
    assert (await scene.all_of(database, Round))[0].solve_after == NOW
