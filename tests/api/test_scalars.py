"""Days, moments and cursors as clients type them: what no calendar and no column holds is refused at the door."""

import base64
from typing import Any

import orjson
import pytest

from models.database import Database
from models.rounds import Round
from models.vocabulary import Role
from tests import factories as make
from tests.asking import ask
from tests.consulting import all_of

pytestmark = pytest.mark.asyncio

ROUND = {
    "firstDay": "2026-04-01",
    "lastDay": "2026-06-30",
    "collectUntil": "2026-03-09T09:00:00+08:00",
    "consultUntil": "2026-03-15T09:00:00+08:00",
    "publishAt": "2026-03-20T09:00:00+08:00",
}
OPEN = "mutation ($input: RoundOpenInput!) { roundOpen(input: $input) { round { number } userErrors { code path } } }"


async def opened(database: Database, **given: Any) -> dict[str, Any]:
    async with database.writing(actor="test", now=make.NOW) as db:
        caller = await make.make_caller(db, role=Role.BUREAU, party=await make.make_bureau(db))
    return await ask(database, caller, OPEN, input=ROUND | given)


@pytest.mark.parametrize(
    ("field", "typed", "way_out"),
    [
        ("collectUntil", "2026-03-09T09:00:00", "Write a moment with its offset"),
        ("collectUntil", "2026-03-09", "Write a moment with its offset"),
        ("publishAt", "9999-12-31T23:00:00Z", "in the years 1900 to 2199"),
        ("publishAt", 1773018000, "Write a moment with its offset"),
        ("lastDay", "9999-12-31", "in the years 1900 to 2199"),
        ("firstDay", "0001-01-01", "in the years 1900 to 2199"),
        ("firstDay", "1 April", "Write a day as 2027-03-01"),
    ],
)
async def test_what_is_no_day_or_moment_is_named_with_the_way_out(
    database: Database, field: str, typed: object, way_out: str
) -> None:
    answer = await opened(database, **{field: typed})

    (error,) = answer["errors"]
    assert field in error.message
    assert way_out in error.message
    assert (answer["data"], await all_of(database, Round)) == (None, [])


async def test_a_round_beyond_two_years_is_refused_and_one_within_is_opened(database: Database) -> None:
    far = await opened(database, firstDay="2028-01-01", lastDay="2028-03-02")
    near = await opened(database, firstDay="2028-01-01", lastDay="2028-03-01")

    assert far["data"]["roundOpen"]["userErrors"] == [{"code": "OUT_OF_RANGE", "path": ["input", "lastDay"]}]
    assert near["data"]["roundOpen"]["round"] == {"number": 1}


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()


@pytest.mark.parametrize(
    ("field", "forged"),
    [
        ("sessions", cursor("2026-03-09T09:00:00", 1)),
        ("sessions", cursor("9999-12-31T00:00:00Z", 1)),
        ("sessions", cursor("2026-03-09T09:00:00Z", 2**63)),
        ("sessions", cursor("2026-03-09T09:00:00Z", True)),
        ("requests", cursor(2**64 - 1)),
        ("requests", cursor("1")),
        ("renewals", cursor("9999-12-31", 1)),
    ],
)
async def test_a_forged_cursor_is_refused(database: Database, field: str, forged: str) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        caller = await make.make_caller(db, role=Role.BUREAU, party=await make.make_bureau(db))

    answer = await ask(database, caller, f'{{ {field}(after: "{forged}") {{ nodes {{ id }} }} }}')

    assert [error.code for error in answer["errors"]] == ["BAD_INPUT"]
