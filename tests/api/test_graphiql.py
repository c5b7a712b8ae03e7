import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import pytest
import pytest_asyncio
from graphql import parse, validate

from api import graphiql
from api.app import application
from api.graphql.context import Service
from api.graphql.schema import schema
from models.database import Database
from models.sealing import Sealer
from models.vocabulary import Role
from scheduler.accounts import open_sign_in
from tests import factories as make

PAGE = graphiql.page()
README = (Path(__file__).parents[2] / "README.md").read_text()
SIGN_IN = 'mutation { signIn(input: {login: "nobody", password: "x"}) { userErrors { code } } }'


@pytest.fixture
def client(database: Database) -> httpx.AsyncClient:
    now = datetime(2027, 1, 11, 1, tzinfo=UTC)
    service = Service(database=database, clock=lambda: now, sealer=Sealer(b"s" * 32, b"p" * 32))
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(service)), base_url="http://doorstep.test")


@pytest_asyncio.fixture
async def token(database: Database) -> str:
    now = datetime(2027, 1, 11, 1, tzinfo=UTC)
    async with database.writing(actor="test", now=now) as db:
        account = await make.make_account(db, role=Role.AUDITOR)
        return (await open_sign_in(db, account, now=now)).token


@pytest.mark.parametrize(("name", "text"), list(graphiql.examples()))
def test_every_example_is_one_that_the_schema_understands(name: str, text: str) -> None:
    assert validate(schema._schema, parse(text)) == [], name  # noqa: SLF001 - graphql-core's own schema is inside


@pytest.mark.parametrize("text", re.findall(r"```graphql\n(.*?)```", README, re.DOTALL))
def test_the_first_queries_of_the_readme_are_ones_that_the_schema_understands(text: str) -> None:
    assert validate(schema._schema, parse(text)) == []  # noqa: SLF001 - graphql-core's own schema is inside


@pytest.mark.parametrize(("name", "text"), list(graphiql.examples()))
def test_every_example_begins_with_what_it_is_for(name: str, text: str) -> None:
    assert text.startswith("# "), name
    assert max(map(len, text.splitlines())) <= 76, name


def test_the_page_has_a_tab_for_each_example() -> None:
    (tabs,) = re.findall(r'<script type="application/json" id="examples">(.*?)</script>', PAGE)

    assert orjson.loads(tabs) == [text for _, text in graphiql.examples()]


def test_the_page_asks_no_foreign_host_for_anything() -> None:
    without_the_icon = PAGE.replace("http://www.w3.org/2000/svg", "")

    assert re.findall(r"(?:https?:)?//[\w.]+", without_the_icon) == []
    assert set(re.findall(r'(?:src|href)="/vendor/([^"]+)"', PAGE)) == {
        "graphiql.min.css",
        "graphiql.min.js",
        "react.production.min.js",
        "react-dom.production.min.js",
    }


def test_the_page_says_how_to_fetch_its_files() -> None:
    assert "sh scripts/graphiql" in PAGE


@pytest.mark.asyncio(loop_scope="session")
async def test_a_browser_gets_the_page(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql", headers={"accept": "text/html"})

    assert (page.status_code, page.text) == (200, PAGE)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_schema_is_for_those_who_are_signed_in(client: httpx.AsyncClient, token: str) -> None:
    stranger = await client.get("/schema.graphql")
    known = await client.get("/schema.graphql", headers={"authorization": f"Bearer {token}"})

    assert (stranger.status_code, "Sign in first" in stranger.text) == (401, True)
    assert (known.status_code, known.text) == (200, schema.as_str())


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [("http://doorstep.test", "same-origin", 200), ("http://evil.test", "cross-site", 403)],
)
async def test_the_page_may_sign_in_and_a_foreign_one_may_not(
    client: httpx.AsyncClient, origin: str, site: str, status: int
) -> None:
    headers = {"origin": origin, "sec-fetch-site": site}

    answer = await client.post("/graphql", json={"query": SIGN_IN}, headers=headers)

    assert answer.status_code == status


@pytest.mark.asyncio(loop_scope="session")
async def test_chinese_is_answered_as_it_is_written(client: httpx.AsyncClient, token: str) -> None:
    query = {"query": '{ __type(name: "Site") { description } }'}

    answer = await client.post("/graphql", json=query, headers={"authorization": f"Bearer {token}"})

    assert "考试点" in answer.text
