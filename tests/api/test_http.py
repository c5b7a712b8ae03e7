"""GraphQL over HTTP at its edges: whatever is not well formed gets a 4xx with a JSON error, never a 500."""

from typing import Any

import httpx
import orjson
import pytest

from api.app import application
from api.graphql.context import Service
from api.graphql.requests import GRAPHQL_JSON, JSON, MOST_BYTES
from models.database import Database
from scheduler.clock import SetClock
from tests.factories import NOW, SEALER

pytestmark = pytest.mark.asyncio

ASK = {"query": "{ __typename }"}
AS_JSON = {"content-type": JSON}
MALFORMED = {
    "nothing": b"",
    "null": b"null",
    "a number": b"42",
    "a text": b'"{ __typename }"',
    "a list": orjson.dumps([ASK]),
    "broken UTF-8": b'{"query": "\xff\xfe"}',
    "half a pair": b'{"query": "\\ud800"}',
    "not JSON": b"query=1",
    "NaN": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "very deep": b"[" * 100_000,
    "deep variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 60 + b"]" * 60 + b"}}",
    "no query": b"{}",
    "an empty query": b'{"query": " "}',
    "a query that is a list": b'{"query": ["{ __typename }"]}',
    "variables that are a list": b'{"query": "{ __typename }", "variables": [1]}',
    "an operation's name that is a number": b'{"query": "{ __typename }", "operationName": 7}',
    "extensions that are a text": b'{"query": "{ __typename }", "extensions": "x"}',
}


@pytest.fixture
def client(database: Database) -> httpx.AsyncClient:
    service = Service(database=database, clock=SetClock(NOW), sealer=SEALER)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(service)), base_url="http://doorstep.test")


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_body_is_told_so(client: httpx.AsyncClient, body: bytes, accept: str) -> None:
    answer = await client.post("/graphql", content=body, headers=AS_JSON | {"accept": accept})

    assert (answer.status_code, codes(answer)) == (400, ["BAD_INPUT"])
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON", f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"']
)
async def test_json_in_utf_8_is_taken(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/graphql", content=orjson.dumps(ASK), headers={"content-type": content_type})

    assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/jsonp",
        "x-application/json",
        "application/json, text/plain",
        "application/json;charset=latin-1",
        "application/json text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
async def test_any_other_content_is_not(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}

    answer = await client.post("/graphql", content=orjson.dumps(ASK), headers=headers)

    assert (answer.status_code, codes(answer)) == (415, ["BAD_INPUT"])


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("*/*", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
        (f"text/html, {GRAPHQL_JSON};charset=utf-8;q=0.1", GRAPHQL_JSON),
    ],
)
async def test_the_answer_is_of_the_type_that_is_preferred(
    client: httpx.AsyncClient, accept: str | None, kind: str
) -> None:
    headers = httpx.Headers(AS_JSON | ({"accept": accept} if accept else {}))
    request = httpx.Request("POST", "http://doorstep.test/graphql", json=ASK, headers=headers)

    answer = await client.send(request)

    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", f"{JSON};charset=latin-1", "application/jsonp"])
async def test_who_takes_none_of_our_types_is_told_them(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.post("/graphql", json=ASK, headers={"accept": accept})

    assert (answer.status_code, codes(answer)) == (406, ["BAD_INPUT"])


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"query": "{"}, 400),
        ({"query": "{ nothingOfOurs }"}, 400),
        ({"query": "query ($first: Int!) { sessions(first: $first) { nodes { id } } }"}, 400),
        ({"query": "query A { __typename } query B { __typename }"}, 400),
        ({"query": "query A { __typename }", "operationName": "B"}, 400),
        ({"query": "{ sessions { nodes { id } } }"}, 200),
    ],
    ids=["not parsed", "not valid", "a variable missing", "which of them", "no such operation", "a field's refusal"],
)
async def test_a_request_that_was_not_begun_has_a_status_of_its_own_and_no_data(
    client: httpx.AsyncClient, asked: dict[str, Any], status: int
) -> None:
    modern = await client.post("/graphql", json=asked, headers={"accept": GRAPHQL_JSON})
    plain = await client.post("/graphql", json=asked, headers={"accept": JSON})

    assert (modern.status_code, plain.status_code) == (status, 200)
    assert modern.json() == plain.json()
    assert ("data" in modern.json()) is (status == 200)
    assert codes(modern)


async def test_queries_come_by_get_and_mutations_do_not(client: httpx.AsyncClient) -> None:
    query = {"query": "query ($x: Boolean!) { __typename @include(if: $x) }", "variables": '{"x": true}'}

    asked = await client.get("/graphql", params=query)
    done = await client.get("/graphql", params={"query": "mutation { signOut { isSignedOut } }"})

    assert asked.json()["data"] == {"__typename": "Query"}
    assert (done.status_code, done.headers["allow"], codes(done)) == (405, "POST", ["BAD_INPUT"])


async def test_an_address_without_a_query_is_malformed(client: httpx.AsyncClient) -> None:
    answers = [
        await client.get("/graphql", params=params)
        for params in ({}, {"query": ""}, {"query": "{ __typename }", "variables": "{"})
    ]

    assert [(answer.status_code, codes(answer)) for answer in answers] == [(400, ["BAD_INPUT"])] * 3


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_which_there_are(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql")

    assert (answer.status_code, answer.headers["allow"], codes(answer)) == (405, "GET, POST", ["BAD_INPUT"])


async def test_a_body_beyond_all_reason_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", content=b" " * (MOST_BYTES + 1), headers=AS_JSON)

    assert (answer.status_code, codes(answer)) == (413, ["BAD_INPUT"])
