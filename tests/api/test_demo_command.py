"""`doorstep demo` as a newcomer starts, stops and starts it again, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from api.cli import answer
from models.database import Database
from scheduler.seeding.recipe import Recipe
from tests.api.test_cli import no_settings_from_outside, said

__all__ = ["no_settings_from_outside"]

SIGN_IN = 'mutation { signIn(input: {login: "firm-001", password: "jia-men-kou"}) { token viewer { role } } }'
REQUESTS = """
query Requests($after: String) {
  requests(first: 100, after: $after) { nodes { id state } pageInfo { hasNextPage endCursor } }
}
"""
ROUNDS = "query Rounds { rounds(first: 5) { nodes { state } } }"


class Demo:
    """A demo in a process of its own."""

    def __init__(self, home: Path, *words: str, **environment: str) -> None:
        self.home = home
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "api.cli", "demo", "--home", str(home), "--port", "0", *words],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "100", **environment},
        )
        self.said = ""

    def wait_for(self, words: str) -> str:
        """Wait until it says these words, a pattern, and give what it said."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.said += line
            if found := re.search(words, line):
                return found[0]
        raise AssertionError(self.said)

    def url(self) -> str:
        """Wait until it says where it is."""
        return self.wait_for(r"http://127\.0\.0\.1:\d+")

    def stop(self, how: signal.Signals) -> int:
        """Ask it to stop, and wait until it has."""
        self.process.send_signal(how)
        _, rest = self.process.communicate(timeout=30)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def demos() -> Iterator[Callable[..., Demo]]:
    """Start demos; those that a failing test left behind are ended."""
    started: list[Demo] = []

    def start(home: Path, *words: str, **environment: str) -> Demo:
        started.append(Demo(home, *words, **environment))
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.communicate()


class SignedIn:
    """Somebody signed in at a demo."""

    def __init__(self, url: str, login: str) -> None:
        answer = httpx.post(f"{url}/graphql", json={"query": SIGN_IN.replace("firm-001", login)}).json()
        self.url, self.token = f"{url}/graphql", answer["data"]["signIn"]["token"]

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The answer's data."""
        sent = {"query": query, "variables": variables}
        answer = httpx.post(self.url, json=sent, headers={"Authorization": f"Bearer {self.token}"}).json()
        assert "errors" not in answer, answer
        return dict(answer["data"])

    def requests(self) -> list[dict[str, Any]]:
        """Every request in sight, page after page."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.ask(REQUESTS, after=after)["requests"]
            found += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]


def role_of_the_first_firm(url: str) -> str:
    answered = httpx.post(f"{url}/graphql", json={"query": SIGN_IN}).json()
    return str(answered["data"]["signIn"]["viewer"]["role"])


def test_a_demo_starts_stops_what_it_started_and_keeps_its_data(
    open_folder: Path,
    demos: Callable[..., Demo],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = open_folder / "demo"

    first = demos(home)
    assert role_of_the_first_firm(first.url()) == "ENTERPRISE"
    assert "Loading the demo's district" in first.said
    secret = (home / "secret").read_text()

    # A second one on the same folder, while the first runs; who only looks may.
    assert answer(["demo", "--home", str(home), "--port", "0"]) == 2
    assert f"is in use by process {first.process.pid}" in said(capsys)
    monkeypatch.setenv("DOORSTEP_HOME", str(home))
    assert answer(["audit", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["holds"] is True

    assert first.stop(signal.SIGINT) == 0
    assert not (home / "postgres" / "cluster" / "postmaster.pid").exists()

    second = demos(home)
    assert role_of_the_first_firm(second.url()) == "ENTERPRISE"
    assert "Loading the demo's district" not in second.said
    assert "Firms ask for exams" not in second.said
    assert (home / "secret").read_text() == secret
    assert second.stop(signal.SIGTERM) == 0
    assert not (home / "postgres" / "cluster" / "postmaster.pid").exists()

    assert answer(["demo", "--home", str(home), "--port", "0", "--seed", "7"]) == 1
    assert "holds the district of seed 1" in said(capsys)

    third = demos(home, "--fresh", "--seed", "7")
    assert role_of_the_first_firm(third.url()) == "ENTERPRISE"
    assert "Loading the demo's district" in third.said
    assert third.stop(signal.SIGINT) == 0


def test_a_demo_begins_with_demand_and_a_round_also_when_the_first_start_is_interrupted(
    open_folder: Path, demos: Callable[..., Demo]
) -> None:
    home = open_folder / "interrupted"
    first = demos(home)
    first.wait_for("Firms ask for exams")
    time.sleep(0.5)  # some of the firms have asked by now
    assert first.stop(signal.SIGINT) == 0

    url = demos(home).url()

    district = Recipe.prepared_from(datetime.now(UTC).date(), seed=1).district()
    asked = [request for request in district.requests if request.enterprise != district.enterprises[0].credit_code]
    bureau = SignedIn(url, "bureau")
    assert len(bureau.requests()) == len(asked)
    assert [each["state"] for each in bureau.ask(ROUNDS)["rounds"]["nodes"]] in (["PLANNING"], ["CONSULTING"])
    assert SignedIn(url, "firm-001").requests() == []


def test_a_demo_on_a_server_of_ones_own_begins_again_there(
    open_folder: Path,
    demos: Callable[..., Demo],
    empty_database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = open_folder / "elsewhere"

    first = demos(home, DATABASE_URL=empty_database_url)
    first.url()
    assert not (home / "postgres").exists()

    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert answer(["demo", "--home", str(home), "--port", "0"]) == 2
    assert "Another demo runs on this database" in said(capsys)
    assert first.stop(signal.SIGINT) == 0

    second = demos(home, "--fresh", "--seed", "7", DATABASE_URL=empty_database_url)
    second.url()
    assert "Loading the demo's district" in second.said
    assert second.stop(signal.SIGINT) == 0


@pytest.mark.asyncio(loop_scope="session")
async def test_a_fresh_demo_leaves_a_database_alone_that_holds_others_tables(
    open_folder: Path, demos: Callable[..., Demo], empty_database_url: str
) -> None:
    connection: asyncpg.Connection = await Database(empty_database_url).connect()
    await connection.execute("create table their_invoices (id int)")
    demo = demos(open_folder / "shared", "--fresh", DATABASE_URL=empty_database_url)

    _, shown = demo.process.communicate(timeout=60)

    assert demo.process.returncode == 1
    assert "their_invoices" in " ".join(shown.split())
    assert await connection.fetchval("select count(*) from their_invoices") == 0
    await connection.close()
