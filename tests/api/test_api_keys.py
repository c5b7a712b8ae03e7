"""A partner's own system calls with a key: shown once, as far as its scope goes, until it ends or is revoked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlmodel import col, select

from api.app import application
from api.graphql.context import Service
from models.database import Database
from models.journal import AuditEntry
from models.parties import ApiKey
from models.vocabulary import Role
from scheduler.accounts import open_sign_in
from scheduler.api_keys import MOST_KEYS
from scheduler.clock import SetClock
from tests import factories as make
from tests.factories import NOW, SEALER

pytestmark = pytest.mark.asyncio

CREATE = """mutation ($input: ApiKeyCreateInput!) {
  apiKeyCreate(input: $input) { token apiKey { id name prefix scope expiresAt } userErrors { code path } } }"""
REVOKE = """mutation ($input: ApiKeyRevokeInput!) {
  apiKeyRevoke(input: $input) { apiKey { revokedAt } userErrors { code path } } }"""
MINE = "{ viewer { role } workers { nodes { name } } apiKeys { nodes { prefix lastUsedAt revokedAt } } }"
OWN = {"name": "our system", "scope": "WRITE"}


class Firm:
    """A firm's clerk, signed in, and the service."""

    def __init__(self, database: Database, token: str) -> None:
        self.database = database
        self.token = token

    async def ask(
        self, query: str, *, token: str | None = None, now: datetime = NOW, **taken: Any
    ) -> Mapping[str, Any]:
        service = Service(database=self.database, clock=SetClock(now), sealer=SEALER)
        headers = {"authorization": f"Bearer {token or self.token}"}
        transport = httpx.ASGITransport(application(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://doorstep.test", headers=headers) as client:
            asked = {"query": query, "variables": {"input": taken}}
            answer: Mapping[str, Any] = (await client.post("/graphql", json=asked)).json()
        return answer

    async def key(self, **taken: Any) -> Mapping[str, Any]:
        created: Mapping[str, Any] = (await self.ask(CREATE, **(OWN | taken)))["data"]["apiKeyCreate"]
        return created


@pytest_asyncio.fixture
async def firm(database: Database) -> Firm:
    async with database.writing(actor="test", now=NOW) as db:
        enterprise = await make.make_enterprise(db)
        await make.make_worker(db, enterprise=enterprise)
        account = await make.make_account(db, role=Role.ENTERPRISE, party=enterprise)
        return Firm(database, (await open_sign_in(db, account, now=NOW)).token)


async def test_a_key_acts_as_its_account(firm: Firm) -> None:
    created = await firm.key()

    seen = (await firm.ask(MINE, token=created["token"]))["data"]

    assert created["userErrors"] == []
    assert (seen["viewer"], len(seen["workers"]["nodes"])) == ({"role": "ENTERPRISE"}, 1)
    (key,) = seen["apiKeys"]["nodes"]
    assert (key["prefix"], key["lastUsedAt"]) == (created["apiKey"]["prefix"], NOW.isoformat())


async def test_what_is_kept_of_a_key_opens_nothing(firm: Firm) -> None:
    created = await firm.key()

    async with firm.database.reading() as db:
        row = (await db.exec(select(ApiKey))).one()
        acts = (await db.exec(select(col(AuditEntry.act)).where(col(AuditEntry.entity) == "api_key"))).all()

    start, prefix, secret = created["token"].split("_", 2)
    assert (start, prefix, acts) == ("dsk", row.prefix, ["key created"])
    assert secret.encode() not in row.secret_hash
    for forged in (f"dsk_{prefix}_", f"dsk_{prefix}_{secret[:-1]}", f"dsk_{prefix}", f"dsk__{secret}", "dsk_"):
        assert (await firm.ask(MINE, token=forged))["data"] is None, forged


async def test_a_key_that_reads_changes_nothing(firm: Firm) -> None:
    created = await firm.key(scope="READ")

    refused = await firm.ask("mutation { signOut { isSignedOut } }", token=created["token"])

    assert [error["extensions"]["code"] for error in refused["errors"]] == ["NOT_ALLOWED"]
    assert (await firm.ask(MINE, token=created["token"]))["data"]["viewer"]


async def test_a_key_counts_until_its_end(firm: Firm) -> None:
    created = await firm.key(days=2)
    end = NOW + timedelta(days=2)

    before = await firm.ask(MINE, token=created["token"], now=end - timedelta(seconds=1))
    after = await firm.ask(MINE, token=created["token"], now=end)

    assert (created["apiKey"]["expiresAt"], before["data"]["viewer"]) == (end.isoformat(), {"role": "ENTERPRISE"})
    assert after["data"] is None


async def test_a_revoked_key_is_over_at_once(firm: Firm) -> None:
    created = await firm.key()

    revoked = (await firm.ask(REVOKE, apiKeyId=created["apiKey"]["id"]))["data"]["apiKeyRevoke"]
    again = (await firm.ask(REVOKE, apiKeyId=created["apiKey"]["id"], now=NOW + timedelta(hours=1)))["data"]

    assert revoked == again["apiKeyRevoke"] == {"apiKey": {"revokedAt": NOW.isoformat()}, "userErrors": []}
    assert (await firm.ask(MINE, token=created["token"]))["data"] is None


async def test_a_key_makes_and_revokes_no_keys(firm: Firm) -> None:
    created = await firm.key()

    made = (await firm.ask(CREATE, token=created["token"], **OWN))["data"]["apiKeyCreate"]
    revoked = (await firm.ask(REVOKE, token=created["token"], apiKeyId=created["apiKey"]["id"]))["data"]["apiKeyRevoke"]

    assert [each["userErrors"][0]["code"] for each in (made, revoked)] == ["NOT_ALLOWED"] * 2
    assert (await firm.ask(MINE))["data"]["apiKeys"]["nodes"][0]["revokedAt"] is None


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({"name": " "}, "BAD_INPUT input name"),
        ({"days": 0}, "OUT_OF_RANGE input days"),
        ({"days": 367}, "OUT_OF_RANGE input days"),
    ],
)
async def test_a_key_has_a_name_and_an_end(firm: Firm, wrong: dict[str, Any], refused: str) -> None:
    (error,) = (await firm.key(**wrong))["userErrors"]

    assert " ".join([error["code"], *error["path"]]) == refused
    assert (await firm.ask(MINE))["data"]["apiKeys"]["nodes"] == []


async def test_there_are_so_many_keys_and_no_more(firm: Firm) -> None:
    keys = [await firm.key() for _ in range(MOST_KEYS)]

    one_more = await firm.key()
    await firm.ask(REVOKE, apiKeyId=keys[0]["apiKey"]["id"])

    assert [error["code"] for error in one_more["userErrors"]] == ["OUT_OF_RANGE"]
    assert (await firm.key())["userErrors"] == []


async def test_use_is_written_down_every_five_minutes(firm: Firm) -> None:
    token = (await firm.key())["token"]
    seen = []
    for minutes in (0, 4, 6):
        answer = await firm.ask(MINE, token=token, now=NOW + timedelta(minutes=minutes))
        seen.append(answer["data"]["apiKeys"]["nodes"][0]["lastUsedAt"])

    assert seen == [NOW.isoformat(), NOW.isoformat(), (NOW + timedelta(minutes=6)).isoformat()]
