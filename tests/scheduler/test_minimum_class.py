"""Below the minimum class at its deadline a session is confirmed, merged or cancelled, and everybody is told."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Promise, Waiting
from models.database import Database
from models.demand import Request
from models.journal import AuditEntry, OutboxMessage
from models.parties import Recusal
from models.sessions import Session, SessionStaff
from models.vocabulary import BookingState, RequestState, ResourceKind, Role, SessionState, WaitingState
from scheduler import booking
from scheduler.callers import Caller
from scheduler.minimum_class import DECISIONS, confirm_session
from scheduler.refusals import Code, Refused
from scheduler.rosters import FREEZES
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, codes, scene
from tests.scheduler.test_rosters import due, run

pytestmark = pytest.mark.asyncio

LEAST = 6  # of the rule that the factories write
LATER = date(2026, 4, 20)


async def booked(at: Scene, firm: Firm, *places: int, session: Session | None = None) -> Sequence[Booking]:
    async with at.writing() as db:
        key = (session or at.session).id
        return await booking.create_bookings(db, key, firm.ids(*places), caller=firm.caller, now=make.NOW)


async def decide(at: Scene, *, now: datetime | None = None) -> int:
    return await run(at, DECISIONS, now or at.session.confirm_due_at)


async def confirm(at: Scene, caller: Caller, *, session_id: int | None = None, now: datetime = make.NOW) -> Session:
    async with at.database.writing(actor=caller.actor, now=now) as db:
        return await confirm_session(db, session_id or at.session.id, caller=caller, now=now)


async def told(at: Scene) -> dict[str, list[str]]:
    """What everybody was told, by recipient."""
    found: dict[str, list[str]] = {}
    async with at.database.reading() as db:
        for row in (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all():
            found.setdefault(row.recipient, []).append(row.body)
    return found


async def test_enough_people_confirm_the_session_and_everybody_is_told(database: Database) -> None:
    at = await scene(database, people=LEAST, policy=ANY_SHARE)
    await booked(at, at.firm)

    assert await due(at, DECISIONS) == at.session.confirm_due_at
    early = await decide(at, now=at.session.confirm_due_at - timedelta(seconds=1))
    done = await decide(at)

    session = await at.row(Session, at.session.id)
    said = await told(at)
    assert (early, done, await due(at, DECISIONS)) == (0, 1, None)
    assert (session.state, session.confirmed_at) == (SessionState.PUBLISHED, at.session.confirm_due_at)
    assert set(said) == {
        f"enterprise:{at.firm.enterprise.id}", f"examiner:{at.examiner.id}", f"exam_body:{at.district.exam_body.id}",
    }  # fmt: skip
    assert all("takes place: 6 people are expected." in bodies[0] for bodies in said.values())
    assert await at.violations() == []


async def test_people_for_whom_places_are_set_aside_count_while_they_may_be_named(database: Database) -> None:
    at = await scene(database, people=LEAST, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1, 2)
    await at.promise(await at.another_firm(), people=3)

    await decide(at)

    assert (await at.row(Session, at.session.id)).confirmed_at is not None


async def test_too_few_go_together_to_the_nearest_session_that_takes_them_all(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    other = await at.another_firm(2)
    await booked(at, at.firm, 0, 1, 2)
    await booked(at, other)
    small = await at.another_session(day=LATER, places=4)
    near = await at.another_session(day=LATER)
    far = await at.another_session(day=LATER, site={"latitude": 31.10})
    async with at.writing() as db:
        examiner = await make.make_examiner(db, exam_body=at.district.exam_body)
        session = await db.get_one(Session, near.id)
        db.add(SessionStaff(session_id=near.id, examiner_id=examiner.id))
        await make.claim(db, session, ResourceKind.STAFF, examiner.id)

    done = await decide(at)

    everybody = sorted([*at.firm.ids(0, 1, 2), *other.ids()])
    assert (done, await at.booked(near.id), await at.claimed(near.id)) == (1, everybody, everybody)
    assert (await at.booked(), await at.booked(small.id), await at.booked(far.id)) == ([], [], [])
    assert (await at.row(Session, at.session.id)).state is SessionState.CANCELLED
    said = await told(at)
    (body,) = said[f"enterprise:{other.enterprise.id}"]
    assert "is merged with the one on 2026-04-20 (am)" in body
    assert "5 people of at least 6" in body
    assert "2 of your people are moved to 2026-04-20 (am)" in body
    assert "5 people join on 2026-04-20" in said[f"examiner:{examiner.id}"][0]
    assert "is cancelled: merged with" in said[f"examiner:{at.examiner.id}"][0]
    async with at.database.reading() as db:
        entry = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "merged"))).one()
        changes = {row.changes for row in (await db.exec(select(Booking))).all()}
    assert (entry.actor, entry.detail) == ("job:minimum classes decide", {"into": near.id, "people": 5})
    assert changes == {0}
    assert await at.violations() == []


async def test_nobody_is_left_behind_where_one_cannot_come_all_go_elsewhere(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    other = await at.another_firm(1)
    await booked(at, at.firm, 0)
    await booked(at, other)
    recused, next_ = await at.another_session(day=LATER), await at.another_session(day=date(2026, 4, 21))
    async with at.writing() as db:
        examiner = await make.make_examiner(db, exam_body=at.district.exam_body)
        db.add(SessionStaff(session_id=recused.id, examiner_id=examiner.id))
        db.add(Recusal(examiner_id=examiner.id, enterprise_id=other.enterprise.id, reason="trained them"))
        await make.claim(db, await db.get_one(Session, recused.id), ResourceKind.STAFF, examiner.id)

    await decide(at)

    assert await at.booked(next_.id) == sorted([*at.firm.ids(0), *other.ids()])
    assert await at.violations() == []


async def test_promised_places_without_a_name_are_asked_for_again_when_sessions_merge(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0, 1)
    promise = await at.promise(await at.another_firm(), people=2)
    near = await at.another_session(day=LATER)

    await decide(at)

    request = await at.row(Request, promise.request_id)
    assert (request.state, request.people, await at.booked(near.id)) == (RequestState.OPEN, 2, at.firm.ids(0, 1))
    assert await at.violations() == []


async def test_people_named_into_promises_are_moved_too_and_their_requests_stay_settled(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)
    near = await at.another_session(day=LATER)

    await decide(at)

    assert await at.booked(near.id) == at.firm.ids(0, 1)
    assert (await at.row(Request, promise.request_id)).state is RequestState.SETTLED
    assert (await at.row(Promise, promise.id)).named == 0
    assert await at.violations() == []


async def test_where_no_session_takes_them_it_is_cancelled_and_they_are_first_in_the_queue(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    rows = await booked(at, at.firm, 0, 1)
    await at.another_session(day=LATER, places=1)

    await decide(at)

    async with at.database.reading() as db:
        wish = (await db.exec(select(Waiting))).one()
    assert (await at.row(Session, at.session.id)).state is SessionState.CANCELLED
    assert [(await at.row(Booking, row.id)).state for row in rows] == [BookingState.CANCELLED] * 2
    assert (wish.people, wish.state) == (2, WaitingState.WAITING)
    said = await told(at)
    assert "is cancelled: 2 people of at least 6 (不足最低开考人数)." in said[f"enterprise:{at.firm.enterprise.id}"][0]
    assert f"exam_body:{at.district.exam_body.id}" in said
    assert await at.violations() == []


async def test_a_session_that_nobody_comes_to_is_cancelled_at_the_deadline(database: Database) -> None:
    at = await scene(database)

    await decide(at)

    assert (await at.row(Session, at.session.id)).state is SessionState.CANCELLED


@pytest.mark.parametrize("role", [Role.BUREAU, Role.EXAM_BODY])
async def test_a_session_that_is_to_be_held_anyway_is_left_alone(database: Database, role: Role) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0)
    caller = await at.caller(role)

    await confirm(at, caller)
    done = await decide(at)
    await run(at, FREEZES, at.session.roster_freezes_at)

    assert (done, (await at.row(Session, at.session.id)).state) == (0, SessionState.FROZEN)
    assert "it is held whatever the number" in (await told(at))[f"enterprise:{at.firm.enterprise.id}"][0]
    assert await at.violations() == []


async def test_a_confirmed_session_is_not_confirmed_again(database: Database) -> None:
    at = await scene(database)
    caller = await at.caller(Role.BUREAU)
    await confirm(at, caller)

    with pytest.raises(Refused) as no:
        await confirm(at, caller)

    assert codes(no.value.reasons) == [Code.WRONG_STATE]


@pytest.mark.parametrize(
    ("state", "expected"),
    [(SessionState.AGREED, Code.WRONG_STATE), (SessionState.FROZEN, Code.ROSTER_FROZEN)],
)
async def test_only_a_published_session_is_confirmed(database: Database, state: SessionState, expected: Code) -> None:
    at = await scene(database, state=state)

    with pytest.raises(Refused) as no:
        await confirm(at, await at.caller(Role.BUREAU))

    assert codes(no.value.reasons) == [expected]


@pytest.mark.parametrize("role", [Role.OFFICE, Role.EXAMINER, Role.ENTERPRISE])
async def test_nobody_but_the_bureau_and_the_exam_body_confirms(database: Database, role: Role) -> None:
    at = await scene(database)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    with pytest.raises(Refused) as no:
        await confirm(at, caller)

    assert codes(no.value.reasons) == [Code.NOT_ALLOWED]
    assert (await at.row(Session, at.session.id)).confirmed_at is None


async def test_a_roster_that_freezes_undecided_is_held_with_those_on_it(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE)
    await booked(at, at.firm, 0)

    await run(at, FREEZES, at.session.roster_freezes_at)

    session: Any = await at.row(Session, at.session.id)
    assert (session.state, session.confirmed_at) == (SessionState.FROZEN, at.session.roster_freezes_at)
    assert await at.violations() == []
