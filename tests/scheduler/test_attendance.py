"""The day: who came, marked by those on duty, in its time."""

from datetime import datetime, timedelta

import pytest

from models.bookings import Booking
from models.database import Database
from models.sessions import Session
from models.vocabulary import Attendance, Role, SessionState
from scheduler.attendance import RollCall, record_attendance
from scheduler.callers import Caller
from scheduler.refusals import Code, Refusal, Refused
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio


async def roster_of(at: Scene, people: int = 3) -> list[int]:
    """Bookings for the first people of the firm."""
    async with at.writing() as db:
        session = await db.get_one(Session, at.session.id)
        return [(await make.make_booking(db, session=session, worker=w)).id for w in at.firm.workers[:people]]


async def mark(
    at: Scene, present: list[int], absent: list[int], *, caller: Caller | None = None, now: datetime | None = None
) -> Session:
    caller, now = caller or await at.caller(Role.EXAMINER), now or at.session.starts_at
    async with at.writing(now) as db:
        call = RollCall(at.session.id, tuple(present), tuple(absent))
        return await record_attendance(db, call, caller=caller, now=now)


async def refused(at: Scene, present: list[int], absent: list[int], **given: object) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await mark(at, present, absent, **given)  # type: ignore[arg-type]
    assert await at.entries() == before
    return list(raised.value.reasons)


async def attendances(at: Scene, keys: list[int]) -> list[Attendance]:
    return [(await at.row(Booking, key)).attendance for key in keys]


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.EXAM_BODY])
async def test_a_session_is_held_once_everybody_is_marked(database: Database, role: Role) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at)
    caller = await at.caller(role)

    first = await mark(at, keys[:1], [], caller=caller)
    second = await mark(at, keys[1:2], keys[2:], caller=caller)

    assert (first.state, second.state) == (SessionState.FROZEN, SessionState.HELD)
    assert await attendances(at, keys) == [Attendance.PRESENT, Attendance.PRESENT, Attendance.ABSENT]
    assert await at.violations() == []


async def test_a_mark_may_be_corrected_until_results_are_in(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at, 1)
    await mark(at, keys, [])

    await mark(at, [], keys)

    assert await attendances(at, keys) == [Attendance.ABSENT]


async def test_no_mark_changes_once_a_result_is_recorded(database: Database) -> None:
    at = await scene(database, state=SessionState.HELD)
    keys = await roster_of(at, 2)
    async with at.writing() as db:
        rule, exam = at.district.item.theory_rule, at.district.item.theory
        booking = await db.get_one(Booking, keys[0])
        booking.attendance = Attendance.PRESENT
        await make.make_result(db, booking=booking, exam=exam, rule=rule, mark=80, sat_on=at.session.day)

    assert codes(await refused(at, [], keys)) == [Code.ALREADY_RECORDED]
    assert await attendances(at, keys[:1]) == [Attendance.PRESENT]


async def test_a_roster_whose_moment_has_come_is_frozen_by_whoever_meets_it_first(database: Database) -> None:
    at = await scene(database)
    keys = await roster_of(at, 1)
    await at.promise(people=2)

    session = await mark(at, keys, [])

    assert (session.state, session.promised) == (SessionState.HELD, 0)
    assert await at.violations() == []


async def test_attendance_is_marked_from_the_start_until_three_days_after(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at, 1)
    last_moment = at.session.starts_at.replace(hour=15, minute=59) + timedelta(days=3)

    early = await refused(at, keys, [], now=at.session.starts_at - timedelta(seconds=1))
    late = await refused(at, keys, [], now=last_moment + timedelta(minutes=1))
    in_time = await mark(at, keys, [], now=last_moment)

    assert codes(early) == [Code.NOT_THE_DAY]
    assert codes(late) == [Code.TOO_LATE]
    assert in_time.state is SessionState.HELD


async def test_strangers_and_repetitions_are_each_named_and_nobody_is_marked(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at, 2)
    elsewhere = await scene(database, state=SessionState.FROZEN)
    foreign = (await roster_of(elsewhere, 1))[0]

    reasons = await refused(at, [keys[0], foreign, 10**15], [keys[0]])

    assert [(reason.code, reason.path) for reason in reasons] == [
        (Code.NOT_ON_ROSTER, ("input", "presentBookingIds", "1")),
        (Code.NOT_ON_ROSTER, ("input", "presentBookingIds", "2")),
        (Code.BAD_INPUT, ("input", "absentBookingIds", "0")),
    ]
    assert await attendances(at, keys) == [Attendance.EXPECTED] * 2


async def test_an_examiner_who_is_not_on_duty_marks_nobody(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at, 1)
    async with at.writing() as db:
        colleague = await make.make_examiner(db, exam_body=at.district.exam_body)
    caller = await at.caller(Role.EXAMINER, colleague)

    assert codes(await refused(at, keys, [], caller=caller)) == [Code.NOT_ALLOWED]


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.OFFICE, Role.BUREAU])
async def test_nobody_else_marks_attendance(database: Database, role: Role) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster_of(at, 1)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    assert codes(await refused(at, keys, [], caller=caller)) == [Code.NOT_ALLOWED]


async def test_another_bodys_session_and_none_at_all_give_the_same_answer(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    elsewhere = await scene(database, state=SessionState.FROZEN)
    caller = await elsewhere.caller(Role.EXAM_BODY)
    foreign = await refused(at, [], [], caller=caller)
    at.session.id = 10**15

    assert await refused(at, [], [], caller=caller) == foreign
    assert codes(foreign) == [Code.NOT_FOUND]


async def test_a_cancelled_session_has_nobody_to_mark(database: Database) -> None:
    at = await scene(database, state=SessionState.CANCELLED)

    assert codes(await refused(at, [], [])) == [Code.WRONG_STATE]


async def test_too_many_marks_at_once_are_refused(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    assert codes(await refused(at, list(range(10_000)), [])) == [Code.OUT_OF_RANGE]
