"""Shares over the tiers, over GraphQL."""

from typing import Any

import pytest

from models.database import Database
from models.vocabulary import Role
from scheduler.callers import Caller
from tests.asking import act, ask, global_id, read
from tests.sharing import SOONER, UNTIL, Tiers, tiers

pytestmark = pytest.mark.asyncio

SHARE = "id given drawn grantedOn goneBack left until state jurisdiction { name }"
PLACES = "{ sessions(openPlacesOnly: true) { nodes { openPlaces sharedPlaces bookablePlaces } } }"


async def grant(of: Tiers, caller: Caller, to: int, places: int, **also: Any) -> Any:
    taken = {
        "sessionId": global_id("Session", of.at.session.id),
        "jurisdictionId": global_id("Jurisdiction", to),
        "places": places,
        "until": UNTIL.isoformat(),
    }
    return await act(of.at.database, caller, "placesGrant", taken | also, f"placeGrant {{ {SHARE} }}")


async def shares(of: Tiers, caller: Caller) -> list[tuple[int, int, int]]:
    answer = await read(of.at.database, caller, "{ placeGrants { nodes { given drawn left } } }")
    return [(each["given"], each["drawn"], each["left"]) for each in answer["placeGrants"]["nodes"]]


async def test_places_go_down_the_tiers_are_booked_and_come_back(database: Database) -> None:
    of = await tiers(database)
    town = await grant(of, of.bureau, of.at.district.town.id, 10)
    office = await grant(of, of.town, of.at.district.office.id, 4, until=SOONER.isoformat())
    await of.choose(of.at.firm, 1)
    back = {"placeGrantId": office["placeGrant"]["id"], "places": 2}
    payload = await act(database, of.office, "placeGrantHandBack", back, f"placeGrant {{ {SHARE} }}")

    assert (town["refused"], town["placeGrant"]["left"], town["placeGrant"]["state"]) == ([], 10, "STANDING")
    assert {name: payload["placeGrant"][name] for name in ("given", "drawn", "goneBack", "left")} == {
        "given": 4, "drawn": 1, "goneBack": 2, "left": 1,
    }  # fmt: skip
    assert await shares(of, of.bureau) == [(10, 0, 8), (4, 1, 1)]
    assert await shares(of, of.town) == [(10, 0, 8), (4, 1, 1)]
    assert await shares(of, of.office) == [(4, 1, 1)]
    seen = [await read(database, firm.caller, PLACES) for firm in (of.at.firm, of.neighbour, of.stranger)]
    assert [each["sessions"]["nodes"] for each in seen] == [
        [{"openPlaces": 2, "sharedPlaces": 9, "bookablePlaces": places}] for places in (11, 10, 2)
    ]


async def test_a_session_with_nothing_but_a_share_is_shown_to_its_own_firms_alone(database: Database) -> None:
    of = await tiers(database)
    await of.grant(12)

    assert (await read(database, of.neighbour.caller, PLACES))["sessions"]["nodes"]
    assert not (await read(database, of.stranger.caller, PLACES))["sessions"]["nodes"]


async def test_siblings_firms_and_outsiders_see_no_share_and_cannot_tell_it_from_none(database: Database) -> None:
    of = await tiers(database)
    share, sibling = await of.grant(5), await of.at.caller(Role.TOWN, of.elsewhere)
    there, absent = global_id("PlaceGrant", share.id), global_id("PlaceGrant", 9_999_999)

    for caller in (sibling, of.at.firm.caller, await of.at.caller(Role.EXAM_BODY)):
        assert await shares(of, caller) == []
    node = "query ($id: ID!) { node(id: $id) { id } }"
    told = [await ask(database, sibling, node, id=key) for key in (there, absent)]
    back = [
        await act(database, sibling, "placeGrantHandBack", {"placeGrantId": key, "places": 1})
        for key in (there, absent)
    ]

    assert told[0] == told[1]
    assert back[0] == back[1]
    assert back[0]["refused"] == ["NOT_FOUND input placeGrantId"]


async def test_a_refusal_names_the_field_and_the_way_out(database: Database) -> None:
    of = await tiers(database)

    wrong = await grant(of, of.bureau, of.at.district.office.id, 1)
    many = await grant(of, of.bureau, of.at.district.town.id, 13)
    late = await grant(of, of.bureau, of.at.district.town.id, 1, until="2027-01-01T00:00:00Z")

    assert wrong["refused"] == ["NOT_FOUND input jurisdictionId"]
    assert many["refused"] == ["OUT_OF_RANGE input places"]
    assert many["userErrors"][0]["message"] == "Grant 1 to 12 places: that is what is left."
    assert late["refused"] == ["OUT_OF_RANGE input until"]
