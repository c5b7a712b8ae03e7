"""What a round's problem holds: half-days by who opted in, objections as constraints, and sessions kept whole."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import ExamRule, ItemRule
from models.database import Database
from models.parties import ExaminerSkill
from models.places import CalendarOverride, SiteClosure
from models.rounds import Round
from models.vocabulary import ConsentParty, ObjectionKind, Part, RequestState, RoundState
from scheduler import snapshot
from scheduler.allocation.problem import Problem
from scheduler.problem_keys import key_in_problem as key
from tests import consulting as scene
from tests import factories as make
from tests.consulting import AM, DAY, NOW, Place

pytestmark = pytest.mark.asyncio

SATURDAY = date(2026, 4, 18)


async def problem_of(db: AsyncSession, planned: Round) -> dict[str, Any]:
    """The problem, which the allocator takes as it is."""
    document = await snapshot.take(db, planned, now=NOW)
    Problem.from_json(document)
    return document


def of(place: Place, site: Any) -> dict[str, str]:
    return {"site": key("site", site.id), "item": key("exam", place.item.theory.id)}


async def test_a_make_up_saturday_is_a_workday_and_a_free_one_needs_the_site_and_the_exam_body(
    database: Database,
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)

        before = await problem_of(db, planned)
        db.add(CalendarOverride(bureau_id=place.bureau.id, day=SATURDAY, is_workday=True, reason="make-up day"))
        await db.flush()
        after = await problem_of(db, planned)

    saturday = f"{SATURDAY}-am"
    assert saturday not in [block["id"] for block in before["blocks"]]
    assert all(saturday in site["blocks"] for site in after["sites"])
    assert all(saturday in person["blocks"] for person in after["staff"])


async def test_an_exam_that_no_site_offers_any_more_is_none_of_the_examiners(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)
        elsewhere = await make.make_item(db)
        for examiner in place.examiners:
            await make.written(db, ExaminerSkill(examiner_id=examiner.id, exam_id=elsewhere.theory.id))

        document = await problem_of(db, planned)

    assert {item["id"] for item in document["items"]} == {key("exam", place.item.theory.id)}
    assert all(person["items"] == [key("exam", place.item.theory.id)] for person in document["staff"])


async def test_a_plan_keeps_the_strictest_rule_of_its_days(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place)
        own = place.item.rule.model_dump(exclude={"id", "in_force_from", "bureau_id"})
        later = await make.written(
            db, ItemRule(**own, bureau_id=place.bureau.id, in_force_from=DAY + timedelta(days=2))
        )
        numbers = place.item.theory_rule.model_dump(exclude={"id", "rule_id"}) | {"staff": 3, "least_people": 4}
        await make.written(db, ExamRule(rule_id=later.id, **numbers))

        (entry, *_) = (await problem_of(db, planned))["items"]

    assert (entry["staff"], entry["min_class"]) == (3, place.item.theory_rule.least_people)


async def test_examiners_serve_evenings_only_if_their_own_exam_body_opted_in(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        late = await make.make_exam_body(db, bureau=place.bureau, opts_into_evenings=True)
        owl = await make.make_examiner(db, exam_body=late, skills=[place.item.theory])
        planned = await scene.make_round(db, place)

        document = await problem_of(db, planned)

    evening = f"{DAY}-eve"
    assert [person["id"] for person in document["staff"] if evening in person["blocks"]] == [key("examiner", owl.id)]
    assert not any(evening in site["blocks"] for site in document["sites"])


@pytest.mark.parametrize("kind", [ObjectionKind.NOT_THIS_SITE, ObjectionKind.NOT_THIS_BLOCK])
async def test_an_office_elsewhere_speaks_for_its_own_firms_and_the_sites_own_office_for_all(
    database: Database, kind: ObjectionKind
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        ours = await scene.ask_for(db, place, place.firm, 6)
        theirs = await scene.ask_for(db, place, place.next_firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {ours.id: 6, theirs.id: 6})

        await scene.objected(db, session, ConsentParty.OFFICE, place.next_office, kind)
        elsewhere = (await problem_of(db, planned))["barred"]
        await scene.objected(db, session, ConsentParty.OFFICE, place.office, kind)
        own = (await problem_of(db, planned))["barred"]

    spot = of(place, place.yard)
    bar = spot if kind is ObjectionKind.NOT_THIS_SITE else {"site": spot["site"], "block": AM}
    assert elsewhere == [bar | {"request": key("request", theirs.id)}]
    assert own == [bar | {"request": key("request", theirs.id)}, bar]


async def test_an_examiners_no_is_about_the_session_and_a_hosts_about_the_examiner(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})
        first, second = place.examiners[:2]
        kind = ObjectionKind.NOT_THESE_STAFF

        await scene.objected(db, session, ConsentParty.STAFF, first, kind, examiner_id=first.id)
        await scene.objected(db, session, ConsentParty.HOST, place.firm, kind, examiner_id=second.id)
        barred = (await problem_of(db, planned))["barred"]

    spot = of(place, place.yard)
    assert barred == [
        spot | {"staff": key("examiner", first.id), "block": AM},
        spot | {"staff": key("examiner", second.id)},
    ]


async def test_least_people_and_keeping_together_become_bounds(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 8)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})

        await scene.objected(db, session, ConsentParty.EXAM_BODY, place.body, ObjectionKind.AT_LEAST_PEOPLE, people=8)
        await scene.objected(
            db, session, ConsentParty.OFFICE, place.office, ObjectionKind.KEEP_TOGETHER, request_id=request.id
        )
        document = await problem_of(db, planned)

    assert document["min_people"] == [of(place, place.yard) | {"block": AM, "people": 8}]
    assert [(entry["id"], entry["together"]) for entry in document["requests"]] == [(key("request", request.id), True)]


async def test_an_objection_about_what_is_gone_is_left_out(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})
        party, least = ConsentParty.EXAM_BODY, ObjectionKind.AT_LEAST_PEOPLE
        await scene.objected(db, session, ConsentParty.OFFICE, place.office, ObjectionKind.NOT_THIS_SITE)
        await scene.objected(db, session, party, place.body, least, people=8)
        whole_round = {"from_day": date(2026, 4, 1), "before_day": date(2026, 5, 1), "reason": "flood"}
        db.add(SiteClosure(site_id=place.yard.id, recorded_at=NOW, **whole_round))
        await db.flush()

        document = await problem_of(db, planned)

    assert [site["id"] for site in document["sites"]] == [key("site", place.hall.id)]
    assert (document["barred"], document["min_people"], document["pinned_sessions"]) == ([], [], [])


async def test_a_session_without_objection_keeps_its_people_and_its_staff(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        ours = await scene.ask_for(db, place, place.firm, 6)
        theirs = await scene.ask_for(db, place, place.next_firm, 6)
        await scene.proposed(db, place, planned, place.yard, {ours.id: 6})
        disputed = await scene.proposed(
            db, place, planned, place.hall, {theirs.id: 6}, part=Part.PM, examiners=place.examiners[2:]
        )
        await scene.objected(db, disputed, ConsentParty.TOWN, place.town, ObjectionKind.NOT_THIS_BLOCK)

        document = await problem_of(db, planned)

    kept = of(place, place.yard) | {"block": AM}
    seat = {"request": key("request", ours.id), "site": kept["site"], "block": AM, "people": 6}
    others = [kept | {"staff": key("examiner", examiner.id)} for examiner in place.examiners[2:]]
    assert document["pinned_sessions"] == [kept]
    assert document["pins"] == [seat]
    assert [bar for bar in document["barred"] if "staff" in bar] == others
    assert [row["request"] for row in document["before"]] == [key("request", ours.id), key("request", theirs.id)]


async def test_a_session_that_a_withdrawal_left_too_small_is_not_pinned_at_all(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        ours = await scene.ask_for(db, place, place.firm, 5)
        theirs = await scene.ask_for(db, place, place.next_firm, 5)
        await scene.proposed(db, place, planned, place.yard, {ours.id: 5, theirs.id: 5})
        theirs.state = RequestState.WITHDRAWN
        await db.flush()

        document = await problem_of(db, planned)

    assert (document["pinned_sessions"], document["pins"], document["barred"]) == ([], [], [])


async def test_a_session_that_splits_a_request_to_be_kept_together_is_not_pinned(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 14)
        morning = await scene.proposed(db, place, planned, place.yard, {request.id: 8})
        await scene.proposed(db, place, planned, place.yard, {request.id: 6}, part=Part.PM)
        await scene.objected(
            db, morning, ConsentParty.OFFICE, place.office, ObjectionKind.KEEP_TOGETHER, request_id=request.id
        )

        document = await problem_of(db, planned)

    assert document["pinned_sessions"] == []
