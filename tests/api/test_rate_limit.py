"""What an operation costs is known before it is run, told beside its answer, and taken out of an allowance."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.app import application
from api.graphql.context import Service
from api.graphql.requests import GRAPHQL_JSON
from models.database import Database
from models.vocabulary import Role
from scheduler.accounts import open_sign_in
from scheduler.allowances import Allowance
from scheduler.clock import SetClock
from tests import factories as make
from tests.factories import NOW, SEALER

pytestmark = pytest.mark.asyncio

PAGE = "query ($n: Int) { workers(first: $n) { nodes { name } } }"
FRAGMENT = """
query ($dry: Boolean! = true) { ...A workers(first: 50) { nodes { name } } }
fragment A on Query { told: rateLimit(dryRun: $dry) { cost limit remaining } }
"""
SLOW = Allowance(100, 0.001)


@pytest_asyncio.fixture
async def firm(database: Database) -> httpx.AsyncClient:
    async with database.writing(actor="test", now=NOW) as db:
        enterprise = await make.make_enterprise(db)
        await make.make_worker(db, enterprise=enterprise)
        account = await make.make_account(db, role=Role.ENTERPRISE, party=enterprise)
        token = (await open_sign_in(db, account, now=NOW)).token
    service = Service(database=database, clock=SetClock(NOW), sealer=SEALER, allowance=SLOW)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(application(service)),
        base_url="http://doorstep.test",
        headers={"authorization": f"Bearer {token}", "accept": GRAPHQL_JSON},
    )


async def asked(client: httpx.AsyncClient, query: str, **variables: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, "variables": variables})


async def test_the_cost_is_told_beside_the_answer(firm: httpx.AsyncClient) -> None:
    answer = (await asked(firm, PAGE, n=30)).json()

    assert len(answer["data"]["workers"]["nodes"]) == 1
    assert answer["extensions"] == {"cost": {"requested": 31, "limit": 100, "remaining": 69, "restoreRate": 0.001}}


async def test_what_is_beyond_the_allowance_is_not_run_and_is_told_when_to_come_again(firm: httpx.AsyncClient) -> None:
    await asked(firm, PAGE, n=80)

    answer = await asked(firm, PAGE, n=30)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"], "data" in answer.json()) == (429, "THROTTLED", False)
    # 12 are missing, and a point comes back in a thousand seconds.
    assert 11_900_000 < error["extensions"]["retryAfterMilliseconds"] <= 12_000_001
    assert 11_900 < int(answer.headers["retry-after"]) <= 12_001
    assert (await asked(firm, PAGE, n=15)).json()["extensions"]["cost"]["remaining"] == 3


async def test_what_is_dearer_than_the_whole_allowance_is_told_so(firm: httpx.AsyncClient) -> None:
    answer = (await asked(firm, PAGE, n=100)).json()

    assert answer["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "cost", "most": 100}


@pytest.mark.parametrize(
    "query",
    [
        "{ told: rateLimit(dryRun: true) { cost limit remaining } workers(first: 50) { nodes { name } } }",
        FRAGMENT,
    ],
    ids=["written out", "in a fragment, by a variable"],
)
async def test_a_dry_run_tells_the_cost_and_neither_runs_nor_charges(firm: httpx.AsyncClient, query: str) -> None:
    answer = (await asked(firm, query, dry=True)).json()

    assert answer["data"] == {"told": {"cost": 51, "limit": 100, "remaining": 100}}


async def test_without_a_dry_run_everything_is_answered_and_charged(firm: httpx.AsyncClient) -> None:
    query = (
        "query ($dry: Boolean!) { rateLimit(dryRun: $dry) { cost remaining } workers(first: 50) { nodes { name } } }"
    )

    answer = (await asked(firm, query, dry=False)).json()

    assert answer["data"]["rateLimit"] == {"cost": 51, "remaining": 49}
    assert len(answer["data"]["workers"]["nodes"]) == 1


async def test_who_is_not_signed_in_has_no_allowance(firm: httpx.AsyncClient) -> None:
    del firm.headers["authorization"]

    answer = (await asked(firm, "{ rateLimit { cost } viewer { name } }")).json()

    assert answer == {"data": {"rateLimit": None, "viewer": None}, "extensions": {"cost": {"requested": 0}}}
