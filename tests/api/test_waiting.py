"""Waiting for places over GraphQL."""

from typing import Any

import pytest

from models.database import Database
from models.vocabulary import Role
from scheduler import booking, booking_changes
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, global_id, read
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

WANTED = "waiting { id state people position passed reason hold { id people secondsLeft state } session { id } }"


async def join(at: Scene, caller: Caller, people: int = 1, **wish: Any) -> Any:
    wished = {"people": people} | (wish or {"sessionId": global_id("Session", at.session.id)})
    return await act(at.database, caller, "waitingJoin", wished, WANTED)


async def full(database: Database) -> Scene:
    at = await scene(database, people=3, places=3, policy=ANY_SHARE)
    async with at.writing() as db:
        await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
    return at


async def test_a_firm_waits_sees_its_position_and_takes_what_it_is_offered(database: Database) -> None:
    at = await full(database)
    first, second = await at.another_firm(), await at.another_firm()
    await join(at, second.caller, 2)

    mine = (await join(at, first.caller))["waiting"]
    async with at.writing() as db:
        await booking_changes.cancel_booking(db, 1, caller=at.firm.caller, now=make.NOW)
    document = "{ waitings { nodes { state position hold { id secondsLeft state } } } }"
    (seen,) = (await read(database, first.caller, document))["waitings"]["nodes"]
    (passed,) = (await read(database, second.caller, "{ waitings { nodes { passed reason } } }"))["waitings"]["nodes"]
    named = {"holdId": seen["hold"]["id"], "workerIds": [global_id("Worker", first.ids(0)[0])]}
    taken = await act(database, first.caller, "holdConfirm", named, "bookings { session { id } }")

    assert (mine["state"], mine["position"], mine["hold"]) == ("WAITING", 2, None)
    assert (seen["state"], seen["position"], seen["hold"]["state"]) == ("OFFERED", None, "HELD")
    assert seen["hold"]["secondsLeft"] == 5.5 * 3600
    assert passed["passed"] == 1
    assert passed["reason"].startswith("Fewer than 2 places were free together, so 1 smaller groups")
    assert len(taken["bookings"]) == 1


async def test_a_wish_is_changed_and_given_up(database: Database) -> None:
    at = await full(database)
    firm = await at.another_firm()
    key = (await join(at, firm.caller))["waiting"]["id"]

    again = await join(at, firm.caller)
    more = await act(database, firm.caller, "waitingChange", {"waitingId": key, "people": 2}, WANTED)
    gone = await act(database, firm.caller, "waitingLeave", {"waitingId": key}, WANTED)
    over = await act(database, firm.caller, "waitingLeave", {"waitingId": key}, WANTED)

    assert again["refused"] == ["ALREADY_WAITING input sessionId"]
    assert (more["waiting"]["people"], more["waiting"]["position"]) == (2, 1)
    assert (gone["waiting"]["state"], over["refused"]) == ("LEFT", ["WRONG_STATE input waitingId"])


async def test_an_exam_is_waited_for_within_a_distance_and_until_a_day(database: Database) -> None:
    at = await full(database)
    exam = {"examId": global_id("Exam", at.district.item.theory.id)}

    bare = await join(at, at.firm.caller, **exam)
    both = await join(at, at.firm.caller, **exam, sessionId=global_id("Session", at.session.id))
    good = await join(at, at.firm.caller, **exam, mostKm=30.0, untilDay="2026-04-30")

    assert bare["refused"] == ["BAD_INPUT input mostKm", "BAD_INPUT input untilDay"]
    assert both["refused"] == ["BAD_INPUT input sessionId"]
    assert (good["waiting"]["state"], good["waiting"]["session"]) == ("WAITING", None)


@pytest.mark.parametrize("forged", ["", "rubbish", global_id("Session", 1), global_id("Waiting", 10**15)])
async def test_forged_and_absent_wishes_are_not_there(database: Database, forged: str) -> None:
    at = await scene(database)

    answer = await act(database, at.firm.caller, "waitingLeave", {"waitingId": forged})

    assert answer["refused"] == ["NOT_FOUND input waitingId"]


async def test_only_firms_wait(database: Database) -> None:
    at = await full(database)

    assert (await join(at, await at.caller(Role.OFFICE)))["refused"] == ["NOT_ALLOWED"]
