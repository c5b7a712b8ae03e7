"""Publication: what is agreed becomes public, nobody is lost, and a missing consent is named."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlmodel import col, select

from models.bookings import Promise
from models.database import Database
from models.demand import Request
from models.journal import OutboxMessage
from models.places import SiteClosure
from models.rounds import Consent, Plan, Round
from models.sessions import Claim, Session
from models.vocabulary import (
    ConsentParty,
    ConsentState,
    Part,
    PlanState,
    PromiseState,
    RequestState,
    RoundState,
    SessionState,
)
from scheduler.callers import Caller
from scheduler.publication import publish_due, publish_now
from scheduler.publication_diff import diff_of
from scheduler.refusals import Code, Refused
from scheduler.round_ends import cancel_round
from tests import consulting as scene
from tests import factories as make
from tests.consulting import NOW, Place

pytestmark = pytest.mark.asyncio


@dataclass
class Half:
    """A round with an agreed session of five of eight people, and another firm's session that lacks a consent."""

    place: Place
    planned: Round
    agreed: Session
    lacking: Session
    ours: Request
    theirs: Request
    bureau: Caller


@pytest_asyncio.fixture
async def half(database: Database) -> Half:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        ours, theirs = await scene.ask_for(db, place, place.firm, 8), await scene.ask_for(db, place, place.next_firm, 6)
        agreed = await scene.proposed(db, place, planned, place.yard, {ours.id: 6})
        lacking = await scene.proposed(
            db, place, planned, place.hall, {theirs.id: 6}, part=Part.PM, examiners=place.examiners[2:]
        )
        consent = await scene.asked(db, agreed, ConsentParty.OFFICE, place.office)
        consent.state, agreed.state = ConsentState.AGREED, SessionState.AGREED
        await scene.asked(db, lacking, ConsentParty.TOWN, place.town)
        bureau = await scene.caller_of(db, ConsentParty.BUREAU, place.bureau)
        return Half(place, planned, agreed, lacking, ours, theirs, bureau)


async def publish(database: Database, half: Half, *, only_agreed: bool) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await publish_now(db, half.planned.id, only_agreed=only_agreed, caller=half.bureau, now=NOW)


async def states(database: Database) -> dict[int, SessionState]:
    return {session.id: session.state for session in await scene.all_of(database, Session)}


async def test_publishing_without_a_consent_is_refused_and_says_whose_it_is(database: Database, half: Half) -> None:
    with pytest.raises(Refused) as refused:
        await publish(database, half, only_agreed=False)

    (reason,) = refused.value.reasons
    assert reason.code is Code.CONSENT_MISSING
    assert half.place.town.name in reason.message
    assert await states(database) == {half.agreed.id: SessionState.AGREED, half.lacking.id: SessionState.PROPOSED}
    assert await scene.all_of(database, OutboxMessage) == []


async def test_only_what_is_agreed_is_published_and_the_rest_waits_on(database: Database, half: Half) -> None:
    await publish(database, half, only_agreed=True)

    requests = await scene.all_of(database, Request)
    assert await states(database) == {half.agreed.id: SessionState.PUBLISHED, half.lacking.id: SessionState.DROPPED}
    assert [(request.people, request.state) for request in requests] == [
        (6, RequestState.PROMISED),
        (6, RequestState.OPEN),
        (2, RequestState.OPEN),
    ]
    assert [promise.state for promise in await scene.all_of(database, Promise)] == [
        PromiseState.HELD,
        PromiseState.DROPPED,
    ]
    told = {message.recipient for message in await scene.all_of(database, OutboxMessage)}
    examiners = {f"examiner:{examiner.id}" for examiner in half.place.examiners[:2]}
    assert told == {f"enterprise:{half.place.firm.id}", f"jurisdiction:{half.place.office.id}"} | examiners


async def test_a_plan_of_which_nothing_is_agreed_is_not_undone_by_publishing(database: Database, half: Half) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        agreed = (await db.exec(select(Session).where(col(Session.id) == half.agreed.id))).one()
        agreed.state = SessionState.PROPOSED

    with pytest.raises(Refused, match="None of the 2 sessions is agreed") as refused:
        await publish(database, half, only_agreed=True)

    assert [(reason.code, reason.path[-1]) for reason in refused.value.reasons] == [(Code.CONSENT_MISSING, "roundId")]
    assert set((await states(database)).values()) == {SessionState.PROPOSED}


async def test_a_round_that_is_called_off_leaves_its_requests_to_the_next_one(database: Database, half: Half) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await cancel_round(db, half.planned.id, "台风", caller=half.bureau, now=NOW)

    assert set((await states(database)).values()) == {SessionState.DROPPED}
    assert {request.state for request in await scene.all_of(database, Request)} == {RequestState.OPEN}
    assert {promise.state for promise in await scene.all_of(database, Promise)} == {PromiseState.DROPPED}
    assert {consent.state for consent in await scene.all_of(database, Consent)} == {ConsentState.VOID}
    assert await scene.all_of(database, Claim) == []
    with pytest.raises(Refused, match="The round is over"):
        async with database.writing(actor="test", now=NOW) as db:
            await cancel_round(db, half.planned.id, "再次", caller=half.bureau, now=NOW)


async def test_the_diff_says_beforehand_what_publication_does(database: Database, half: Half) -> None:
    async with database.reading() as db:
        diff = await diff_of(db, half.planned.id, caller=half.bureau, now=NOW)

    assert diff is not None
    assert (diff.session_ids, diff.people_told) == ((half.agreed.id,), 6)
    assert [(each.request_id, each.before, each.after, each.people, each.placed) for each in diff.requests] == [
        (half.ours.id, RequestState.PLANNED, RequestState.PROMISED, 8, 6),
        (half.theirs.id, RequestState.PLANNED, RequestState.OPEN, 6, 0),
    ]


async def test_a_replan_under_way_does_not_hold_up_what_is_agreed(database: Database, half: Half) -> None:
    now = half.planned.publish_at
    async with database.writing(actor="test", now=NOW) as db:
        empty = {"problem": {}, "answer": {}, "changes": {}, "baselines": {}}
        own = {"round_id": half.planned.id, "version": 1, "state": PlanState.CURRENT, "made_at": NOW}
        db.add(Plan(**own, **empty, cost_fen=0, bound_fen=0))
        (await db.exec(select(Round).where(col(Round.id) == half.planned.id))).one().state = RoundState.PLANNING

    async with database.writing(actor="job:publications", now=now) as db:
        done = await publish_due(db, now)

    assert done == 1
    assert (await scene.all_of(database, Round))[0].state is RoundState.PUBLISHED
    assert (await states(database))[half.agreed.id] is SessionState.PUBLISHED


async def test_a_round_that_never_had_a_plan_is_over_at_its_time_and_its_requests_stay_open(
    database: Database,
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)
        await scene.ask_for(db, place, place.firm, 6)

    after = planned.publish_at + timedelta(seconds=1)
    async with database.writing(actor="job:publications", now=after) as db:
        await publish_due(db, after)

    assert [row.state for row in await scene.all_of(database, Round)] == [RoundState.CANCELLED]
    assert [request.state for request in await scene.all_of(database, Request)] == [RequestState.OPEN]


async def test_a_session_whose_site_was_closed_after_all_had_agreed_is_not_published(
    database: Database, half: Half
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        day, next_day = half.agreed.day, half.agreed.day + timedelta(days=1)
        closure = {"from_day": day, "before_day": next_day, "reason": "修缮", "recorded_at": NOW}
        await make.written(db, SiteClosure(site_id=half.place.yard.id, **closure))
        seen = await diff_of(db, half.planned.id, caller=half.bureau, now=NOW)

    await publish(database, half, only_agreed=True)

    (ours,) = await scene.all_of(database, Request, col(Request.id) == half.ours.id)
    assert seen is not None
    assert seen.session_ids == ()
    assert (await states(database))[half.agreed.id] is SessionState.DROPPED
    assert (ours.state, ours.round_id) == (RequestState.OPEN, None)
