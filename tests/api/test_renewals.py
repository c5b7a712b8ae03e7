"""Renewals over GraphQL: proposed, applied for, decided."""

from datetime import date

import pytest

from models.database import Database
from models.vocabulary import Role
from scheduler.renewals_due import propose_due
from tests import factories as make
from tests.asking import act, read
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

DUE = """
query { renewals(states: [PROPOSED]) { nodes {
  id dueOn state certificate { expiresOn worker { name } } enterprise { id } successor { id } } } }
"""
DECLARED = {"hadNoResponsibleAccident": True, "hadNoLongBreak": True}


async def due(at: Scene) -> str:
    """The id of a renewal that was proposed to the firm."""
    async with at.writing() as db:
        days = {"issued_on": date(2022, 8, 29), "expires_on": date(2026, 8, 29)}
        await make.make_certificate(db, worker=at.firm.workers[0], item=at.district.item, **days)
        await propose_due(db, make.NOW)
    (node,) = (await read(at.database, at.firm.caller, DUE))["renewals"]["nodes"]
    assert (node["dueOn"], node["certificate"]["expiresOn"]) == ("2026-07-29", "2026-08-29")
    assert node["successor"] is None
    found: str = node["id"]
    return found


async def test_a_certificate_is_renewed(database: Database) -> None:
    at = await scene(database)
    key = await due(at)
    wanted = "renewals { state successor { issuedOn expiresOn state renews { state expiresOn } } }"

    applied = await act(
        database, at.firm.caller, "renewalApply", {"renewalId": key} | DECLARED, "renewal { state decisionDueAt }"
    )
    decided = await act(
        database, await at.caller(Role.BUREAU), "renewalDecide", {"renewalIds": [key], "grant": True}, wanted
    )

    assert applied["renewal"]["state"] == "APPLIED"
    assert decided["renewals"] == [
        {
            "state": "GRANTED",
            "successor": {
                "issuedOn": "2026-08-29",
                "expiresOn": "2030-08-29",
                "state": "VALID",
                "renews": {"state": "RENEWED", "expiresOn": "2026-08-29"},
            },
        }
    ]


async def test_a_missing_declaration_is_told_with_its_consequence(database: Database) -> None:
    at = await scene(database)
    taken = {"renewalId": await due(at)} | DECLARED | {"hadNoLongBreak": False}

    answer = await act(database, at.firm.caller, "renewalApply", taken, "renewal { state }")

    assert (answer["renewal"], answer["refused"]) == (None, ["DECLARATION_MISSING input hadNoLongBreak"])
    assert "examined again" in answer["userErrors"][0]["message"]


async def test_a_firm_declines(database: Database) -> None:
    at = await scene(database)

    answer = await act(database, at.firm.caller, "renewalDecline", {"renewalId": await due(at)}, "renewal { state }")

    assert answer["renewal"] == {"state": "DECLINED"}
    assert (await read(database, at.firm.caller, DUE))["renewals"]["nodes"] == []


async def test_another_firm_neither_sees_nor_answers_it(database: Database) -> None:
    at = await scene(database)
    key, other = await due(at), await at.another_firm()

    answer = await act(database, other.caller, "renewalApply", {"renewalId": key} | DECLARED)

    assert answer["refused"] == ["NOT_FOUND input renewalId"]
    assert (await read(database, other.caller, DUE))["renewals"]["nodes"] == []
