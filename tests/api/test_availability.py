"""A firm asks what it can book, and is told by the rules by which it would be booked."""

from datetime import timedelta

import pytest

from models.database import Database
from models.parties import Recusal
from models.vocabulary import Role
from scheduler import waiting
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

AVAILABILITY = """query ($session: ID!, $people: Int, $workers: [ID!]) {
  availability(sessionId: $session, people: $people, workerIds: $workers) {
    places reasons { code path message ... on WorkerRefusal { workerId } } } }"""
PAGE = "{ sessions(first: 5) { nodes { openPlaces bookablePlaces } } }"


async def shown(at: Scene, people: int | None = None, workers: list[int] | None = None) -> tuple[int, list[str]]:
    """How many places there are for the firm, and the reasons as `code path`."""
    told = await read(
        at.database,
        at.firm.caller,
        AVAILABILITY,
        session=global_id("Session", at.session.id),
        people=people,
        workers=None if workers is None else [global_id("Worker", worker_id) for worker_id in workers],
    )
    found = told["availability"]
    return found["places"], [" ".join([reason["code"], *reason["path"]]) for reason in found["reasons"]]


async def test_a_firm_is_told_how_many_places_it_can_have_and_why_no_more(database: Database) -> None:
    at = await scene(database, places=10)

    assert await shown(at, 4) == (4, [])
    assert await shown(at, 5) == (4, ["OVER_SHARE"])
    assert await shown(at, 11) == (4, ["OUT_OF_RANGE"])
    page = await read(database, at.firm.caller, PAGE)
    assert page["sessions"]["nodes"] == [{"openPlaces": 10, "bookablePlaces": 4}]


async def test_each_person_is_told_what_stands_against_them(database: Database) -> None:
    at = await scene(database)
    other = await at.another_firm(1)

    assert await shown(at, workers=[*at.firm.ids(0, 0), *other.ids()]) == (
        5,
        ["SAME_PERSON_TWICE workerIds 1", "NOT_YOUR_WORKER workerIds 2"],
    )


async def test_places_that_whoever_waits_can_use_are_not_shown_to_others(database: Database) -> None:
    at = await scene(database, places=2, policy=ANY_SHARE)
    first, waits = await at.another_firm(), await at.another_firm()
    taken = {"sessionId": global_id("Session", at.session.id), "people": 2}
    await act(database, first.caller, "placesHold", taken)
    async with at.writing() as db:
        await waiting.join(db, waiting.Wish(1, at.session.id), caller=waits.caller, now=make.NOW)

    over = make.NOW + timedelta(minutes=15)
    told = await ask(database, at.firm.caller, PAGE, now=over)
    refused = await act(database, at.firm.caller, "placesHold", taken, now=over)
    one = await act(database, at.firm.caller, "placesHold", taken | {"people": 1}, now=over)

    assert told["data"]["sessions"]["nodes"] == [{"openPlaces": 2, "bookablePlaces": 1}]
    assert refused["refused"] == ["FULL input people"]
    assert one["refused"] == []
    assert await at.violations() == []


async def test_a_firm_that_an_examiner_must_not_examine_holds_nothing_there(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        db.add(Recusal(examiner_id=at.examiner.id, enterprise_id=at.firm.enterprise.id, reason="a brother"))
    before = await at.entries()

    taken = {"sessionId": global_id("Session", at.session.id), "people": 1}
    refused = await act(database, at.firm.caller, "placesHold", taken)

    assert await shown(at) == (0, ["STAFF_RECUSED"])
    assert refused["refused"] == ["STAFF_RECUSED input people"]
    assert (await at.held(), await at.entries()) == (0, before)


async def test_an_alternative_is_no_place_that_this_firm_cannot_have(database: Database) -> None:
    at = await scene(database, places=4)
    near = await at.another_session(places=5)
    await act(database, at.firm.caller, "placesHold", {"sessionId": global_id("Session", near.id), "people": 2})
    far = await at.another_session(places=5, site={"latitude": 31.4})

    told = await act(
        database,
        at.firm.caller,
        "placesHold",
        {"sessionId": global_id("Session", at.session.id), "people": 3},
        "alternatives { places session { id } }",
    )

    assert told["refused"] == ["OVER_SHARE input people"]
    assert told["alternatives"] == [{"places": 2, "session": {"id": global_id("Session", far.id)}}]


async def test_senseless_numbers_foreign_sessions_and_other_roles_are_refused(database: Database) -> None:
    at, elsewhere = await scene(database), await scene(database)

    async def code(caller: object, session: int, **asked: object) -> str:
        told = await ask(database, caller, AVAILABILITY, session=global_id("Session", session), **asked)  # type: ignore[arg-type]
        return str(told["errors"][0].code)

    assert await code(at.firm.caller, at.session.id, people=0) == "OUT_OF_RANGE"
    assert await code(at.firm.caller, at.session.id, people=10_000) == "OUT_OF_RANGE"
    assert await code(at.firm.caller, at.session.id, workers=[]) == "BAD_INPUT"
    assert await code(at.firm.caller, elsewhere.session.id) == "NOT_FOUND"
    assert await code(await at.caller(Role.BUREAU), at.session.id) == "NOT_ALLOWED"
