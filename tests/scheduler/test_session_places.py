"""Fewer places, and more: who may, who leaves, and what becomes of those who do."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Hold, Promise, Waiting
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import AuditEntry, OutboxMessage
from models.parties import Recusal
from models.sessions import Session, SessionStaff
from models.vocabulary import (
    BookingState,
    HoldState,
    PromiseState,
    RequestState,
    ResourceKind,
    Role,
    SessionState,
    WaitingState,
)
from scheduler import booking, displaced, holding, moving
from scheduler.callers import Caller
from scheduler.refusals import Code, Refusal, Refused
from scheduler.session_places import PlacesOrder, set_places
from scheduler.shares import share_of
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, codes, scene

pytestmark = pytest.mark.asyncio

LATER = date(2026, 4, 16)


async def resize(
    at: Scene, places: int, caller: Caller | None = None, *, reason: str = "一台叉车故障", now: datetime = make.NOW
) -> Session:
    caller = caller or await at.caller(Role.BUREAU)
    async with at.database.writing(actor=caller.actor, now=now) as db:
        return await set_places(db, PlacesOrder(at.session.id, places, reason), caller=caller, now=now)


async def refused(at: Scene, places: int, caller: Caller | None = None, **given: Any) -> list[Refusal]:
    caller = caller or await at.caller(Role.BUREAU)
    before = (await at.entries(), await at.row(Session, at.session.id))
    with pytest.raises(Refused) as no:
        await resize(at, places, caller, **given)
    assert (await at.entries(), await at.row(Session, at.session.id)) == before
    return list(no.value.reasons)


async def booked(at: Scene, firm: Firm, *places: int, hour: int = 0) -> Sequence[Booking]:
    now = make.NOW + timedelta(hours=hour - 3)
    async with at.writing(now) as db:
        return await booking.create_bookings(db, at.session.id, firm.ids(*places), caller=firm.caller, now=now)


async def told(at: Scene, firm: Firm) -> list[str]:
    mine = select(col(OutboxMessage.body)).where(col(OutboxMessage.recipient) == f"enterprise:{firm.enterprise.id}")
    async with at.database.reading() as db:
        return list((await db.exec(mine.order_by(col(OutboxMessage.id)))).all())


async def wish_of(at: Scene, firm: Firm) -> Waiting:
    async with at.database.reading() as db:
        return (await db.exec(select(Waiting).where(col(Waiting.enterprise_id) == firm.enterprise.id))).one()


async def test_open_places_go_without_anybody_leaving(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1)

    done = await resize(at, 2)

    assert (done.places, await at.counts(), await at.booked()) == (2, (0, 2), at.firm.ids(0, 1))
    assert await told(at, at.firm) == []
    assert await at.violations() == []


async def test_the_latest_are_moved_to_the_nearest_session_that_takes_them(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    late = await at.another_firm(2)
    await booked(at, at.firm, 0, 1)
    await booked(at, late, 0, 1, hour=1)
    far, near = [await at.another_session(day=LATER, site={"latitude": north}) for north in (31.20, 31.05)]

    await resize(at, 2)

    assert (await at.booked(), await at.booked(near.id)) == (at.firm.ids(0, 1), late.ids())
    assert (await at.claimed(near.id), await at.counts(near.id), await at.booked(far.id)) == (late.ids(), (0, 2), [])
    (body,) = await told(at, late)
    assert "has 2 places instead of 12: 一台叉车故障. 2 of your people are moved to 2026-04-16 (am)" in body
    assert "move them on, send others, or cancel" in body
    assert await told(at, at.firm) == []
    assert await at.violations() == []


async def test_a_move_by_the_organiser_counts_neither_as_a_change_nor_against_the_share(database: Database) -> None:
    at = await scene(database, places=2, policy={"most_share_percent": 50.0})
    await booked(at, at.firm, 0)
    late = await at.another_firm(3)
    await booked(at, late, 0, hour=1)
    other = await at.another_session(day=LATER, places=2)

    await resize(at, 1)

    async with at.writing() as db:
        session = await db.get_one(Session, other.id)
        share = await share_of(db, session, late.enterprise.id, now=make.NOW)
        (row,) = (await db.exec(select(Booking).where(col(Booking.session_id) == other.id))).all()
        await booking.create_bookings(db, other.id, late.ids(1), caller=late.caller, now=make.NOW)
    assert (row.changes, row.is_relocated, share.has) == (0, True, 0)
    assert await at.booked(other.id) == late.ids(0, 1)
    assert await at.violations() == []


async def test_whoever_moves_on_by_themselves_counts_against_the_share_again(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1)
    first, second = await at.another_session(day=LATER), await at.another_session(day=date(2026, 4, 20))
    await resize(at, 1)
    async with at.database.reading() as db:
        (moved,) = (await db.exec(select(Booking).where(col(Booking.session_id) == first.id))).all()

    async with at.writing() as db:
        on = await moving.move_booking(db, moved.id, second.id, caller=at.firm.caller, now=make.NOW)

    assert (on.is_relocated, on.changes) == (False, 1)
    assert await at.violations() == []


async def test_whoever_finds_no_session_is_first_in_the_queue_and_served_by_what_comes(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    late = await at.another_firm(2)
    await booked(at, at.firm, 0)
    rows = await booked(at, late, 0, 1, hour=1)

    await resize(at, 1)
    wish = await wish_of(at, late)
    near = await at.another_session(day=LATER)
    async with at.writing() as db:
        await displaced.look_after_one(db, make.NOW)

    assert [(await at.row(Booking, row.id)).state for row in rows] == [BookingState.CANCELLED] * 2
    assert (wish.people, wish.state, wish.session_id) == (2, WaitingState.WAITING, None)
    assert (await wish_of(at, late)).state is WaitingState.OFFERED
    assert await at.held(near.id) == 2
    assert "2 places are lost." in (await told(at, late))[0]
    assert await at.violations() == []


async def test_a_firm_with_an_offer_keeps_it_and_is_first_for_those_who_lost_places(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1)
    other = await at.another_session(day=date(2026, 4, 8))
    async with at.writing() as db:
        wish = {"session_id": None, "most_km": 30.0, "until_day": date(2026, 6, 1)}
        offered = await make.make_waiting(db, session=at.session, enterprise=at.firm.enterprise, **wish)
        session = await db.get_one(Session, other.id)
        hold = await make.make_hold(db, session=session, enterprise=at.firm.enterprise, waiting_id=offered.id)
        await make.walked(db, offered, [WaitingState.OFFERED])

    await resize(at, 1)

    kept, served = await at.row(Hold, hold.id), await at.row(Waiting, offered.id)
    async with at.database.reading() as db:
        waits = (await db.exec(select(Waiting).where(col(Waiting.state) == WaitingState.WAITING))).one()
    assert (kept.state, kept.waiting_id, served.state) == (HoldState.HELD, None, WaitingState.SERVED)
    assert (waits.enterprise_id, waits.people) == (at.firm.enterprise.id, 1)
    assert await at.violations() == []


async def test_nobody_is_moved_to_an_earlier_day_nor_beyond_the_distance(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE | {"move_km": 10.0})
    await booked(at, at.firm, 0, 1)
    before = await at.another_session(day=date(2026, 4, 10))
    far = await at.another_session(day=LATER, site={"latitude": 31.20})

    await resize(at, 1)

    assert (await at.booked(before.id), await at.booked(far.id), len(await at.booked())) == ([], [], 1)
    assert (await wish_of(at, at.firm)).people == 1


async def test_recusals_and_other_sessions_of_the_person_stand_against_a_move(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0)
    await booked(at, at.firm, 1, hour=1)
    recused, busy, fits = [await at.another_session(day=LATER + timedelta(days=days)) for days in (0, 1, 2)]
    async with at.writing() as db:
        examiner = await make.make_examiner(db, exam_body=at.district.exam_body)
        db.add(SessionStaff(session_id=recused.id, examiner_id=examiner.id))
        db.add(Recusal(examiner_id=examiner.id, enterprise_id=at.firm.enterprise.id, reason="trained them"))
        assert at.district.item.practical
        practical = await make.make_session(
            db, site=at.district.site, exam=at.district.item.practical, exam_body=at.district.exam_body, day=busy.day
        )
        await make.make_booking(db, session=practical, worker=at.firm.workers[1])
        await make.claim(db, await db.get_one(Session, recused.id), ResourceKind.STAFF, examiner.id)

    await resize(at, 1)

    assert await at.booked(fits.id) == at.firm.ids(1)
    assert await at.violations() == []


async def test_a_group_is_moved_whole_where_it_can_be_and_else_one_by_one(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    late = await at.another_firm(3)
    await booked(at, at.firm, 0)
    await booked(at, late, 0, 1, 2, hour=1)
    one, two = await at.another_session(day=LATER, places=1), await at.another_session(day=LATER, places=2)

    await resize(at, 1)

    assert sorted([*await at.booked(one.id), *await at.booked(two.id)]) == late.ids()
    assert await at.violations() == []


async def test_holds_end_first_and_their_firm_is_first_in_the_queue(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE, places=4)
    await booked(at, at.firm, 0, 1, hour=1)
    chooser = await at.another_firm(0)
    choice = holding.Choice(at.session.id, 2)
    hold = await holding.choose_places(database, choice, write=None, caller=chooser.caller, now=make.NOW)

    await resize(at, 3)
    smaller = await at.row(Hold, hold.id)
    await resize(at, 2)

    assert (smaller.people, smaller.state) == (1, HoldState.HELD)
    assert (await at.row(Hold, hold.id)).state is HoldState.RELEASED
    assert ((await wish_of(at, chooser)).people, await at.booked(), await at.held()) == (2, at.firm.ids(0, 1), 0)
    assert await at.violations() == []


async def test_an_offer_is_taken_back_whole_and_the_firm_waits_on_at_its_position(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE, places=3)
    firm = await at.another_firm(0)
    async with at.writing() as db:
        session = await db.get_one(Session, at.session.id)
        waits = await make.make_waiting(db, session=session, enterprise=firm.enterprise, people=2)
        await make.make_hold(db, session=session, enterprise=firm.enterprise, people=2, waiting_id=waits.id)
        await make.walked(db, waits, [WaitingState.OFFERED])

    await resize(at, 1)

    row = await at.row(Waiting, waits.id)
    assert (row.state, row.asked_at, await at.held()) == (WaitingState.WAITING, waits.asked_at, 0)
    assert await at.violations() == []


async def test_promised_places_without_a_name_are_asked_for_again_and_the_named_stay(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)

    await resize(at, 1)

    async with at.database.reading() as db:
        first, again = (await db.exec(select(Request).order_by(col(Request.id)))).all()
    kept = await at.row(Promise, promise.id)
    assert (kept.people, kept.named, kept.state) == (1, 1, PromiseState.USED)
    assert (first.people, first.state) == (1, RequestState.SETTLED)
    assert (again.people, again.state) == (2, RequestState.OPEN)
    assert "2 places are asked for again by your requests." in (await told(at, at.firm))[0]
    assert await at.violations() == []


async def test_named_people_of_a_request_that_find_no_session_ask_again_by_name(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)

    await resize(at, 1)

    async with at.database.reading() as db:
        first, again = (await db.exec(select(Request).order_by(col(Request.id)))).all()
        named = (await db.exec(select(col(RequestPerson.worker_id)).where(RequestPerson.request_id == again.id))).all()
    assert (first.people, first.state, again.people, again.state) == (1, RequestState.SETTLED, 1, RequestState.OPEN)
    assert (list(named), await at.booked()) == (at.firm.ids(1), at.firm.ids(0))
    assert await at.violations() == []


async def test_a_request_is_not_moved_beyond_its_days_and_a_group_together_stays_together(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2, request={"keep_together": True, "latest_day": LATER})
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)
    late = await at.another_session(day=date(2026, 4, 17))
    small = await at.another_session(day=LATER, places=1)
    await at.another_session(day=LATER, places=3)

    await resize(at, 1)

    async with at.database.reading() as db:
        places = {row.session_id for row in (await db.exec(select(Booking))).all()}
    assert len(places) == 1
    assert places.isdisjoint({at.session.id, late.id, small.id})
    assert (await at.row(Request, promise.request_id)).state is RequestState.SETTLED
    assert await at.violations() == []


async def test_more_places_go_to_the_queue(database: Database) -> None:
    at = await scene(database, places=2, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1)
    firm = await at.another_firm(0)
    async with at.writing() as db:
        waits = await make.make_waiting(db, session=at.session, enterprise=firm.enterprise, people=2)

    await resize(at, 5)

    assert ((await at.row(Waiting, waits.id)).state, await at.held()) == (WaitingState.OFFERED, 2)
    assert await at.violations() == []


async def test_who_acted_and_why_is_kept(database: Database) -> None:
    at = await scene(database)
    caller = await at.caller(Role.EXAM_BODY)

    await resize(at, 5, caller)

    async with at.database.reading() as db:
        entry = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "places set"))).one()
    assert (entry.actor, entry.entity_id) == (caller.actor, at.session.id)
    assert entry.detail == {"reason": "一台叉车故障", "before": 12, "places": 5, "relocated": 0}


@pytest.mark.parametrize("role", [Role.BUREAU, Role.EXAM_BODY, Role.OFFICE])
async def test_the_bureau_the_exam_body_and_whose_ground_it_is_may(database: Database, role: Role) -> None:
    at = await scene(database)

    assert (await resize(at, 5, await at.caller(role))).places == 5


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.ENTERPRISE])
async def test_examiners_and_firms_may_not(database: Database, role: Role) -> None:
    at = await scene(database)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    assert codes(await refused(at, 5, caller)) == [Code.NOT_ALLOWED]


async def test_an_office_changes_no_session_on_anothers_ground(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        office = await make.make_office(db, town=at.district.town)

    (reason,) = await refused(at, 5, await at.caller(Role.OFFICE, office))

    assert (reason.code, reason.path) == (Code.NOT_ALLOWED, ("input", "sessionId"))


@pytest.mark.parametrize("places", [0, -1, 13, 10_000])
async def test_a_session_has_one_place_at_least_and_as_many_as_its_site_offers_at_most(
    database: Database, places: int
) -> None:
    at = await scene(database)

    (reason,) = await refused(at, places)

    assert (reason.code, reason.path) == (Code.OUT_OF_RANGE, ("input", "places"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (SessionState.AGREED, Code.WRONG_STATE),
        (SessionState.FROZEN, Code.ROSTER_FROZEN),
        (SessionState.HELD, Code.WRONG_STATE),
        (SessionState.CANCELLED, Code.WRONG_STATE),
    ],
)
async def test_only_a_published_session_is_changed_until_its_roster_freezes(
    database: Database, state: SessionState, expected: Code
) -> None:
    at = await scene(database, state=state)

    assert codes(await refused(at, 5)) == [expected]


async def test_a_roster_that_is_due_to_freeze_is_final_although_no_job_came_by(database: Database) -> None:
    at = await scene(database)

    assert codes(await refused(at, 5, now=at.session.roster_freezes_at)) == [Code.ROSTER_FROZEN]


async def test_a_reason_is_needed(database: Database) -> None:
    at = await scene(database)

    assert [reason.path for reason in await refused(at, 5, reason=" ")] == [("input", "reason")]
