"""Holding places, naming people into them and asking again, over GraphQL."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.responses import Response

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.vocabulary import Role
from scheduler.clock import SetClock
from scheduler.line import Line
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

HELD = """
hold { id people named state secondsLeft heldUntil session { openPlaces held } }
alternatives { kind places session { id } } queueLength
"""
KEYED = """
mutation ($input: PlacesHoldInput!) @idempotent(key: "a lift without signal") {
  placesHold(input: $input) { hold { id people secondsLeft } userErrors { code } } }
"""


async def hold(at: Scene, people: int, **also: Any) -> Any:
    taken = {"sessionId": global_id("Session", at.session.id), "people": people, "orFewer": also.pop("or_fewer", False)}
    return await act(at.database, at.firm.caller, "placesHold", taken, HELD, **also)


async def test_places_are_held_named_and_shown_with_the_time_that_is_left(database: Database) -> None:
    at = await scene(database, places=12)

    held = (await hold(at, 2))["hold"]
    workers = [global_id("Worker", key) for key in at.firm.ids(0, 1)]
    named = {"holdId": held["id"], "workerIds": workers}
    booked = await act(database, at.firm.caller, "holdConfirm", named, "bookings { worker { id } } queueLength")
    mine = await read(database, at.firm.caller, "{ holds { nodes { state named secondsLeft } } }")

    assert (held["people"], held["secondsLeft"], held["session"]) == (2, 900, {"openPlaces": 10, "held": 2})
    assert [row["worker"]["id"] for row in booked["bookings"]] == workers
    assert mine["holds"]["nodes"] == [{"state": "USED", "named": 2, "secondsLeft": 0}]
    assert await at.booked() == at.firm.ids(0, 1)


async def test_a_hold_is_extended_and_given_back(database: Database) -> None:
    at = await scene(database)
    key = {"holdId": (await hold(at, 1))["hold"]["id"]}

    longer = await act(database, at.firm.caller, "holdExtend", key, "hold { secondsLeft }", shape="HoldInput")
    again = await act(database, at.firm.caller, "holdExtend", key, shape="HoldInput")
    gone = await act(database, at.firm.caller, "holdRelease", key, "hold { state }", shape="HoldInput")

    assert longer["hold"] == {"secondsLeft": 1800}
    assert again["refused"] == ["ALREADY_EXTENDED input holdId"]
    assert gone["hold"] == {"state": "RELEASED"}
    assert await at.held() == 0


async def test_a_full_session_answers_with_others_that_can_be_held_by_their_ids(database: Database) -> None:
    at = await scene(database, places=4)
    near = await at.another_session()
    await hold(at, 2)

    answer = await hold(at, 1)

    assert answer["refused"] == ["OVER_SHARE input people"]
    assert answer["alternatives"] == [
        {"kind": "OTHER_SITE", "places": 1, "session": {"id": global_id("Session", near.id)}}
    ]
    assert answer["queueLength"] == 0
    assert (await hold(at, 5))["refused"] == ["OUT_OF_RANGE input people"]
    assert (await hold(at, 0))["refused"] == ["OUT_OF_RANGE input people"]


@pytest.mark.parametrize("forged", ["", "rubbish", global_id("Session", 1), global_id("Hold", 10**15)])
async def test_forged_and_absent_holds_are_not_there(database: Database, forged: str) -> None:
    at = await scene(database)

    answer = await act(database, at.firm.caller, "holdRelease", {"holdId": forged}, shape="HoldInput")

    assert answer["refused"] == ["NOT_FOUND input holdId"]


async def test_a_keyed_hold_is_made_once_and_answered_alike(database: Database) -> None:
    at = await scene(database, places=5)
    taken = {"sessionId": global_id("Session", at.session.id), "people": 2}

    first = await ask(database, at.firm.caller, KEYED, input=taken)
    again = await ask(database, at.firm.caller, KEYED, input=taken, now=make.NOW + timedelta(minutes=1))
    reused = await ask(database, at.firm.caller, KEYED, input=taken | {"people": 1})

    held = first["data"]["placesHold"]["hold"]
    assert again["data"]["placesHold"] == {"hold": held | {"secondsLeft": 840}, "userErrors": []}
    assert reused["data"]["placesHold"] == {"hold": None, "userErrors": [{"code": "KEY_REUSED"}]}
    assert await at.held() == 2


async def test_a_firm_sees_its_own_holds_and_its_office_does(database: Database) -> None:
    at = await scene(database)
    await hold(at, 1)
    document = "{ holds { nodes { people } } }"
    readers = [at.firm.caller, (await at.another_firm()).caller, await at.caller(Role.OFFICE)]

    seen = [(await read(database, reader, document))["holds"]["nodes"] for reader in readers]

    assert seen == [[{"people": 1}], [], [{"people": 1}]]


async def test_nobody_holds_places_without_signing_in(database: Database) -> None:
    at = await scene(database)
    document = "mutation ($input: PlacesHoldInput!) { placesHold(input: $input) { userErrors { code } } }"
    taken = {"sessionId": global_id("Session", at.session.id), "people": 1}

    answer = await ask(database, None, document, input=taken)

    assert answer["data"]["placesHold"]["userErrors"] == [{"code": "NOT_SIGNED_IN"}]
    assert await at.held() == 0


@pytest.mark.parametrize("line", ["desk", "writes"])
async def test_beyond_the_line_a_client_is_told_when_to_come_again_and_nothing_is_written(
    database: Database, line: str
) -> None:
    at = await scene(database)
    service = Service(database, SetClock(make.NOW), make.SEALER, **{line: Line(0)})
    context = Context(service, caller=at.firm.caller, token=None, response=Response())
    field, taken = {
        "desk": ("placesHold", {"sessionId": global_id("Session", at.session.id), "people": 1}),
        "writes": ("holdRelease", {"holdId": global_id("Hold", 1)}),
    }[line]
    kind = {"desk": "PlacesHoldInput", "writes": "HoldInput"}[line]
    document = f"""mutation ($input: {kind}!) {{ {field}(input: $input) {{
      userErrors {{ code ... on BusyRefusal {{ retryAfterMilliseconds }} }} }} }}"""

    done = await schema.execute(document, variable_values={"input": taken}, context_value=context)

    assert done.data == {field: {"userErrors": [{"code": "BUSY", "retryAfterMilliseconds": 20}]}}
    assert await at.holds() == []
