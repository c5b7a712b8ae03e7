"""Promises, bookings and alternatives over GraphQL."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from models.database import Database
from models.vocabulary import Role, SessionState
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

BOOKING = "bookings { id state attendance worker { id } enterprise { id } promise { id named state } result { mark } }"
MINE = """
query { promises(states: [HELD]) { nodes { people named heldUntil request { people } session { openPlaces } } }
        bookings(states: [CONFIRMED]) { nodes { changes worker { name } session { taken } } } }
"""
ROSTER = """
query ($id: ID!) { node(id: $id) { ... on Session {
  bookings(first: 2) { nodes { worker { name } } pageInfo { hasNextPage } } promises { people } } } }
"""


def workers(at: Scene, *places: int) -> list[str]:
    return [global_id("Worker", key) for key in at.firm.ids(*places)]


async def confirm(at: Scene, promise_id: str, worker_ids: list[str], caller: Caller | None = None) -> Any:
    taken = {"promiseId": promise_id, "workerIds": worker_ids}
    return await act(at.database, caller or at.firm.caller, "bookingConfirm", taken, BOOKING)


async def create(at: Scene, session_id: str, worker_ids: list[str], caller: Caller | None = None) -> Any:
    wanted = f"{BOOKING} alternatives {{ session {{ id openPlaces }} }}"
    taken = {"sessionId": session_id, "workerIds": worker_ids}
    return await act(at.database, caller or at.firm.caller, "bookingCreate", taken, wanted)


async def test_promised_places_get_names(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)

    answer = await confirm(at, global_id("Promise", promise.id), workers(at, 0, 1))

    assert answer["refused"] == []
    assert answer["bookings"][0] == {
        "id": answer["bookings"][0]["id"],
        "state": "CONFIRMED",
        "attendance": "EXPECTED",
        "worker": {"id": workers(at, 0)[0]},
        "enterprise": {"id": global_id("Enterprise", at.firm.enterprise.id)},
        "promise": {"id": global_id("Promise", promise.id), "named": 2, "state": "USED"},
        "result": None,
    }
    assert await at.booked() == at.firm.ids(0, 1)


async def test_each_wrong_worker_is_named_in_the_answer(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=5)
    other = await at.another_firm()
    named = [*workers(at, 0), global_id("Worker", other.ids(0)[0]), *workers(at, 0)]
    document = """
    mutation ($input: BookingConfirmInput!) { bookingConfirm(input: $input) {
      bookings { id } userErrors { code path ... on WorkerRefusal { workerId } } } }
    """

    taken = {"promiseId": global_id("Promise", promise.id), "workerIds": named}
    answer = (await ask(database, at.firm.caller, document, input=taken))["data"]["bookingConfirm"]

    assert answer == {
        "bookings": None,
        "userErrors": [
            {"code": "NOT_YOUR_WORKER", "path": ["input", "workerIds", "1"], "workerId": named[1]},
            {"code": "SAME_PERSON_TWICE", "path": ["input", "workerIds", "2"], "workerId": named[2]},
        ],
    }
    assert await at.booked() == []


async def test_a_session_that_is_too_small_answers_with_the_nearest_others(database: Database) -> None:
    at = await scene(database, places=1)
    near = await at.another_session(places=7)

    answer = await create(at, global_id("Session", at.session.id), workers(at, 0, 1))
    done = await create(at, answer["alternatives"][0]["session"]["id"], workers(at, 0, 1))

    assert answer["refused"] == ["OUT_OF_RANGE input workerIds"]
    assert answer["alternatives"] == [{"session": {"id": global_id("Session", near.id), "openPlaces": 7}}]
    assert (done["refused"], done["alternatives"], len(done["bookings"])) == ([], [], 2)
    assert (await at.counts(), await at.counts(near.id)) == ((0, 0), (0, 2))


@pytest.mark.parametrize("forged", ["", "rubbish", global_id("Session", 1), global_id("Promise", 10**15)])
async def test_forged_foreign_and_absent_promises_answer_alike(database: Database, forged: str) -> None:
    at = await scene(database)
    theirs = await at.promise(await at.another_firm(), people=2)

    foreign = await confirm(at, global_id("Promise", theirs.id), workers(at, 0))
    answer = await confirm(at, forged, workers(at, 0))

    assert answer["refused"] == ["NOT_FOUND input promiseId"]
    assert answer["userErrors"] == foreign["userErrors"]


async def test_nobody_and_ten_thousand_are_refused(database: Database) -> None:
    at = await scene(database)
    session = global_id("Session", at.session.id)

    assert (await create(at, session, []))["refused"] == ["BAD_INPUT input workerIds"]
    assert (await create(at, session, workers(at, 0) * 10_000))["refused"] == ["OUT_OF_RANGE input workerIds"]
    assert await at.counts() == (0, 0)


async def test_a_place_is_passed_on_and_given_up(database: Database) -> None:
    at = await scene(database)
    booked = (await create(at, global_id("Session", at.session.id), workers(at, 0)))["bookings"][0]
    wanted = "booking { state changes worker { id } }"
    instead = {"bookingId": booked["id"], "workerId": workers(at, 1)[0]}

    passed_on = await act(database, at.firm.caller, "bookingSubstitute", instead, wanted)
    given_up = await act(database, at.firm.caller, "bookingCancel", {"bookingId": booked["id"]}, wanted)
    again = await act(database, at.firm.caller, "bookingCancel", {"bookingId": booked["id"]}, wanted)

    assert passed_on["booking"] == {"state": "CONFIRMED", "changes": 1, "worker": {"id": workers(at, 1)[0]}}
    assert given_up["booking"]["state"] == "CANCELLED"
    assert (again["booking"], again["refused"]) == (None, ["WRONG_STATE input bookingId"])


async def test_a_firm_reads_its_own_promises_and_places_and_no_others(database: Database) -> None:
    at = await scene(database)
    other = await at.another_firm()
    await at.promise(people=2)
    await at.promise(other, people=3)
    await create(at, global_id("Session", at.session.id), workers(at, 0))

    mine, theirs = [await read(database, caller, MINE) for caller in (at.firm.caller, other.caller)]

    (promise,) = mine["promises"]["nodes"]
    assert (promise["people"], promise["named"], promise["request"], promise["session"]) == (
        2,
        0,
        {"people": 2},
        {"openPlaces": 6},
    )
    assert mine["bookings"]["nodes"] == [
        {"changes": 0, "worker": {"name": at.firm.workers[0].name}, "session": {"taken": 1}}
    ]
    assert [node["people"] for node in theirs["promises"]["nodes"]] == [3]
    assert theirs["bookings"]["nodes"] == []


async def test_the_roster_is_read_by_its_exam_body_page_by_page_and_by_a_firm_only_its_own(database: Database) -> None:
    at = await scene(database)
    other = await at.another_firm()
    await create(at, global_id("Session", at.session.id), workers(at, 0, 1, 2))
    document, session = ROSTER, global_id("Session", at.session.id)

    body = (await read(database, await at.caller(Role.EXAM_BODY), document, id=session))["node"]
    firm = (await read(database, other.caller, document, id=session))["node"]

    assert body["bookings"] == {
        "nodes": [{"worker": {"name": worker.name}} for worker in at.firm.workers[:2]],
        "pageInfo": {"hasNextPage": True},
    }
    assert firm == {"bookings": {"nodes": [], "pageInfo": {"hasNextPage": False}}, "promises": []}


async def test_a_roster_costs_the_same_statements_for_one_and_for_many(database: Database) -> None:
    at = await scene(database, people=5)
    caller, session = await at.caller(Role.EXAM_BODY), global_id("Session", at.session.id)
    document = """
    query ($id: ID!) { node(id: $id) { ... on Session { bookings {
      nodes { worker { name enterprise { name } } promise { people } result { mark } } } } } }
    """
    counted: list[int] = []
    for place in ([0], [1, 2, 3, 4]):
        await create(at, session, workers(at, *place))
        statements: list[str] = []
        listener = lambda *told: statements.append(told[2])  # noqa: B023, E731  # heard only within this turn
        event.listen(database.engine.sync_engine, "before_cursor_execute", listener)
        await read(database, caller, document, id=session)
        event.remove(database.engine.sync_engine, "before_cursor_execute", listener)
        counted.append(len(statements))

    assert counted[0] == counted[1]


async def test_places_of_a_lapsed_promise_are_shown_open_as_soon_as_they_can_be_booked(database: Database) -> None:
    at = await scene(database, places=2)
    await at.promise(await at.another_firm(), people=2, held_until=make.NOW + timedelta(hours=1))
    document = "{ sessions(openPlacesOnly: true) { nodes { places promised taken openPlaces } } }"

    async def shown(*, hours: float) -> list[dict[str, int]]:
        answer = await ask(database, at.firm.caller, document, now=make.NOW + timedelta(hours=hours))
        nodes: list[dict[str, int]] = answer["data"]["sessions"]["nodes"]
        return nodes

    held, lapsed = await shown(hours=0.99), await shown(hours=1)
    unswept = await at.counts()
    taken = {"sessionId": global_id("Session", at.session.id), "workerIds": workers(at, 0)}
    booked = await act(
        database, at.firm.caller, "bookingCreate", taken, "bookings { id }", now=make.NOW + timedelta(hours=1)
    )

    assert (held, unswept) == ([], (2, 0))
    assert lapsed == [{"places": 2, "promised": 0, "taken": 0, "openPlaces": 2}]
    assert (len(booked["bookings"]), booked["refused"]) == (1, [])
    assert await shown(hours=1) == [{"places": 2, "promised": 0, "taken": 1, "openPlaces": 1}]


async def test_only_sessions_that_take_names_are_shown_as_having_open_places(database: Database) -> None:
    at = await scene(database)
    for state in (SessionState.FROZEN, SessionState.HELD, SessionState.CLOSED, SessionState.CANCELLED):
        await at.another_session(state=state)
    document = "{ sessions(openPlacesOnly: true) { nodes { id } } }"

    before = await ask(database, at.firm.caller, document, now=at.session.roster_freezes_at - timedelta(seconds=1))
    after = await ask(database, at.firm.caller, document, now=at.session.roster_freezes_at)

    assert before["data"]["sessions"]["nodes"] == [{"id": global_id("Session", at.session.id)}]
    assert after["data"]["sessions"]["nodes"] == []


async def test_nobody_books_without_signing_in(database: Database) -> None:
    at = await scene(database)
    document = "mutation ($input: BookingCreateInput!) { bookingCreate(input: $input) { userErrors { code } } }"
    taken = {"sessionId": global_id("Session", at.session.id), "workerIds": workers(at, 0)}

    answer = await ask(database, None, document, input=taken, now=make.NOW)

    assert answer["data"]["bookingCreate"]["userErrors"] == [{"code": "NOT_SIGNED_IN"}]
    assert await at.counts() == (0, 0)


async def test_a_place_is_moved_in_one_step_or_the_answer_says_where_else(database: Database) -> None:
    at = await scene(database)
    near, full = await at.another_session(), await at.another_session(places=1)
    await create(at, global_id("Session", full.id), workers(at, 1))
    booked = (await create(at, global_id("Session", at.session.id), workers(at, 0)))["bookings"][0]
    wanted = "booking { id changes session { id } } alternatives { kind session { id } }"

    def to(key: int) -> dict[str, str]:
        return {"bookingId": booked["id"], "sessionId": global_id("Session", key)}

    refused = await act(database, at.firm.caller, "bookingMove", to(full.id), wanted)
    moved = await act(database, at.firm.caller, "bookingMove", to(near.id), wanted)

    assert refused["refused"] == ["OVER_SHARE input sessionId"]
    assert refused["alternatives"][0]["session"]["id"] in {
        global_id("Session", key) for key in (at.session.id, near.id)
    }
    assert moved["booking"] == {
        "id": booked["id"],
        "changes": 1,
        "session": {"id": global_id("Session", near.id)},
    }
    assert (await at.booked(), await at.booked(near.id)) == ([], at.firm.ids(0))
