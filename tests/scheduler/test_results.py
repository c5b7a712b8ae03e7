"""Results: judged by the rule of the day, all or none, by the exam body alone; and what follows from them."""

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.bookings import Booking
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import OutboxMessage
from models.outcomes import Certificate, Result
from models.sessions import Session
from models.vocabulary import (
    Attendance,
    CertificateState,
    Outcome,
    RequestOrigin,
    RequestState,
    Role,
    SessionState,
    Subject,
)
from scheduler.attendance import RollCall, record_attendance
from scheduler.callers import Caller
from scheduler.refusals import Code, Refusal, Refused
from scheduler.results import Mark, record_results
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

DAYS_AFTER = timedelta(days=6)


async def held(at: Scene, *marks: float | None, session: Session | None = None) -> list[int]:
    """Bookings of the firm's first people in a session that was held; no mark means absence."""
    session = session or at.session
    keys: list[int] = []
    async with at.writing() as db:
        merged = await db.get_one(Session, session.id)
        keys = [
            (await make.make_booking(db, session=merged, worker=worker)).id
            for worker, _ in zip(at.firm.workers, marks, strict=False)
        ]
    body = await at.caller(Role.EXAM_BODY)
    absent = tuple(key for key, mark in zip(keys, marks, strict=True) if mark is None)
    present = tuple(key for key in keys if key not in absent)
    async with at.writing(session.ends_at) as db:
        await record_attendance(db, RollCall(session.id, present, absent), caller=body, now=session.ends_at)
    return keys


async def record(
    at: Scene, marks: list[Mark], *, session: Session | None = None, caller: Caller | None = None
) -> list[Result]:
    session = session or at.session
    now = session.ends_at + DAYS_AFTER
    caller = caller or await at.caller(Role.EXAM_BODY)
    async with at.writing(now) as db:
        return list((await record_results(db, session.id, marks, caller=caller, now=now)).results)


async def sat(at: Scene, *marks: float | None, session: Session | None = None) -> list[Result]:
    """The session held and these marks recorded."""
    keys = await held(at, *marks, session=session)
    rows = [Mark(key, mark) for key, mark in zip(keys, marks, strict=True) if mark is not None]
    return await record(at, rows, session=session)


async def refused(at: Scene, marks: list[Mark], caller: Caller | None = None) -> list[Refusal]:
    async with at.database.reading() as db:
        written = len((await db.exec(select(Result))).all())
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await record(at, marks, caller=caller)
    assert await at.entries() == before
    async with at.database.reading() as db:
        assert len((await db.exec(select(Result))).all()) == written
    return list(raised.value.reasons)


async def requests(at: Scene, origin: RequestOrigin) -> list[tuple[Request, list[int]]]:
    """The requests of an origin with the people named on them."""
    async with at.database.reading() as db:
        rows = (await db.exec(select(Request).where(col(Request.origin) == origin).order_by(col(Request.id)))).all()
        people = (await db.exec(select(RequestPerson).order_by(col(RequestPerson.worker_id)))).all()
    return [(row, [each.worker_id for each in people if each.request_id == row.id]) for row in rows]


async def certificates(at: Scene) -> list[Certificate]:
    async with at.database.reading() as db:
        return list((await db.exec(select(Certificate).order_by(col(Certificate.worker_id)))).all())


async def later(at: Scene, subject: Subject, day: date) -> Session:
    """A frozen session of a subject on a later day."""
    exam = at.district.item.theory if subject is Subject.THEORY else at.district.item.practical
    return await at.another_session(exam=exam, day=day, state=SessionState.FROZEN)


async def test_the_pass_mark_passes_and_one_less_fails(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    results = await sat(at, 70, 69.5, None)

    assert [(row.mark, row.outcome, row.series, row.attempt) for row in results] == [
        (70, Outcome.PASSED, 1, 1),
        (69.5, Outcome.FAILED, 1, 1),
        (None, Outcome.ABSENT, 1, 1),
    ]
    assert (await at.row(Session, at.session.id)).state is SessionState.CLOSED
    assert await at.violations() == []


async def test_a_failure_may_be_sat_again_from_the_next_day_for_a_year(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    results = await sat(at, 80, 20, None)

    assert [(row.retake_from, row.retake_until) for row in results] == [
        (None, None),
        (date(2026, 4, 16), date(2027, 4, 15)),
        (None, None),
    ]


async def test_the_rule_in_force_on_the_day_judges_not_the_one_of_today(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    async with at.writing() as db:
        for first_day, pass_mark in ((at.session.day, 60), (at.session.day + timedelta(days=1), 90)):
            rule = at.district.item.rule.model_dump(exclude={"id"}) | {"in_force_from": first_day}
            version = await make.written(db, type(at.district.item.rule)(**rule))
            numbers = at.district.item.theory_rule.model_dump(exclude={"id"})
            own = numbers | {"rule_id": version.id, "pass_mark": pass_mark}
            await make.written(db, type(at.district.item.theory_rule)(**own))

    results = await sat(at, 65)

    assert results[0].outcome is Outcome.PASSED
    assert await at.violations() == []


async def test_the_session_closes_when_the_last_result_is_in(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await held(at, 80, 80, None)

    first = await record(at, [Mark(keys[0], 80)])
    between = (await at.row(Session, at.session.id)).state
    second = await record(at, [Mark(keys[1], 60)])

    assert [row.outcome for row in first] == [Outcome.PASSED, Outcome.ABSENT]
    assert [row.outcome for row in second] == [Outcome.FAILED]
    assert between is SessionState.HELD
    assert (await at.row(Session, at.session.id)).state is SessionState.CLOSED


async def test_a_session_to_which_nobody_came_closes_without_a_mark(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    await held(at, None, None)

    results = await record(at, [])

    assert [row.outcome for row in results] == [Outcome.ABSENT, Outcome.ABSENT]
    assert (await at.row(Session, at.session.id)).state is SessionState.CLOSED


async def test_a_retake_is_the_second_attempt_and_leaves_no_third(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    await sat(at, 20)
    again = await later(at, Subject.THEORY, date(2026, 5, 20))

    results = await sat(at, 30, session=again)

    assert [(row.series, row.attempt, row.retake_until) for row in results] == [(1, 2, None)]
    assert len(await requests(at, RequestOrigin.RETAKE)) == 1
    assert await at.violations() == []


async def test_after_an_absence_or_the_last_retake_a_new_series_begins(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    await sat(at, None)
    again = await later(at, Subject.THEORY, date(2026, 5, 20))

    results = await sat(at, 80, session=again)

    assert [(row.series, row.attempt) for row in results] == [(2, 1)]
    assert await at.violations() == []


async def test_a_failure_proposes_a_retake_to_each_firm(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    await sat(at, 20, 80, 30)

    ((row, people),) = await requests(at, RequestOrigin.RETAKE)
    assert people == at.firm.ids(0, 2)
    assert (row.state, row.people, row.exam_id) == (RequestState.PROPOSED, 2, at.district.item.theory.id)
    # Recorded on 21 April, public ten days ahead; the window of the retake ends a year after the exam.
    assert (row.earliest_day, row.latest_day) == (date(2026, 5, 1), date(2027, 4, 15))
    assert row.enterprise_id == at.firm.enterprise.id


async def test_who_passed_theory_is_asked_for_in_the_practical(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    await sat(at, 80, 20, 90)

    ((row, people),) = await requests(at, RequestOrigin.NEXT_SUBJECT)
    assert people == at.firm.ids(0, 2)
    assert (row.state, row.people, row.exam_id) == (RequestState.OPEN, 2, at.district.item.practical.id)  # type: ignore[union-attr]
    assert (row.earliest_day, row.latest_day) == (date(2026, 5, 1), date(2026, 7, 30))
    async with at.database.reading() as db:
        told = (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all()
    assert [(m.recipient, m.subject) for m in told] == [
        (f"enterprise:{at.firm.enterprise.id}", "Next subject"),
        (f"enterprise:{at.firm.enterprise.id}", "Retake"),
    ]


async def test_nobody_is_asked_for_twice(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    async with at.writing() as db:
        await make.make_request(
            db,
            enterprise=at.firm.enterprise,
            exam=at.district.item.practical or at.district.item.theory,
            workers=at.firm.workers[:1],
        )

    await sat(at, 80, 80)

    ((_, people),) = await requests(at, RequestOrigin.NEXT_SUBJECT)
    assert people == at.firm.ids(1)


async def test_who_has_passed_every_subject_awaits_the_certificate(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    await sat(at, 80, 80)
    practical = await later(at, Subject.PRACTICAL, date(2026, 5, 20))

    before = await certificates(at)
    await sat(at, 75, 60, session=practical)

    assert before == []
    (found,) = await certificates(at)
    assert (found.worker_id, found.item_id, found.state) == (
        at.firm.ids(0)[0],
        at.district.item.item.id,
        CertificateState.PENDING,
    )
    assert (found.rule_id, found.issued_on) == (at.district.item.rule.id, None)
    # 25 working days after 26 May 2026, the Dragon Boat holiday on 19 June among them.
    assert found.decision_due_at == datetime(2026, 7, 1, 16, 0, tzinfo=found.decision_due_at.tzinfo)
    assert await at.violations() == []


async def test_an_item_without_a_practical_is_certified_after_theory_and_has_no_retake(database: Database) -> None:
    at = await scene(database, item={"has_practical": False}, state=SessionState.FROZEN)

    results = await sat(at, 80, 20)

    assert [found.worker_id for found in await certificates(at)] == at.firm.ids(0)
    assert [row.retake_until for row in results] == [None, None]
    assert await requests(at, RequestOrigin.RETAKE) == []
    assert await at.violations() == []


async def test_each_wrong_row_is_named_and_none_is_written(database: Database) -> None:
    at = await scene(database, people=6, state=SessionState.FROZEN)
    keys = await held(at, 80, 80, 80, None, 80, 80)
    elsewhere = await scene(database, state=SessionState.FROZEN)
    foreign = (await held(elsewhere, 80))[0]
    rows = [(keys[0], 80), (keys[1], 101), (keys[2], -1), (keys[3], 50), (keys[4], float("nan"))]

    reasons = await refused(at, [Mark(*row) for row in [*rows, (keys[0], 70), (foreign, 80), (10**15, 80)]])

    assert [(reason.code, reason.path[2:]) for reason in reasons] == [
        (Code.OUT_OF_RANGE, ("1", "mark")),
        (Code.OUT_OF_RANGE, ("2", "mark")),
        (Code.BAD_INPUT, ("3",)),
        (Code.OUT_OF_RANGE, ("4", "mark")),
        (Code.BAD_INPUT, ("5", "bookingId")),
        (Code.NOT_ON_ROSTER, ("6", "bookingId")),
        (Code.NOT_ON_ROSTER, ("7", "bookingId")),
    ]


async def test_a_result_is_recorded_once(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await held(at, 80, 80)
    await record(at, [Mark(keys[0], 80)])

    again = await refused(at, [Mark(keys[0], 90), Mark(keys[1], 90)])
    await record(at, [Mark(keys[1], 80)])
    closed = await refused(at, [Mark(keys[0], 90)])

    assert [(reason.code, reason.path) for reason in again] == [(Code.ALREADY_RECORDED, ("input", "marks", "0"))]
    assert [(reason.code, reason.path) for reason in closed] == [(Code.ALREADY_RECORDED, ("input", "sessionId"))]


@pytest.mark.parametrize(("rows", "code"), [(0, Code.BAD_INPUT), (201, Code.OUT_OF_RANGE)])
async def test_no_marks_and_too_many_are_refused(database: Database, rows: int, code: Code) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await held(at, 80)

    assert codes(await refused(at, [Mark(keys[0], 80)] * rows)) == [code]


async def test_results_wait_for_attendance(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)

    assert codes(await refused(at, [Mark(1, 80)])) == [Code.WRONG_STATE]


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.OFFICE, Role.BUREAU, Role.EXAMINER])
async def test_nobody_but_the_exam_body_reports(database: Database, role: Role) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await held(at, 80)
    caller = at.firm.caller if role is Role.ENTERPRISE else await at.caller(role)

    assert codes(await refused(at, [Mark(keys[0], 80)], caller)) == [Code.NOT_ALLOWED]


async def test_another_exam_body_does_not_even_find_the_session(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await held(at, 80)
    async with at.writing() as db:
        other = await make.make_exam_body(db, bureau=at.district.bureau)
    caller = await at.caller(Role.EXAM_BODY, other)

    assert codes(await refused(at, [Mark(keys[0], 80)], caller)) == [Code.NOT_FOUND]
    assert (await at.row(Booking, keys[0])).attendance is Attendance.PRESENT
