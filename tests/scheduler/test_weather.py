"""Bad weather: a day is flagged at a site, its practicals move to another day as a whole, and nobody vanishes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select

from models.bookings import Booking, Hold, Waiting
from models.database import Database
from models.journal import AuditEntry, OutboxMessage
from models.parties import ExamBody, ExaminerLeave
from models.places import SiteClosure, WeatherBlock
from models.sessions import Claim, Session
from models.vocabulary import BookingState, HoldState, Part, Role, SessionState, WaitingState
from scheduler import booking_changes, displaced
from scheduler.callers import Caller
from scheduler.refusals import Code, Refusal, Refused
from scheduler.weather import WeatherOrder, block_day, in_bad_weather
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

STORM, NEXT = date(2026, 3, 5), date(2026, 3, 6)  # a Thursday, a Friday
MONDAY = date(2026, 3, 9)


@dataclass
class Yard:
    """A scene with a practical to come in its yard."""

    at: Scene
    practical: Session

    async def session(self) -> Session:
        return await self.at.row(Session, self.practical.id)

    async def on(self, day: date, **given: Any) -> Session:
        """Another practical, in another yard."""
        return await self.at.another_session(exam=self.at.district.item.practical, day=day, **given)

    async def seated(self, *places: int) -> list[Booking]:
        async with self.at.writing() as db:
            session = await db.get_one(Session, self.practical.id)
            return [await make.make_booking(db, session=session, worker=self.at.firm.workers[n]) for n in places]


async def yard(database: Database, *, state: SessionState = SessionState.PUBLISHED, **given: Any) -> Yard:
    at = await scene(database)
    async with at.writing() as db:
        body = await db.get_one(ExamBody, at.district.exam_body.id)
        body.is_gated = False
        assert at.district.item.practical
        shape = {"exam": at.district.item.practical, "day": STORM, "examiners": [at.examiner], "state": state} | given
        return Yard(at, await make.make_session(db, site=at.district.site, exam_body=at.district.exam_body, **shape))


async def storm(
    at: Scene, caller: Caller | None = None, *, day: date = STORM, reason: str = "台风", now: datetime = make.NOW
) -> list[int]:
    caller = caller or await at.caller(Role.BUREAU)
    async with at.database.writing(actor=caller.actor, now=now) as db:
        _, sessions = await block_day(db, WeatherOrder(at.district.site.id, day, reason), caller=caller, now=now)
        return [session.id for session in sessions]


async def refused(at: Scene, caller: Caller | None = None, **given: Any) -> list[Refusal]:
    caller = caller or await at.caller(Role.BUREAU)
    before = await at.entries()
    with pytest.raises(Refused) as no:
        await storm(at, caller, **given)
    assert await at.entries() == before
    return list(no.value.reasons)


async def told(at: Scene) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with at.database.reading() as db:
        for row in (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all():
            found.setdefault(row.recipient, []).append(row.body)
    return found


@pytest.mark.parametrize("state", [SessionState.PUBLISHED, SessionState.FROZEN])
async def test_the_session_moves_to_the_next_day_with_everybody_in_it(database: Database, state: SessionState) -> None:
    there = await yard(database, state=state)
    rows = await there.seated(0, 1)

    moved = await storm(there.at)

    session = await there.session()
    during = Range(session.starts_at, session.ends_at)
    async with database.reading() as db:
        claims = (await db.exec(select(Claim).where(col(Claim.session_id) == session.id))).all()
        entry = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "postponed"))).one()
    assert (moved, session.day, session.part, session.state) == ([session.id], NEXT, Part.AM, SessionState.PUBLISHED)
    assert session.starts_at - there.practical.starts_at == timedelta(days=1)
    assert session.starts_at - session.roster_freezes_at == timedelta(days=2)
    assert {claim.during for claim in claims} == {during}
    assert len(claims) == 4
    assert [(await there.at.row(Booking, row.id)).changes for row in rows] == [0, 0]
    assert entry.detail == {"before": "2026-03-05 am", "after": "2026-03-06 am", "reason": "台风", "left": 0}
    said = await told(there.at)
    assert set(said) == {
        f"enterprise:{there.at.firm.enterprise.id}",
        f"examiner:{there.at.examiner.id}",
        f"exam_body:{there.at.district.exam_body.id}",
    }
    assert all("on 2026-03-05 (am) is postponed to 2026-03-06 (am): 台风." in bodies[0] for bodies in said.values())
    assert await there.at.violations() == []


async def test_whoever_was_on_a_final_roster_may_choose_again_after_it(database: Database) -> None:
    there = await yard(database, state=SessionState.FROZEN)
    (row,) = await there.seated(0)
    await storm(there.at)

    async with there.at.writing() as db:
        await booking_changes.cancel_booking(db, row.id, caller=there.at.firm.caller, now=make.NOW)

    assert (await there.at.row(Booking, row.id)).state is BookingState.CANCELLED
    assert await there.at.violations() == []


async def test_closed_and_flagged_days_leave_and_a_busy_yard_are_passed_over(database: Database) -> None:
    there = await yard(database)
    at, site = there.at, there.at.district.site
    async with at.writing() as db:
        closed = {"site_id": site.id, "reason": "整修", "recorded_at": make.NOW}
        db.add(SiteClosure(from_day=NEXT, before_day=date(2026, 3, 7), **closed))
        db.add(WeatherBlock(site_id=site.id, day=MONDAY, reason="台风", recorded_at=make.NOW))
        db.add(ExaminerLeave(examiner_id=at.examiner.id, day=date(2026, 3, 10), part=Part.AM))
        body, theory = at.district.exam_body, at.district.item.theory
        busy = {"site": site, "exam": theory, "exam_body": body, "day": date(2026, 3, 10), "part": Part.PM}
        await make.make_session(db, **busy)

    await storm(at)

    # The weekend is nobody's here; Tuesday's morning lacks the examiner, its afternoon the yard.
    session = await there.session()
    assert (session.day, session.part) == (date(2026, 3, 11), Part.AM)
    assert await at.violations() == []


async def test_the_day_is_one_on_which_the_fewest_are_missing(database: Database) -> None:
    there = await yard(database)
    await there.seated(0, 1)
    async with there.at.writing() as db:
        item, body = await make.make_item(db), there.at.district.exam_body
        site = await make.make_site(db, jurisdiction=there.at.district.office, rooms=2)
        for part in (Part.AM, Part.PM):
            busy = await make.make_session(db, site=site, exam=item.theory, exam_body=body, day=NEXT, part=part)
            await make.make_booking(db, session=busy, worker=there.at.firm.workers[0])

    await storm(there.at)

    assert (await there.session()).day == MONDAY
    assert await there.at.booked(there.practical.id) == there.at.firm.ids(0, 1)


async def everybody_busy_but_on(there: Yard, day: date, *, worker: int) -> None:
    """The person has another exam on every half-day in which the session could be held up to a month later."""
    async with there.at.writing() as db:
        item = await make.make_item(db)
        await db.flush()
        for at in range(1, 32):
            on = STORM + timedelta(days=at)
            for part in (Part.AM, Part.PM):
                if on == day:
                    continue
                site = await make.make_site(db, jurisdiction=there.at.district.office)
                body = there.at.district.exam_body
                other = await make.make_session(db, site=site, exam=item.theory, exam_body=body, day=on, part=part)
                await make.claim(db, other, make.ResourceKind.WORKER, there.at.firm.workers[worker].id)


async def test_who_has_another_exam_on_every_day_is_moved_or_first_in_the_queue(database: Database) -> None:
    there = await yard(database)
    rows = await there.seated(0, 1)
    await everybody_busy_but_on(there, date(2026, 3, 7), worker=0)  # a Saturday, on which the yard is not open

    await storm(there.at)

    async with database.reading() as db:
        wish = (await db.exec(select(Waiting))).one()
    assert (await there.session()).day == NEXT
    assert (await there.at.row(Booking, rows[0].id)).state is BookingState.CANCELLED
    assert await there.at.booked(there.practical.id) == there.at.firm.ids(1)
    assert (wish.people, wish.state, wish.enterprise_id) == (1, WaitingState.WAITING, there.at.firm.enterprise.id)
    later = await there.on(date(2026, 3, 20))
    async with there.at.writing() as db:
        await displaced.look_after_one(db, make.NOW)
    assert (await there.at.held(later.id), await there.at.held(there.practical.id)) == (1, 0)


async def test_without_a_day_left_the_session_is_called_off_and_its_people_come_first(database: Database) -> None:
    there = await yard(database)
    await there.seated(0, 1)
    async with there.at.writing() as db:
        for at in range(1, 32):
            for part in (Part.AM, Part.PM):
                day = STORM + timedelta(days=at)
                db.add(ExaminerLeave(examiner_id=there.at.examiner.id, day=day, part=part))

    await storm(there.at)

    async with database.reading() as db:
        wish = (await db.exec(select(Waiting))).one()
    assert (await there.session()).state is SessionState.CANCELLED
    assert wish.people == 2
    bodies = (await told(there.at))[f"enterprise:{there.at.firm.enterprise.id}"]
    assert any("is cancelled: 台风, and no other day is left." in body for body in bodies)
    assert await there.at.violations() == []


async def test_those_who_wait_for_the_session_wait_on_and_those_who_wait_until_before_it_elsewhere(
    database: Database,
) -> None:
    there = await yard(database, roster_freezes_at=make.NOW + timedelta(days=1))
    at = there.at
    async with at.writing() as db:
        session = await db.get_one(Session, there.practical.id)
        first, second = await at.another_firm(0), await at.another_firm(0)
        bound = await make.make_waiting(db, session=session, enterprise=first.enterprise)
        wish = {"session_id": None, "most_km": 30.0, "until_day": STORM}
        until = await make.make_waiting(db, session=session, enterprise=second.enterprise, **wish)
        offers = [
            await make.make_hold(db, session=session, enterprise=firm.enterprise, waiting_id=row.id)
            for firm, row in ((first, bound), (second, until))
        ]
        for row in (bound, until):
            await make.walked(db, row, [WaitingState.OFFERED])

    await storm(at)

    kept, ended = [await at.row(Hold, hold.id) for hold in offers]
    assert (kept.state, ended.state) == (HoldState.HELD, HoldState.RELEASED)
    assert (await at.row(Waiting, bound.id)).until_day == NEXT
    assert (await at.row(Waiting, until.id)).state is WaitingState.WAITING
    assert await at.violations() == []


async def test_theory_is_held_indoors_and_stays(database: Database) -> None:
    there = await yard(database)
    async with there.at.writing() as db:
        district = there.at.district
        theory = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body, day=STORM, part=Part.PM
        )

    await storm(there.at)

    assert (await there.at.row(Session, theory.id)).day == STORM


async def test_a_day_is_flagged_once(database: Database) -> None:
    there = await yard(database)
    await storm(there.at)

    (reason,) = await refused(there.at)

    assert (reason.code, reason.path) == (Code.ALREADY_KNOWN, ("input", "day"))


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2026, 3, 1), Code.WINDOW_PAST), (date(2026, 3, 10), Code.OUT_OF_RANGE)]
)
async def test_only_days_of_the_forecast_are_flagged(database: Database, day: date, expected: Code) -> None:
    there = await yard(database)

    assert codes(await refused(there.at, day=day)) == [expected]


async def test_a_reason_is_needed(database: Database) -> None:
    there = await yard(database)

    assert [reason.path for reason in await refused(there.at, reason=" ")] == [("input", "reason")]


@pytest.mark.parametrize("role", [Role.BUREAU, Role.OFFICE, Role.EXAM_BODY])
async def test_the_bureau_whose_ground_it_is_and_the_exam_body_may(database: Database, role: Role) -> None:
    there = await yard(database)

    assert await storm(there.at, await there.at.caller(role)) == [there.practical.id]


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.ENTERPRISE])
async def test_examiners_and_firms_may_not(database: Database, role: Role) -> None:
    there = await yard(database)
    caller = there.at.firm.caller if role is Role.ENTERPRISE else await there.at.caller(role)

    assert codes(await refused(there.at, caller)) == [Code.NOT_ALLOWED]


async def test_an_exam_body_without_a_practical_there_on_the_day_may_not(database: Database) -> None:
    there = await yard(database)
    async with there.at.writing() as db:
        other = await make.make_exam_body(db, bureau=there.at.district.bureau)

    assert codes(await refused(there.at, await there.at.caller(Role.EXAM_BODY, other))) == [Code.NOT_FOUND]


async def test_a_practical_that_was_agreed_is_not_published_into_a_flagged_day(database: Database) -> None:
    there = await yard(database, state=SessionState.AGREED)
    async with there.at.writing() as db:
        flag = {"site_id": there.at.district.site.id, "reason": "台风", "recorded_at": make.NOW}
        db.add(WeatherBlock(day=STORM, **flag))
        await db.flush()

        assert await in_bad_weather(db, [there.practical, there.at.session]) == {there.practical.id}
