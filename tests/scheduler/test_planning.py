"""From a problem to a proposal: solved in a process of its own, written once, and never the end of a round."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import col, select

from models.database import Database
from models.demand import Request
from models.places import SiteOffer
from models.rounds import Consent, Plan, Round
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentParty, ConsentState, ObjectionKind, RequestState, RoundState, SessionState
from scheduler import planning, snapshot, solving
from scheduler.clock import SetClock
from scheduler.plan_rows import SnapshotStale
from scheduler.planning import note_failure, plan_due, take_turn
from scheduler.proposing import Proposal, begin_consultation
from scheduler.rounds import MOST_FAILURES
from scheduler.solving import Limits, PlanRejected, SolverFailed, solve
from tests import consulting as scene
from tests import factories as make
from tests.consulting import AM, NOW, Held, Place, answer

pytestmark = pytest.mark.asyncio


@dataclass
class Waiting:
    """A round that waits for the solver, with a request of each of two firms at one office's yard."""

    place: Place
    planned: Round
    ours: Request
    theirs: Request


@pytest_asyncio.fixture
async def waiting(database: Database) -> Waiting:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        ours, theirs = await scene.ask_for(db, place, place.firm, 6), await scene.ask_for(db, place, place.next_firm, 6)
        return Waiting(place, await scene.make_round(db, place, time_limit_seconds=2.0), ours, theirs)


async def proposal_for(database: Database, planned: Round, plan: Mapping[str, Any], *, version: int = 1) -> Proposal:
    async with database.reading() as db:
        problem = await snapshot.take(db, planned, now=NOW)
    return Proposal(planned.id, version, problem, plan, baselines={})


async def begin(database: Database, proposal: Proposal) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await begin_consultation(db, proposal, now=NOW)


async def plan_again(database: Database, planned: Round) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        row = (await db.exec(select(Round).where(col(Round.id) == planned.id))).one()
        row.state, row.solve_after = RoundState.PLANNING, NOW


async def the_round(database: Database, planned: Round) -> Round:
    (row,) = await scene.all_of(database, Round, col(Round.id) == planned.id)
    assert isinstance(row, Round)
    return row


def at_the_yard(waiting: Waiting, seats: Mapping[int, int] | None = None) -> dict[str, Any]:
    everyone = {waiting.ours.id: 6, waiting.theirs.id: 6}
    return answer(waiting.place, Held(waiting.place.yard, AM, seats or everyone, waiting.place.examiners[:2]))


async def test_a_round_is_solved_verified_and_put_to_everyone(database: Database, waiting: Waiting) -> None:
    done = await plan_due(database, SetClock(NOW))

    planned, plans = await the_round(database, waiting.planned), await scene.all_of(database, Plan)
    assert (done, planned.state, planned.failure) == (1, RoundState.CONSULTING, None)
    assert [plan.version for plan in plans] == [1]
    assert {request.state for request in await scene.all_of(database, Request)} == {RequestState.PLANNED}
    assert {consent.party for consent in await scene.all_of(database, Consent)} >= {
        ConsentParty.OFFICE,
        ConsentParty.STAFF,
        ConsentParty.EXAM_BODY,
    }


async def test_a_plan_stands_beside_what_doing_without_would_cost(database: Database, waiting: Waiting) -> None:
    await plan_due(database, SetClock(NOW))

    (plan,) = await scene.all_of(database, Plan)
    centre, offices = plan.baselines["centre"], plan.baselines["offices"]
    assert centre["unplaced_people"] == waiting.ours.people + waiting.theirs.people
    assert offices["unplaced_people"] == 0
    assert plan.cost_fen < centre["cost_fen"]
    assert plan.cost_fen <= offices["cost_fen"]


@pytest.mark.usefixtures("waiting")
async def test_two_workers_at_once_give_one_plan(database: Database) -> None:
    done = await asyncio.gather(*(plan_due(database, SetClock(NOW)) for _ in range(2)))

    assert sorted(done) == [0, 1]
    assert [plan.version for plan in await scene.all_of(database, Plan)] == [1]


async def test_a_plan_that_comes_after_anothers_changes_nothing(database: Database, waiting: Waiting) -> None:
    proposal = await proposal_for(database, waiting.planned, at_the_yard(waiting))

    await asyncio.gather(begin(database, proposal), begin(database, proposal))

    assert len(await scene.all_of(database, Plan)) == len(await scene.all_of(database, Session)) == 1


async def test_a_plan_for_an_outdated_problem_is_not_written(database: Database, waiting: Waiting) -> None:
    proposal = await proposal_for(database, waiting.planned, at_the_yard(waiting))
    async with database.writing(actor="test", now=NOW) as db:
        offers = await db.exec(select(SiteOffer).where(col(SiteOffer.site_id) == waiting.place.yard.id))
        offers.one().places = 8

    with pytest.raises(SnapshotStale, match="sites"):
        await begin(database, proposal)

    assert await scene.all_of(database, Session) == await scene.all_of(database, Plan) == []


async def test_a_request_that_comes_meanwhile_waits_for_the_next_plan(database: Database, waiting: Waiting) -> None:
    proposal = await proposal_for(database, waiting.planned, at_the_yard(waiting))
    async with database.writing(actor="test", now=NOW) as db:
        late = await scene.ask_for(db, waiting.place, waiting.place.far_firm, 3)

    await begin(database, proposal)

    states = {request.id: request.state for request in await scene.all_of(database, Request)}
    assert states == {
        waiting.ours.id: RequestState.PLANNED,
        waiting.theirs.id: RequestState.PLANNED,
        late.id: RequestState.OPEN,
    }


async def test_a_solver_that_dies_is_a_failure_that_the_bureau_sees(
    database: Database, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object, **__: object) -> dict[str, Any]:
        raise SolverFailed("out of memory")

    monkeypatch.setattr(planning, "solve", dies)
    await plan_due(database, SetClock(NOW))

    planned = await the_round(database, waiting.planned)
    assert (planned.state, planned.failures, planned.failure) == (RoundState.PLANNING, 1, "out of memory")
    assert (planned.solve_after, planned.leased_until) == (NOW + planning.PAUSE_AFTER_FAILURE, None)
    assert await scene.all_of(database, Plan) == []


async def test_a_replan_that_fails_for_good_leaves_its_last_plan_in_consultation(
    database: Database, waiting: Waiting
) -> None:
    await begin(database, await proposal_for(database, waiting.planned, at_the_yard(waiting)))
    await plan_again(database, waiting.planned)

    for _ in range(MOST_FAILURES):
        async with database.writing(actor="test", now=NOW) as db:
            turn = await take_turn(db, now=NOW)
            assert turn is not None
            await note_failure(db, turn, "no luck", again_at=NOW)

    planned = await the_round(database, waiting.planned)
    assert (planned.state, planned.failures, planned.failure) == (RoundState.CONSULTING, MOST_FAILURES, "no luck")
    assert [session.state for session in await scene.all_of(database, Session)] == [SessionState.PROPOSED]


async def test_a_first_plan_that_fails_for_good_waits_for_the_bureau(database: Database, waiting: Waiting) -> None:
    for _ in range(MOST_FAILURES):
        async with database.writing(actor="test", now=NOW) as db:
            turn = await take_turn(db, now=NOW)
            assert turn is not None
            await note_failure(db, turn, "no luck", again_at=NOW)

    assert (await the_round(database, waiting.planned)).state is RoundState.PLANNING
    assert await plan_due(database, SetClock(NOW)) == 0


async def test_a_replan_keeps_what_is_agreed_with_its_staff(database: Database, waiting: Waiting) -> None:
    place = waiting.place
    plan = answer(
        place,
        Held(place.yard, AM, {waiting.ours.id: 6}, place.examiners[:2]),
        Held(place.hall, AM, {waiting.theirs.id: 6}, place.examiners[2:]),
    )
    await begin(database, await proposal_for(database, waiting.planned, plan))
    kept, disputed = await scene.all_of(database, Session)
    async with database.writing(actor="test", now=NOW) as db:
        session = (await db.exec(select(Session).where(col(Session.id) == kept.id))).one()
        await make.walked(db, session, [SessionState.AGREED])
        last = select(Consent).where(
            col(Consent.session_id) == disputed.id, col(Consent.jurisdiction_id) == place.town.id
        )
        for consent in (await db.exec(last)).all():
            consent.state = ConsentState.VOID
        await db.flush()
        await scene.objected(db, disputed, ConsentParty.TOWN, place.town, ObjectionKind.NOT_THIS_SITE)
    await plan_again(database, waiting.planned)

    await plan_due(database, SetClock(NOW))

    after = {session.id: session for session in await scene.all_of(database, Session)}
    staff = await scene.all_of(database, SessionStaff, col(SessionStaff.session_id) == kept.id)
    assert after[disputed.id].state is SessionState.DROPPED
    assert [duty.examiner_id for duty in staff] == [examiner.id for examiner in place.examiners[:2]]
    assert [plan.version for plan in await scene.all_of(database, Plan)] == [1, 2]
    assert after[kept.id].state in (SessionState.AGREED, SessionState.PROPOSED)


async def test_an_office_that_gains_people_is_asked_again_and_the_others_are_not(
    database: Database, waiting: Waiting
) -> None:
    first = at_the_yard(waiting, {waiting.ours.id: 6, waiting.theirs.id: 2})
    first["unplaced"] = [{"request": f"request-{waiting.theirs.id}", "people": 4, "reason": "FULL", "detail": {}}]
    await begin(database, await proposal_for(database, waiting.planned, first))
    async with database.writing(actor="test", now=NOW) as db:
        offices = select(Consent).where(col(Consent.party) == ConsentParty.OFFICE)
        for consent in (await db.exec(offices)).all():
            consent.state = ConsentState.AGREED
    await plan_again(database, waiting.planned)

    await begin(database, await proposal_for(database, waiting.planned, at_the_yard(waiting), version=2))

    place = waiting.place
    consents = await scene.all_of(database, Consent, col(Consent.party) == ConsentParty.OFFICE)
    assert [(consent.jurisdiction_id, consent.state) for consent in consents] == [
        (place.office.id, ConsentState.AGREED),
        (place.next_office.id, ConsentState.VOID),
        (place.next_office.id, ConsentState.ASKED),
    ]


async def test_an_exam_without_staff_belongs_to_the_bureaus_first_exam_body(
    database: Database, waiting: Waiting
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        await make.make_exam_body(db, bureau=waiting.place.bureau)
    plan = answer(waiting.place, Held(waiting.place.yard, AM, {waiting.ours.id: 6}, ()))

    await begin(database, await proposal_for(database, waiting.planned, plan))

    assert [session.exam_body_id for session in await scene.all_of(database, Session)] == [waiting.place.body.id]


async def test_a_search_that_starts_from_a_plan_keeps_what_is_good_in_it(database: Database, waiting: Waiting) -> None:
    async with database.reading() as db:
        problem = await snapshot.take(db, waiting.planned, now=NOW)
    first = await solve(problem, Limits(2.0, 0))

    again = await solve(problem, Limits(0.001, 0), start=first.plan)

    assert again.plan["sessions"] == first.plan["sessions"]
    assert again.plan["objective"] == first.plan["objective"]


async def test_an_answer_that_is_no_plan_is_rejected() -> None:
    with pytest.raises(PlanRejected, match="cannot be read"):
        solving.verified({}, b"Killed")
    with pytest.raises(PlanRejected, match="cannot be read"):
        solving.verified({}, b'{"plan": {"sessions": 3}, "baselines": {}}')


async def test_a_solver_that_overruns_and_does_not_listen_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text(f"#!/bin/sh\ntrap '' TERM\necho $$ > {tmp_path}/pid\nwhile :; do sleep 0.1; done\n")
    deaf.chmod(0o755)
    monkeypatch.setattr(solving.sys, "executable", str(deaf))
    monkeypatch.setattr(solving, "SLACK_SECONDS", 0.3)
    monkeypatch.setattr(solving, "GRACE_SECONDS", 0.3)

    with pytest.raises(SolverFailed, match="no plan within"):
        await solve({}, Limits(0.1, 0))

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
