"""Half-days of examiners over the tiers, over GraphQL."""

from typing import Any

import pytest

from models.database import Database
from models.vocabulary import Role
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, global_id, read
from tests.consulting import NOW
from tests.scheduler.test_staff_granting import UNTIL, Tiers, make_tiers

pytestmark = pytest.mark.asyncio

SHARE = "id month given grantedOn goneBack inUse left state item { code } jurisdiction { name }"


async def grant(of: Tiers, caller: Caller, to: int, half_days: int, **also: Any) -> Any:
    taken = {
        "itemId": global_id("Item", of.place.item.item.id),
        "month": "2026-04-01",
        "jurisdictionId": global_id("Jurisdiction", to),
        "halfDays": half_days,
        "until": UNTIL.isoformat(),
    }
    return await act(of.database, caller, "staffHalfDaysGrant", taken | also, f"staffGrant {{ {SHARE} }}")


async def seen(of: Tiers, caller: Caller) -> list[tuple[int, int]]:
    answer = await read(of.database, caller, f'{{ staffGrants(month: "2026-04-01") {{ nodes {{ {SHARE} }} }} }}')
    return [(each["given"], each["left"]) for each in answer["staffGrants"]["nodes"]]


async def test_half_days_go_down_are_seen_by_their_own_line_alone_and_come_back(database: Database) -> None:
    of = await make_tiers(database)
    town = await grant(of, of.bureau, of.place.town.id, 6)
    office = await grant(of, of.town, of.place.office.id, 2)
    back = {"staffGrantId": office["staffGrant"]["id"], "halfDays": 1}
    payload = await act(database, of.office, "staffGrantHandBack", back, f"staffGrant {{ {SHARE} }}")
    async with database.writing(actor="test", now=NOW) as db:
        sibling = await make.make_caller(db, role=Role.TOWN, party=of.place.far_town)
    hidden = [
        await act(database, sibling, "staffGrantHandBack", {"staffGrantId": key, "halfDays": 1})
        for key in (office["staffGrant"]["id"], global_id("StaffGrant", 9_999_999))
    ]

    assert (town["refused"], town["staffGrant"]["left"], town["staffGrant"]["inUse"]) == ([], 6, 0)
    assert (payload["staffGrant"]["goneBack"], payload["staffGrant"]["left"]) == (1, 1)
    assert [await seen(of, caller) for caller in (of.bureau, of.office, sibling)] == [[(6, 5), (2, 1)], [(2, 1)], []]
    assert hidden[0] == hidden[1]
    assert hidden[0]["refused"] == ["NOT_FOUND input staffGrantId"]


async def test_a_refusal_names_the_field(database: Database) -> None:
    of = await make_tiers(database)

    told = [
        await grant(of, of.bureau, of.place.office.id, 1),
        await grant(of, of.bureau, of.place.town.id, 0),
        await grant(of, of.bureau, of.place.town.id, 1, month="2026-04-02"),
        await grant(of, of.bureau, of.place.town.id, 1, until="2026-06-01T00:00:00Z"),
    ]

    assert [each["refused"] for each in told] == [
        ["NOT_FOUND input jurisdictionId"],
        ["OUT_OF_RANGE input halfDays"],
        ["OUT_OF_RANGE input month"],
        ["OUT_OF_RANGE input until"],
    ]
