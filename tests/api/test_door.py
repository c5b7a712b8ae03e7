"""What strangers are not told, what takes too long or too much room, and what goes to the log."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from graphql import get_introspection_query
from sqlalchemy import text
from structlog.testing import capture_logs

from api.app import application
from api.graphql import sessions
from api.graphql.context import Service
from api.graphql.requests import GRAPHQL_JSON
from models.database import Database, Pool
from models.vocabulary import Role
from scheduler.accounts import open_sign_in
from scheduler.clock import SetClock
from tests import factories as make
from tests.factories import NOW, SEALER

pytestmark = pytest.mark.asyncio

SESSIONS = "{ sessions { nodes { openPlaces } } }"


@pytest_asyncio.fixture
async def token(database: Database) -> str:
    async with database.writing(actor="test", now=NOW) as db:
        there = await make.make_district(db)
        await make.make_session(db, site=there.site, exam=there.item.theory, exam_body=there.exam_body)
        account = await make.make_account(db, role=Role.AUDITOR)
        return (await open_sign_in(db, account, now=NOW)).token


async def asked(database: Database, token: str | None, query: str, **limits: Any) -> tuple[int, dict[str, Any]]:
    service = Service(database=database, clock=SetClock(NOW), sealer=SEALER, **limits)
    headers = {"accept": GRAPHQL_JSON} | ({"authorization": f"Bearer {token}"} if token else {})
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://doorstep.test", headers=headers) as client:
        answer = await client.post("/graphql", json={"query": query})
    return answer.status_code, answer.json()


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


@pytest.mark.parametrize(
    "query", [get_introspection_query(), '{ ...A } fragment A on Query { t: __type(name: "Site") { name } }']
)
async def test_only_who_is_signed_in_looks_at_the_schema(database: Database, token: str, query: str) -> None:
    status, stranger = await asked(database, None, query)
    _, known = await asked(database, token, query)

    assert (status, codes(stranger), "data" in stranger) == (401, ["NOT_SIGNED_IN"], False)
    assert known["data"]


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("{ sesions { nodes { id } } }", "Did you mean 'sessions'"),
        ("{ sessions(states: [PUBLISHD]) { nodes { id } } }", "Did you mean the enum value 'PUBLISHED'"),
    ],
)
async def test_only_who_is_signed_in_is_told_what_else_there_is(
    database: Database, token: str, query: str, hint: str
) -> None:
    _, stranger = await asked(database, None, query)
    _, known = await asked(database, token, query)

    assert hint in known["errors"][0]["message"]
    assert "mean" not in stranger["errors"][0]["message"]
    assert "sessions'" not in stranger["errors"][0]["message"]


async def test_an_operation_that_takes_too_long_is_ended(
    database: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "places_at", slowly)

    status, answer = await asked(database, token, SESSIONS, most_seconds=0.5)

    assert (status, codes(answer), "data" in answer) == (503, ["TIMEOUT"], False)
    # The connection that was cut off is not handed to the next one half-used.
    monkeypatch.undo()
    assert (await asked(database, token, SESSIONS))[1]["data"]["sessions"]["nodes"] == [{"openPlaces": 12}]


async def slowly(db: Any, *_: object, **__: object) -> None:
    await db.exec(text("SELECT pg_sleep(20)"))


async def test_the_server_ends_a_statement_that_takes_too_long(
    database_url: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "places_at", slowly)
    hurried = Database(database_url, pool=Pool(ping_first=False, statement_seconds=0.2))

    status, answer = await asked(hurried, token, SESSIONS)
    await hurried.close()

    assert (status, answer["data"], codes(answer)) == (200, None, ["TIMEOUT"])


async def test_an_answer_that_is_too_long_is_not_sent(database: Database, token: str) -> None:
    status, answer = await asked(database, token, get_introspection_query(), most_bytes=10_000)

    assert (status, codes(answer), "data" in answer) == (400, ["ANSWER_TOO_LARGE"], False)


@pytest.mark.parametrize("query", ["{", "{ nothing }", "{ sessions(first: 500) { nodes { id } } }", SESSIONS])
async def test_a_clients_mistake_is_no_error_of_ours(database: Database, logged: list[Any], query: str) -> None:
    await asked(database, None, query)

    assert [entry for entry in logged if entry["log_level"] in ("error", "critical") or query in str(entry)] == []


async def test_our_own_mistake_is_masked_and_logged_under_its_number_without_the_document(
    database: Database, token: str, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(sessions, "places_at", broken)

    _, answer = await asked(database, token, SESSIONS)

    (error,) = answer["errors"]
    (entry,) = (each for each in logged if each["log_level"] == "error")
    assert (error["extensions"]["code"], "secret" in str(answer)) == ("INTERNAL", False)
    assert entry["correlation"] == error["extensions"]["correlationId"]
    assert SESSIONS not in str(entry)
