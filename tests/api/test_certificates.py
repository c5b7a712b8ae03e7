"""Certificates and renewals over GraphQL."""

from datetime import date

import pytest

from models.database import Database
from models.vocabulary import CertificateState, Role
from tests import factories as make
from tests.asking import act, global_id, read
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

PENDING = "query { certificates(states: [PENDING]) { nodes { id worker { name } item { code } expiresOn } } }"


async def certificate(at: Scene, state: CertificateState) -> str:
    days = (
        {} if state is CertificateState.PENDING else {"issued_on": date(2022, 8, 29), "expires_on": date(2026, 8, 29)}
    )
    async with at.writing() as db:
        made = await make.make_certificate(db, worker=at.firm.workers[0], item=at.district.item, state=state, **days)
    return global_id("Certificate", made.id)


async def test_the_bureau_decides_on_what_awaits_it(database: Database) -> None:
    at = await scene(database)
    await certificate(at, CertificateState.PENDING)
    bureau = await at.caller(Role.BUREAU)
    (waiting,) = (await read(database, bureau, PENDING))["certificates"]["nodes"]
    taken = {"certificateIds": [waiting["id"]], "grant": True}

    done = await act(database, bureau, "certificateDecide", taken, "certificates { state issuedOn expiresOn }")
    again = await act(database, bureau, "certificateDecide", taken, "certificates { state }")

    assert (waiting["worker"], waiting["expiresOn"]) == ({"name": at.firm.workers[0].name}, None)
    assert done["certificates"] == [{"state": "VALID", "issuedOn": "2026-03-02", "expiresOn": "2030-03-02"}]
    assert (again["certificates"], again["refused"]) == (None, ["WRONG_STATE input certificateIds 0"])
    assert (await read(database, bureau, PENDING))["certificates"]["nodes"] == []


async def test_firms_decide_nothing_and_see_only_their_own(database: Database) -> None:
    at = await scene(database)
    key = await certificate(at, CertificateState.PENDING)
    other = await at.another_firm()

    answer = await act(database, at.firm.caller, "certificateDecide", {"certificateIds": [key], "grant": True})

    assert answer["refused"] == ["NOT_ALLOWED"]
    assert len((await read(database, at.firm.caller, PENDING))["certificates"]["nodes"]) == 1
    assert (await read(database, other.caller, PENDING))["certificates"]["nodes"] == []


async def test_a_forged_certificate_is_not_found(database: Database) -> None:
    at = await scene(database)
    bureau = await at.caller(Role.BUREAU)

    for forged in ("rubbish", global_id("Worker", 1), global_id("Certificate", 10**15)):
        answer = await act(database, bureau, "certificateDecide", {"certificateIds": [forged], "grant": True})
        assert answer["refused"] == ["NOT_FOUND input certificateIds 0"]
