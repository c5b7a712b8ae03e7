"""The day and its results over GraphQL."""

from typing import Any

import pytest

from models.database import Database
from models.sessions import Session
from models.vocabulary import Role, SessionState
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

RESULTS = "results { mark outcome attempt series satOn retakeFrom retakeUntil worker { id } } session { state }"


async def roster(at: Scene, people: int) -> list[str]:
    async with at.writing() as db:
        session = await db.get_one(Session, at.session.id)
        rows = [await make.make_booking(db, session=session, worker=each) for each in at.firm.workers[:people]]
    return [global_id("Booking", row.id) for row in rows]


async def mark(at: Scene, present: list[str], absent: list[str], caller: Caller | None = None) -> Any:
    taken = {
        "sessionId": global_id("Session", at.session.id),
        "presentBookingIds": present,
        "absentBookingIds": absent,
    }
    caller = caller or await at.caller(Role.EXAMINER)
    return await act(at.database, caller, "attendanceRecord", taken, "session { state }", now=at.session.ends_at)


async def record(at: Scene, marks: list[tuple[str, float]], caller: Caller | None = None) -> Any:
    rows = [{"bookingId": key, "mark": value} for key, value in marks]
    taken = {"sessionId": global_id("Session", at.session.id), "marks": rows}
    caller = caller or await at.caller(Role.EXAM_BODY)
    return await act(at.database, caller, "resultsRecord", taken, RESULTS, now=at.session.ends_at)


async def test_people_come_are_marked_and_read_their_results(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster(at, 3)

    marked = await mark(at, keys[:2], keys[2:])
    recorded = await record(at, [(keys[0], 88.5), (keys[1], 12)])
    seen = await read(
        database,
        at.firm.caller,
        "query { bookings { nodes { attendance result { outcome } } }"
        " requests(origins: [RETAKE]) { nodes { state persons { id } } } }",
    )

    assert (marked["refused"], marked["session"]) == ([], {"state": "HELD"})
    assert recorded["refused"] == []
    assert recorded["session"] == {"state": "CLOSED"}
    assert recorded["results"][1] == {
        "mark": 12,
        "outcome": "FAILED",
        "attempt": 1,
        "series": 1,
        "satOn": "2026-04-15",
        "retakeFrom": "2026-04-16",
        "retakeUntil": "2027-04-15",
        "worker": {"id": global_id("Worker", at.firm.ids(1)[0])},
    }
    assert seen["bookings"]["nodes"] == [
        {"attendance": "PRESENT", "result": {"outcome": "PASSED"}},
        {"attendance": "PRESENT", "result": {"outcome": "FAILED"}},
        {"attendance": "ABSENT", "result": {"outcome": "ABSENT"}},
    ]
    assert seen["requests"]["nodes"] == [
        {"state": "PROPOSED", "persons": [{"id": global_id("Worker", at.firm.ids(1)[0])}]}
    ]


async def test_marks_off_the_scale_are_refused_row_by_row(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster(at, 3)
    await mark(at, keys, [])

    answer = await record(at, [(keys[0], 101), (keys[1], -1), (keys[2], 70)])

    assert answer["refused"] == ["OUT_OF_RANGE input marks 0 mark", "OUT_OF_RANGE input marks 1 mark"]
    assert (answer["results"], answer["session"]) == (None, None)
    assert (await at.row(Session, at.session.id)).state is SessionState.HELD


async def test_what_is_not_a_number_is_no_mark(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster(at, 1)
    await mark(at, keys, [])
    document = "mutation ($input: ResultsRecordInput!) { resultsRecord(input: $input) { results { mark } } }"
    taken = {
        "sessionId": global_id("Session", at.session.id),
        "marks": [{"bookingId": keys[0], "mark": float("nan")}],
    }

    answer = await ask(database, await at.caller(Role.EXAM_BODY), document, input=taken, now=at.session.ends_at)

    assert answer["data"] is None
    assert len(answer["errors"]) == 1
    assert (await at.row(Session, at.session.id)).state is SessionState.HELD


async def test_a_result_by_somebody_who_is_not_the_exam_body_is_refused(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    keys = await roster(at, 1)
    await mark(at, keys, [])

    for caller in (at.firm.caller, await at.caller(Role.EXAMINER), await at.caller(Role.BUREAU)):
        assert (await record(at, [(keys[0], 90)], caller))["refused"] == ["NOT_ALLOWED"]
    assert (await at.row(Session, at.session.id)).state is SessionState.HELD


async def test_a_stranger_to_the_roster_is_named(database: Database) -> None:
    at = await scene(database, state=SessionState.FROZEN)
    await roster(at, 1)

    answer = await mark(at, [global_id("Booking", 10**15)], [])

    assert answer["refused"] == ["NOT_ON_ROSTER input presentBookingIds 0"]
