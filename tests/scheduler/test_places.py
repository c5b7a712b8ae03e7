from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import AuditEntry, OutboxMessage
from models.parties import Worker
from models.places import Room, SiteClosure, SiteOffer
from models.sessions import Claim, Session
from models.vocabulary import (
    BookingState,
    PromiseState,
    RequestState,
    Role,
    RoundState,
    SessionState,
    Tier,
)
from scheduler.audit.claims import CLAIMS
from scheduler.audit.counts import COUNTS
from scheduler.callers import Caller
from scheduler.cancellation import cancel_sessions
from scheduler.places import JurisdictionChange, JurisdictionOrder, add_jurisdiction, update_jurisdiction
from scheduler.refusals import Code, Refused
from scheduler.site_corrections import SiteCorrection, correct_site, reopen_site
from scheduler.sites import ClosureOrder, OfferOrder, SiteOrder, add_site, close_site, set_offer
from tests import factories as make
from tests.factories import NOW, SESSION_DAY, District

pytestmark = pytest.mark.asyncio


async def bureau_of(db: AsyncSession) -> tuple[District, Caller]:
    district = await make.make_district(db)
    return district, await make.make_caller(db, role=Role.BUREAU, party=district.bureau)


async def refused_with(awaited: object) -> list[tuple[Code, tuple[str, ...]]]:
    with pytest.raises(Refused) as refused:
        await awaited  # type: ignore[misc]
    return [(reason.code, reason.path) for reason in refused.value.reasons]


async def violations(db: AsyncSession) -> list[object]:
    """What the auditor finds; the factories make rounds without plans, so that is left out."""
    checks = [invariant for invariant in (*CLAIMS, *COUNTS) if invariant.name != "promises-trace-back"]
    return [row for check in checks for row in await (await db.connection()).exec_driver_sql(check.query)]


async def test_a_town_hangs_under_the_bureau_and_an_office_under_the_town(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        order = JurisdictionOrder(district.bureau.id, " T-NEW ", "新镇", 31.0, 121.2)

        town = await add_jurisdiction(db, order, caller=caller)
        office = await add_jurisdiction(
            db, replace(order, parent_id=district.town.id, code="O-NEW", name="新所"), caller=caller
        )

        assert (town.tier, town.parent_id, town.code) == (Tier.TOWN, district.bureau.id, "T-NEW")
        assert (office.tier, office.parent_id) == (Tier.OFFICE, district.town.id)


async def test_nothing_hangs_under_an_office(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        order = JurisdictionOrder(district.office.id, "X", "无", 31.0, 121.2)

        assert await refused_with(add_jurisdiction(db, order, caller=caller)) == [
            (Code.WRONG_STATE, ("input", "parentId"))
        ]


async def test_a_bureau_grows_its_own_tree_only(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await bureau_of(db)
        foreign = await make.make_bureau(db)
        order = JurisdictionOrder(foreign.id, "X", "无", 31.0, 121.2)

        for parent_id in (foreign.id, foreign.id + 999):
            assert await refused_with(add_jurisdiction(db, replace(order, parent_id=parent_id), caller=caller)) == [
                (Code.NOT_FOUND, ("input", "parentId"))
            ]


async def test_a_jurisdiction_that_makes_no_sense_is_refused_field_by_field(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        order = JurisdictionOrder(district.bureau.id, district.office.code, "  ", 91.0, 181.0)

        assert await refused_with(add_jurisdiction(db, order, caller=caller)) == [
            (Code.BAD_INPUT, ("input", "name")),
            (Code.OUT_OF_RANGE, ("input", "latitude")),
            (Code.ALREADY_KNOWN, ("input", "code")),
        ]


async def test_a_changed_name_leaves_the_rest_and_is_noted(database: Database) -> None:
    async with database.writing(actor="account:5", now=NOW) as db:
        district, caller = await bureau_of(db)

        changed = await update_jurisdiction(db, district.town.id, JurisdictionChange(name="改名镇"), caller=caller)

        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "jurisdiction changed"))).one()
        assert (changed.name, changed.code, changed.latitude) == ("改名镇", district.town.code, 31.03)
        assert (noted.actor, noted.entity_id) == ("account:5", district.town.id)


async def test_only_a_bureau_changes_the_tree(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        town = await make.make_caller(db, role=Role.TOWN, party=district.town)

        change = update_jurisdiction(db, district.town.id, JurisdictionChange(name="改"), caller=town)

        assert await refused_with(change) == [(Code.NOT_ALLOWED, ())]


async def test_an_office_adds_a_site_with_rooms_on_its_own_ground(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        office = await make.make_caller(db, role=Role.OFFICE, party=district.office)
        order = SiteOrder(district.office.id, "新场", 31.0, 121.2, rooms=3, host_enterprise_id=district.enterprise.id)

        site = await add_site(db, order, caller=office)

        rooms = (await db.exec(select(col(Room.number)).where(col(Room.site_id) == site.id))).all()
        assert sorted(rooms) == [1, 2, 3]
        assert site.host_enterprise_id == district.enterprise.id
        assert await refused_with(add_site(db, replace(order, jurisdiction_id=district.town.id), caller=office)) == [
            (Code.NOT_FOUND, ("input", "jurisdictionId"))
        ]


async def test_a_site_that_makes_no_sense_is_refused_field_by_field(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        stranger = await make.make_enterprise(db)
        order = SiteOrder(
            district.office.id,
            district.site.name,
            31.0,
            121.2,
            rooms=0,
            host_enterprise_id=stranger.id,
            is_municipal_centre=True,
        )

        assert await refused_with(add_site(db, order, caller=caller)) == [
            (Code.OUT_OF_RANGE, ("input", "rooms")),
            (Code.NOT_FOUND, ("input", "hostEnterpriseId")),
            (Code.BAD_INPUT, ("input", "isMunicipalCentre")),
            (Code.ALREADY_KNOWN, ("input", "name")),
        ]


async def test_an_offer_is_made_changed_and_taken_back(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        exam = (await make.make_item(db)).theory
        offers = select(col(SiteOffer.places), col(SiteOffer.open_cost_fen)).where(col(SiteOffer.exam_id) == exam.id)
        order = OfferOrder(district.site.id, exam.id, places=8, open_cost_fen=1000)

        await set_offer(db, order, caller=caller)
        made = (await db.exec(offers)).all()
        await set_offer(db, replace(order, places=9), caller=caller)
        changed = (await db.exec(offers)).all()
        await set_offer(db, replace(order, places=0), caller=caller)

        assert (made, changed, (await db.exec(offers)).all()) == ([(8, 1000)], [(9, 1000)], [])
        assert await refused_with(set_offer(db, replace(order, places=1001, open_cost_fen=-1), caller=caller)) == [
            (Code.OUT_OF_RANGE, ("input", "places")),
            (Code.OUT_OF_RANGE, ("input", "openCostFen")),
        ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((date(2026, 3, 1), date(2026, 3, 5)), (Code.WINDOW_PAST, ("input", "fromDay"))),
        ((date(2026, 3, 5), date(2026, 3, 5)), (Code.OUT_OF_RANGE, ("input", "beforeDay"))),
        ((date(2026, 3, 5), date(2036, 4, 5)), (Code.OUT_OF_RANGE, ("input", "beforeDay"))),
    ],
)
async def test_a_site_is_closed_for_days_to_come(
    database: Database, days: tuple[date, date], expected: tuple[Code, tuple[str, ...]]
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        order = ClosureOrder(district.site.id, *days, reason="修缮")

        assert await refused_with(close_site(db, order, caller=caller, now=NOW)) == [expected]
        assert (await db.exec(select(func.count(col(SiteClosure.id))))).one() == 0


async def public_session(db: AsyncSession, district: District) -> tuple[Session, Request, list[Worker]]:
    """A public session where a firm of three has two people named and one place open by a promise."""
    examiner = await make.make_examiner(db, exam_body=district.exam_body)
    session = await make.make_session(
        db, site=district.site, exam=district.item.theory, exam_body=district.exam_body, examiners=[examiner]
    )
    named = [await make.make_worker(db, enterprise=district.enterprise) for _ in range(2)]
    never_named = await make.make_worker(db, enterprise=district.enterprise)
    request = await make.make_request(
        db,
        enterprise=district.enterprise,
        exam=district.item.theory,
        people=3,
        workers=[named[0], never_named],
        latest_day=date(2026, 4, 20),
    )
    promise = await make.make_promise(db, session=session, request=request)
    for worker in named:
        await make.make_booking(db, session=session, worker=worker, promise=promise)
    return session, request, [*named, never_named]


async def test_public_sessions_stand_against_closing_their_site(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        session, _, _ = await public_session(db, district)
        order = ClosureOrder(district.site.id, SESSION_DAY, date(2026, 4, 16), reason="修缮")

        with pytest.raises(Refused) as refused:
            await close_site(db, order, caller=caller, now=NOW)

        (reason,) = refused.value.reasons
        assert (reason.code, reason.path) == (Code.SITE_IN_USE, ("input", "cancelSessions"))
        assert "1 public session stands there on 2026-04-15 (1)" in reason.message
        assert session.state is SessionState.PUBLISHED
        assert (await db.exec(select(func.count(col(SiteClosure.id))))).one() == 0


@pytest.mark.parametrize("days", [(date(2026, 4, 14), date(2026, 4, 15)), (date(2026, 4, 16), date(2026, 4, 20))])
async def test_sessions_on_other_days_are_left_alone(database: Database, days: tuple[date, date]) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        session, _, _ = await public_session(db, district)

        await close_site(
            db, ClosureOrder(district.site.id, *days, reason="修缮", cancels_sessions=True), caller=caller, now=NOW
        )

        assert session.state is SessionState.PUBLISHED
        assert (await db.exec(select(func.count(col(SiteClosure.id))))).one() == 1


async def test_a_closure_to_come_is_taken_back_and_one_that_has_begun_ends_today(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        order = ClosureOrder(district.site.id, date(2026, 5, 1), date(2026, 5, 9), reason="检修")
        for _ in range(2):
            await close_site(db, order, caller=caller, now=NOW)
        to_come, begun = (await db.exec(select(SiteClosure).order_by(col(SiteClosure.id)))).all()
        in_may = datetime(2026, 5, 4, 4, tzinfo=UTC)

        await reopen_site(db, to_come.id, caller=caller, now=NOW)
        await reopen_site(db, begun.id, caller=caller, now=in_may)

        left = (await db.exec(select(SiteClosure))).all()
        assert [(row.id, row.before_day) for row in left] == [(begun.id, date(2026, 5, 4))]
        assert await refused_with(reopen_site(db, begun.id, caller=caller, now=in_may)) == [
            (Code.WINDOW_PAST, ("input", "closureId"))
        ]


async def test_what_is_known_of_a_site_is_corrected_field_by_field(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        other = await make.make_site(db, jurisdiction=district.office)
        site_id = district.site.id
        before = district.site.latitude

        site = await correct_site(db, SiteCorrection(site_id, name=" 新场地 ", opts_into_weekends=True), caller=caller)

        assert (site.name, site.opts_into_weekends, site.latitude) == ("新场地", True, before)
        for order, expected in (
            (SiteCorrection(site_id), (Code.BAD_INPUT, ("input", "name"))),
            (SiteCorrection(site_id, latitude=31.0), (Code.BAD_INPUT, ("input", "latitude"))),
            (SiteCorrection(site_id, name=other.name), (Code.ALREADY_KNOWN, ("input", "name"))),
        ):
            assert await refused_with(correct_site(db, order, caller=caller)) == [expected]


async def test_closing_with_its_sessions_sets_everyone_free_and_tells_them(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        session, request, workers = await public_session(db, district)
        passer_by = await make.make_worker(db)
        await make.make_booking(db, session=session, worker=passer_by)
        order = ClosureOrder(district.site.id, SESSION_DAY, date(2026, 4, 16), reason="屋顶漏水", cancels_sessions=True)

        await close_site(db, order, caller=caller, now=NOW)

        told = (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all()
        named = select(col(RequestPerson.worker_id)).where(col(RequestPerson.request_id) == request.id)
        assert (session.state, session.promised, session.taken) == (SessionState.CANCELLED, 0, 0)
        assert set((await db.exec(select(col(Booking.state)))).all()) == {BookingState.CANCELLED}
        assert (await db.exec(select(func.count(col(Claim.id))))).one() == 0
        assert (request.state, request.round_id, request.people) == (RequestState.OPEN, None, 3)
        assert request.latest_day == date(2026, 4, 20)
        assert sorted((await db.exec(named)).all()) == sorted(worker.id for worker in workers)
        assert [message.recipient.split(":")[0] for message in told] == [
            "enterprise",
            "enterprise",
            "examiner",
            "exam_body",
            "enterprise",  # whose open place is lost: it is first in the queue
        ]
        assert all("屋顶漏水" in message.body and "2026-04-15" in message.body for message in told[:4])
        assert await violations(db) == []


async def test_a_settled_request_asks_again_when_its_session_is_cancelled(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, _ = await bureau_of(db)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        worker = await make.make_worker(db, enterprise=district.enterprise)
        request = await make.make_request(
            db,
            enterprise=district.enterprise,
            exam=district.item.theory,
            latest_day=date(2026, 3, 10),
            earliest_day=date(2026, 3, 1),
        )
        promise = await make.make_promise(db, session=session, request=request)
        await make.make_booking(db, session=session, worker=worker, promise=promise)
        request.state = RequestState.SETTLED
        await db.flush()

        await cancel_sessions(db, [session], reason="台风", now=NOW)

        named = (await db.exec(select(col(RequestPerson.worker_id)))).all()
        assert (promise.state, promise.named) == (PromiseState.RELEASED, 0)
        assert request.state is RequestState.OPEN
        assert request.latest_day == date(2026, 6, 10)  # its window had ended: ten days to publish, ninety to sit
        assert named == [worker.id]
        assert await violations(db) == []


async def test_what_a_request_has_elsewhere_stays_when_one_of_its_sessions_is_cancelled(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, _ = await bureau_of(db)
        at = {"site": district.site, "exam": district.item.theory, "exam_body": district.exam_body}
        cancelled = await make.make_session(db, **at)
        kept = await make.make_session(db, **at, day=date(2026, 4, 16))
        workers = [await make.make_worker(db, enterprise=district.enterprise) for _ in range(2)]
        request = await make.make_request(
            db, enterprise=district.enterprise, exam=district.item.theory, people=5, workers=workers
        )
        lost = await make.make_promise(db, session=cancelled, request=request, people=2)
        await make.make_promise(db, session=kept, request=request, people=3)
        await make.make_booking(db, session=cancelled, worker=workers[0], promise=lost)

        await cancel_sessions(db, [cancelled], reason="台风", now=NOW)

        again = (await db.exec(select(Request).where(col(Request.id) != request.id))).one()
        named = dict((await db.exec(select(col(RequestPerson.worker_id), col(RequestPerson.request_id)))).all())
        assert (request.state, request.people) == (RequestState.PROMISED, 3)
        assert (again.state, again.people, again.round_id) == (RequestState.OPEN, 2, None)
        assert named == {workers[0].id: again.id, workers[1].id: request.id}
        assert (kept.promised, kept.taken) == (3, 0)
        assert await violations(db) == []


@pytest.mark.parametrize("state", [SessionState.PROPOSED, SessionState.HELD, SessionState.CANCELLED])
async def test_only_public_sessions_that_were_not_held_are_cancelled(database: Database, state: SessionState) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, _ = await bureau_of(db)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body, state=state
        )

        assert await refused_with(cancel_sessions(db, [session], reason="台风", now=NOW)) == [(Code.WRONG_STATE, ())]
        assert session.state is state


@pytest.mark.parametrize("state", [SessionState.PROPOSED, SessionState.AGREED])
async def test_closing_under_a_session_in_consultation_wants_another_plan(
    database: Database, state: SessionState
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district, caller = await bureau_of(db)
        planned = await make.make_round(db, bureau=district.bureau, state=RoundState.CONSULTING)
        session = await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            state=state,
            round_=planned,
        )
        order = ClosureOrder(district.site.id, SESSION_DAY, date(2026, 4, 16), reason="修缮")

        await close_site(db, order, caller=caller, now=NOW)

        await db.refresh(planned)
        assert planned.replan_wanted
        assert session.state is state


async def test_a_foreign_site_and_none_are_refused_alike(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await bureau_of(db)
        foreign = await make.make_site(db)
        order = ClosureOrder(foreign.id, SESSION_DAY, date(2026, 4, 16), reason="修缮")

        for site_id in (foreign.id, foreign.id + 999):
            closing = close_site(db, replace(order, site_id=site_id), caller=caller, now=NOW)
            assert await refused_with(closing) == [(Code.NOT_FOUND, ("input", "siteId"))]
