"""What an organiser does to a session over GraphQL: call it off, resize it, hold it anyway, flee the weather."""

from datetime import date

import pytest

from models.database import Database
from models.vocabulary import Role
from tests import factories as make
from tests.api.test_bookings import create, workers
from tests.asking import act, ask, global_id
from tests.scenes import scene

pytestmark = pytest.mark.asyncio


async def test_a_session_that_is_called_off_gives_its_places_back(database: Database) -> None:
    at = await scene(database)
    session = global_id("Session", at.session.id)
    await create(at, session, workers(at, 0))
    bureau = await at.caller(Role.BUREAU)
    taken = {"sessionId": session, "reason": "台风"}

    mine = await act(database, at.firm.caller, "sessionCancel", taken, "session { id }")
    done = await act(database, bureau, "sessionCancel", taken, "session { state taken openPlaces }")
    again = await act(database, bureau, "sessionCancel", taken, "session { id }")

    assert (mine["session"], mine["refused"]) == (None, ["NOT_ALLOWED"])
    assert done["session"] == {"state": "CANCELLED", "taken": 0, "openPlaces": 12}
    assert again["refused"] == ["WRONG_STATE input sessionId"]
    assert (await create(at, session, workers(at, 1)))["refused"] == ["WRONG_STATE input sessionId"]


async def test_a_session_gets_fewer_places_and_whoever_must_leave_sees_where_they_sit_now(database: Database) -> None:
    at = await scene(database)
    other = await at.another_session(day=date(2026, 4, 16))
    await create(at, global_id("Session", at.session.id), workers(at, 0, 1))
    taken = {"sessionId": global_id("Session", at.session.id), "places": 1, "reason": "一台叉车故障"}

    mine = await act(database, at.firm.caller, "sessionPlacesSet", taken, "session { id }")
    none = await act(
        database, await at.caller(Role.BUREAU), "sessionPlacesSet", taken | {"places": 0}, "session { id }"
    )
    done = await act(database, await at.caller(Role.BUREAU), "sessionPlacesSet", taken, "session { places taken }")
    seen = await ask(database, at.firm.caller, "{ bookings { nodes { session { id } isRelocated changes } } }")

    assert (mine["refused"], none["refused"]) == (["NOT_ALLOWED"], ["OUT_OF_RANGE input places"])
    assert done["session"] == {"places": 1, "taken": 1}
    assert [
        (row["session"]["id"], row["isRelocated"], row["changes"]) for row in seen["data"]["bookings"]["nodes"]
    ] == [(global_id("Session", at.session.id), False, 0), (global_id("Session", other.id), True, 0)]


async def test_a_session_that_is_held_anyway_is_confirmed_once(database: Database) -> None:
    at = await scene(database)
    taken = {"sessionId": global_id("Session", at.session.id)}
    bureau = await at.caller(Role.BUREAU)

    mine = await act(database, at.firm.caller, "sessionConfirm", taken, "session { id }")
    done = await act(database, bureau, "sessionConfirm", taken, "session { state confirmedAt confirmDueAt }")
    again = await act(database, bureau, "sessionConfirm", taken, "session { id }")

    assert (mine["refused"], again["refused"]) == (["NOT_ALLOWED"], ["WRONG_STATE input sessionId"])
    assert done["session"] == {
        "state": "PUBLISHED", "confirmedAt": "2026-03-02T02:00:00+00:00", "confirmDueAt": "2026-04-12T00:30:00+00:00",
    }  # fmt: skip


async def test_a_day_of_bad_weather_answers_with_where_the_practicals_went(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        outdoors = {"exam": at.district.item.practical, "exam_body": at.district.exam_body, "day": date(2026, 3, 5)}
        session = await make.make_session(db, site=at.district.site, **outdoors)
    taken = {"siteId": global_id("Site", at.district.site.id), "day": "2026-03-05", "reason": "台风"}

    done = await act(
        database,
        await at.caller(Role.OFFICE),
        "siteWeatherBlock",
        taken,
        "site { weatherBlocks { day reason } } sessions { id day state }",
    )

    assert done["site"] == {"weatherBlocks": [{"day": "2026-03-05", "reason": "台风"}]}
    assert done["sessions"] == [{"id": global_id("Session", session.id), "day": "2026-03-06", "state": "PUBLISHED"}]
