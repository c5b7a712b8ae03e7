from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import OutboxMessage
from models.parties import Worker
from models.rounds import Round
from models.sessions import Session
from models.vocabulary import (
    CertificateState,
    PromiseState,
    RequestOrigin,
    RequestState,
    Role,
    RoundState,
    SessionState,
    Subject,
)
from scheduler.callers import Caller
from scheduler.demand import RequestOrder, submit_request
from scheduler.refusals import Code, Refused
from scheduler.request_changes import (
    LAPSED,
    accept_request,
    decline_request,
    lapse_requests,
    next_lapse,
    withdraw_request,
)
from tests import factories as make
from tests.factories import NOW, District

pytestmark = pytest.mark.asyncio

REFUSED_WINDOWS = [
    ((date(2026, 2, 1), date(2026, 3, 1)), Code.WINDOW_PAST),  # ended yesterday
    ((date(2026, 5, 2), date(2026, 5, 1)), Code.BAD_INPUT),  # reversed
    ((date(2026, 3, 2), date(2026, 3, 11)), Code.WINDOW_TOO_SHORT),  # a plan is public ten days ahead
    ((date(2026, 4, 1), date(2027, 5, 7)), Code.OUT_OF_RANGE),  # 401 days
    ((date(2028, 2, 1), date(2028, 3, 2)), Code.OUT_OF_RANGE),  # more than two years away
]


async def district_of(db: AsyncSession, **item: object) -> tuple[District, Caller]:
    district = await make.make_district(db, **item)
    return district, await make.make_caller(db, role=Role.ENTERPRISE, party=district.enterprise)


def order_of(district: District, *workers: Worker, **given: object) -> RequestOrder:
    usual = RequestOrder(
        item_id=district.item.item.id,
        people=max(1, len(workers)),
        worker_ids=tuple(worker.id for worker in workers),
        earliest_day=date(2026, 4, 1),
        latest_day=date(2026, 5, 31),
    )
    return replace(usual, **given)


async def refusals(db: AsyncSession, caller: Caller, order: RequestOrder) -> list[tuple[Code, tuple[str, ...]]]:
    """Why an order is refused; nothing may be left of it."""
    with pytest.raises(Refused) as refused:
        await submit_request(db, order, caller=caller, now=NOW)
    assert (await db.exec(select(func.count(col(Request.id))))).one() == 0
    return [(reason.code, reason.path) for reason in refused.value.reasons]


async def pass_theory(db: AsyncSession, district: District, worker: Worker, on: date) -> None:
    session = await make.make_session(
        db,
        site=district.site,
        exam=district.item.theory,
        exam_body=district.exam_body,
        state=SessionState.HELD,
        day=on,
    )
    booking = await make.make_booking(db, session=session, worker=worker)
    await make.make_result(
        db, booking=booking, exam=district.item.theory, rule=district.item.theory_rule, mark=85, sat_on=on
    )


async def test_newcomers_ask_for_theory_from_their_firms_own_place(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)

        request = await submit_request(db, order_of(district, worker, people=3), caller=caller, now=NOW)

        named = (await db.exec(select(col(RequestPerson.worker_id)))).all()
        assert request.exam_id == district.item.theory.id
        assert (request.people, request.state, request.origin) == (3, RequestState.OPEN, RequestOrigin.ENTERPRISE)
        assert (request.latitude, request.longitude) == (district.enterprise.latitude, district.enterprise.longitude)
        assert request.asked_at == NOW
        assert named == [worker.id]


async def test_those_who_passed_theory_ask_for_the_practical(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        await pass_theory(db, district, worker, date(2026, 2, 25))

        request = await submit_request(db, order_of(district, worker), caller=caller, now=NOW)

        assert request.exam_id == district.item.practical.id


async def test_a_theory_pass_of_more_than_a_year_ago_counts_no_more(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        await pass_theory(db, district, worker, date(2025, 3, 31))

        request = await submit_request(db, order_of(district, worker), caller=caller, now=NOW)

        assert request.exam_id == district.item.theory.id


async def test_newcomers_and_those_who_passed_belong_into_two_requests(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        passed, newcomer = [await make.make_worker(db, enterprise=district.enterprise) for _ in range(2)]
        await pass_theory(db, district, passed, date(2026, 2, 25))

        with pytest.raises(Refused) as refused:
            await submit_request(db, order_of(district, passed, newcomer), caller=caller, now=NOW)

        (reason,) = refused.value.reasons
        assert (reason.code, reason.worker_id) == (Code.BAD_INPUT, passed.id)
        assert "second request" in reason.message
        assert (await db.exec(select(func.count(col(Request.id))))).one() == 0


async def test_an_item_of_theory_only_is_asked_for_as_theory(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db, code="A", has_practical=False)

        request = await submit_request(db, order_of(district), caller=caller, now=NOW)

        assert request.exam_id == district.item.theory.id
        assert district.item.theory.subject is Subject.THEORY


@pytest.mark.parametrize("people", [0, -1, 501, 10_000])
async def test_only_one_to_five_hundred_people_are_asked_for(database: Database, people: int) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)

        assert await refusals(db, caller, order_of(district, people=people)) == [
            (Code.OUT_OF_RANGE, ("input", "people"))
        ]


async def test_fewer_people_than_named_are_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        workers = [await make.make_worker(db, enterprise=district.enterprise) for _ in range(2)]

        assert await refusals(db, caller, order_of(district, *workers, people=1)) == [
            (Code.OUT_OF_RANGE, ("input", "people"))
        ]


@pytest.mark.parametrize(("window", "code"), REFUSED_WINDOWS)
async def test_impossible_windows_are_refused(database: Database, window: tuple[date, date], code: Code) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        order = order_of(district, earliest_day=window[0], latest_day=window[1])

        assert await refusals(db, caller, order) == [(code, ("input", "latestDay"))]


async def test_a_window_that_a_publication_just_reaches_is_open(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        order = order_of(district, earliest_day=date(2026, 3, 1), latest_day=date(2026, 3, 12))

        assert (await submit_request(db, order, caller=caller, now=NOW)).state is RequestState.OPEN


async def test_several_wrong_fields_are_told_at_once(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        order = order_of(district, people=0, latest_day=date(2026, 1, 1), earliest_day=date(2026, 1, 1), latitude=95)

        assert await refusals(db, caller, replace(order, longitude=121.0)) == [
            (Code.OUT_OF_RANGE, ("input", "people")),
            (Code.WINDOW_PAST, ("input", "latestDay")),
            (Code.OUT_OF_RANGE, ("input", "latitude")),
        ]


async def test_an_item_nobody_offers_here_is_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        unoffered, elsewhere = await make.make_item(db), await make.make_item(db)
        await make.make_site(db, exams=[elsewhere.theory])

        for item in (unoffered, elsewhere):
            assert await refusals(db, caller, order_of(district, item_id=item.item.id)) == [
                (Code.NO_OFFER, ("input", "itemId"))
            ]


async def test_a_worker_of_another_firm_and_nobody_are_refused_alike(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        stranger = await make.make_worker(db)

        for worker_id in (stranger.id, stranger.id + 1000):
            order = order_of(district, worker_ids=(worker_id,))
            assert await refusals(db, caller, order) == [(Code.NOT_YOUR_WORKER, ("input", "workerIds", "0"))]


async def test_everybody_who_is_unfit_is_told_why(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        old = await make.make_worker(db, enterprise=district.enterprise, born=date(1965, 3, 2))
        certified = await make.make_worker(db, enterprise=district.enterprise)
        await make.make_certificate(db, worker=certified, item=district.item, state=CertificateState.VALID)

        with pytest.raises(Refused) as refused:
            await submit_request(db, order_of(district, old, certified), caller=caller, now=NOW)

        assert [(reason.code, reason.worker_id) for reason in refused.value.reasons] == [
            (Code.TOO_OLD, old.id),
            (Code.ALREADY_CERTIFIED, certified.id),
        ]


async def test_nobody_is_asked_for_twice(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        first = await submit_request(db, order_of(district, worker), caller=caller, now=NOW)

        with pytest.raises(Refused) as refused:
            await submit_request(db, order_of(district, worker), caller=caller, now=NOW)
        await withdraw_request(db, first.id, caller=caller, now=make.NOW)
        again = await submit_request(db, order_of(district, worker), caller=caller, now=NOW)

        assert [reason.code for reason in refused.value.reasons] == [Code.ALREADY_ASKED]
        assert again.id != first.id


async def test_nobody_is_asked_for_who_has_a_place_already(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        await make.make_booking(db, session=session, worker=worker)

        assert await refusals(db, caller, order_of(district, worker)) == [
            (Code.ALREADY_BOOKED, ("input", "workerIds", "0"))
        ]


async def test_a_proposed_request_is_accepted_with_narrower_days(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        proposed = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.practical, state=RequestState.PROPOSED
        )

        accepted = await accept_request(
            db, proposed.id, window=(date(2026, 4, 10), date(2026, 4, 30)), caller=caller, now=NOW
        )

        assert accepted.state is RequestState.OPEN
        assert (accepted.earliest_day, accepted.latest_day) == (date(2026, 4, 10), date(2026, 4, 30))


@pytest.mark.parametrize(
    "window", [(date(2026, 3, 31), None), (None, date(2026, 6, 1)), (date(2026, 5, 2), date(2026, 5, 1))]
)
async def test_a_proposed_request_is_not_accepted_for_other_days(
    database: Database, window: tuple[date | None, date | None]
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        proposed = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.practical, state=RequestState.PROPOSED
        )

        with pytest.raises(Refused) as refused:
            await accept_request(db, proposed.id, window=window, caller=caller, now=NOW)

        assert refused.value.reasons[0].code == Code.OUT_OF_RANGE
        assert proposed.state is RequestState.PROPOSED


async def test_only_proposed_requests_are_accepted_or_declined(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        asked = {"enterprise": district.enterprise, "exam": district.item.practical}
        proposed = await make.make_request(db, **asked, state=RequestState.PROPOSED)
        already_open = await make.make_request(db, **asked)

        declined = await decline_request(db, proposed.id, caller=caller)

        assert declined.state is RequestState.DECLINED
        for request in (declined, already_open):
            with pytest.raises(Refused) as refused:
                await decline_request(db, request.id, caller=caller)
            assert refused.value.reasons[0].code == Code.WRONG_STATE


async def test_withdrawing_in_consultation_drops_the_promise_and_wants_another_plan(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        session = await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            state=SessionState.PROPOSED,
        )
        request = await make.make_request(db, enterprise=district.enterprise, exam=district.item.theory, people=3)
        await make.make_promise(db, session=session, request=request)

        await withdraw_request(db, request.id, caller=caller, now=make.NOW)

    async with database.reading() as db:
        assert (await db.exec(select(col(Request.state)))).one() is RequestState.WITHDRAWN
        assert (await db.exec(select(col(Promise.state)))).one() is PromiseState.DROPPED
        assert (await db.exec(select(col(Session.promised)))).one() == 0
        assert (await db.exec(select(col(Round.replan_wanted)))).one()


async def test_withdrawing_after_publication_opens_the_places_to_everyone(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        request = await make.make_request(db, enterprise=district.enterprise, exam=district.item.theory, people=3)
        await make.make_promise(db, session=session, request=request)

        await withdraw_request(db, request.id, caller=caller, now=make.NOW)

    async with database.reading() as db:
        assert (await db.exec(select(col(Promise.state)))).one() is PromiseState.RELEASED
        assert (await db.exec(select(col(Session.promised), col(Session.taken)))).one() == (0, 0)
        assert (await db.exec(select(col(Round.state), col(Round.replan_wanted)))).one() == (
            RoundState.PUBLISHED,
            False,
        )


async def test_people_with_places_are_cancelled_before_a_request_is_withdrawn(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await district_of(db)
        worker = await make.make_worker(db, enterprise=district.enterprise)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        request = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.theory, people=2, workers=[worker]
        )
        promise = await make.make_promise(db, session=session, request=request)
        await make.make_booking(db, session=session, worker=worker, promise=promise)

        with pytest.raises(Refused) as refused:
            await withdraw_request(db, request.id, caller=caller, now=make.NOW)

        assert refused.value.reasons[0].code == Code.ALREADY_BOOKED
        assert (request.state, promise.state) == (RequestState.PROMISED, PromiseState.HELD)
        assert (session.promised, session.taken) == (1, 1)


async def test_requests_lapse_at_the_midnight_in_shanghai_after_their_last_day(database: Database) -> None:
    midnight = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)
    async with database.writing(actor="test", now=NOW) as db:
        district, _ = await district_of(db)
        asked = {"enterprise": district.enterprise, "exam": district.item.theory}
        waiting = [
            await make.make_request(db, **asked),
            await make.make_request(db, **asked, state=RequestState.PROPOSED),
        ]
        longer = await make.make_request(db, **asked, latest_day=date(2026, 6, 1))
        planned = await make.make_request(db, **asked, state=RequestState.PLANNED)

        assert (await db.exec(next_lapse())).one() == midnight
        assert await lapse_requests(db, midnight - timedelta(seconds=1)) == 0
        assert await lapse_requests(db, midnight) == 2
        assert await lapse_requests(db, midnight) == 0
        assert {request.state for request in waiting} == {RequestState.LAPSED}
        assert (longer.state, planned.state) == (RequestState.OPEN, RequestState.PLANNED)
        assert (await db.exec(next_lapse())).one() == midnight + timedelta(days=1)


async def test_whose_request_lapses_is_told_why_and_what_can_be_done(database: Database) -> None:
    midnight = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)
    async with database.writing(actor="test", now=NOW) as db:
        district, _ = await district_of(db)
        asked = {"enterprise": district.enterprise, "exam": district.item.theory}
        await make.make_request(db, **asked, people=3, unplaced_detail="With 2 more people a session could be held.")
        await make.make_request(db, **asked, state=RequestState.PROPOSED)

        await lapse_requests(db, midnight)

        told = (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all()
    assert [(each.recipient, each.subject) for each in told] == [(f"enterprise:{district.enterprise.id}", LAPSED)] * 2
    assert told[0].body == (
        "The request for 3 people from 2026-04-01 to 2026-05-31 has lapsed: no round found places for them. "
        "What would have helped: With 2 more people a session could be held. "
        "Ask anew (requestSubmit) with other days, or book open places (bookingCreate)."
    )
    assert "was proposed to you and not accepted in time" in told[1].body
