import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest
import structlog

from api import cli
from api.cli import answer
from models.database import Database
from scheduler.refusals import Code, refuse

UrlOf = Callable[[str], str]
SIGN_IN = 'mutation { signIn(input: {login: "firm-001", password: "jia-men-kou"}) { viewer { role } } }'
NOBODY_LISTENS = "postgresql://doorstep:hidden-word@127.0.0.1:1/doorstep"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("DATABASE_URL", "DOORSTEP_SECRET", "DOORSTEP_PEPPER", "DOORSTEP_RETIRED_SECRETS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOORSTEP_HOME", str(tmp_path / "home"))
    yield
    structlog.reset_defaults()  # a command's log goes to the stderr of its own test


@pytest.fixture
def with_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOORSTEP_SECRET", "DOORSTEP_PEPPER"):
        monkeypatch.setenv(name, "c2VjcmV0IGJ5dGVzIGZvciB0ZXN0cywgMzIgb2YgaXQ=")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["--help"]) == 0

    shown = capsys.readouterr().out
    commands = {name for name in cli.app if not name.startswith("-")}
    assert {"demo", "serve", "work", "migrate", "seed", "audit", "doctor", "schema", "allocate"} <= commands
    assert all(name in shown for name in commands)


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["seed", "--bureaus", "0"], ["seed", "--bureaus", "many"], ["demo", "--json"], ["serve", "x", "y"]],
)
def test_wrong_use_exits_with_two_and_an_explanation(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(words) == 2

    shown = capsys.readouterr()
    assert shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_refusal_by_the_rules_exits_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def say_no(*_: object, **__: object) -> int:
        raise refuse(Code.FULL, "No place is left: choose [another] session.")

    monkeypatch.setattr(cli, "app", say_no)

    assert answer([]) == 1

    assert said(capsys) == "doorstep: No place is left: choose [another] session."


@pytest.mark.usefixtures("with_secrets")
@pytest.mark.parametrize("command", ["migrate", "seed", "audit", "serve", "work", "demo"])
def test_a_database_that_does_not_answer_is_one_sentence_without_its_password(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOBODY_LISTENS)
    words = [command, "--port", "0"] if command in ("serve", "demo") else [command]

    assert answer(words) == 2

    sentence = said(capsys)
    assert "No PostgreSQL server answers at DATABASE_URL" in sentence
    assert "hidden-word" not in sentence
    assert "Traceback" not in sentence


@pytest.mark.usefixtures("with_secrets")
@pytest.mark.parametrize("command", ["serve", "work"])
def test_processes_that_share_a_database_want_it_named(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [command, "--port", "0"] if command == "serve" else [command]

    assert answer(words) == 2

    assert said(capsys).startswith("doorstep: DATABASE_URL is not set:")


def test_serving_wants_the_secrets_named(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    del database_url

    assert answer(["serve", "--port", "0"]) == 2

    assert "DOORSTEP_SECRET is not set" in said(capsys)


@pytest.mark.usefixtures("with_secrets")
def test_a_database_without_our_tables_is_sent_to_migrate(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    assert answer(["work"]) == 2

    assert "run `doorstep migrate` first" in said(capsys)


def test_a_taken_port_is_named_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert answer(["demo", "--port", str(port)]) == 2

    assert said(capsys) == (
        f"doorstep: Port {port} is in use on 127.0.0.1: stop what listens there, or choose another with --port."
    )


@pytest.mark.usefixtures("with_secrets")
def test_a_district_is_seeded_once_and_refused_twice(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    assert answer(["seed", "--json"]) == 0
    loaded = orjson.loads(capsys.readouterr().out)
    assert (loaded["enterprises"], loaded["workers"], loaded["password"]) == (300, 1600, "jia-men-kou")

    assert answer(["seed"]) == 1
    assert "holds a district already" in said(capsys)


@pytest.mark.usefixtures("with_secrets")
def test_a_fresh_demo_does_not_empty_what_no_demo_filled(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert answer(["seed"]) == 0

    assert answer(["demo", "--fresh", "--port", "0"]) == 1

    assert "was not filled by a demo" in said(capsys)
    assert answer(["seed"]) == 1


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

    def url(self) -> str:
        """Wait until it says where it is."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found[0]
        raise AssertionError(self.said)

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


def role_of_the_first_firm(url: str) -> str:
    answered = httpx.post(f"{url}/graphql", json={"query": SIGN_IN}).json()
    return str(answered["data"]["signIn"]["viewer"]["role"])


def test_a_demo_starts_stops_what_it_started_and_keeps_its_data(
    open_folder: Path, demos: Callable[..., Demo], capsys: pytest.CaptureFixture[str]
) -> None:
    home = open_folder / "demo"

    first = demos(home)
    assert role_of_the_first_firm(first.url()) == "ENTERPRISE"
    assert "Loading the demo's district" in first.said
    secret = (home / "secret").read_text()

    # A second one on the same folder, while the first runs.
    assert answer(["demo", "--home", str(home), "--port", "0"]) == 2
    assert f"is in use by process {first.process.pid}" in said(capsys)

    assert first.stop(signal.SIGINT) == 0
    assert not (home / "postgres" / "cluster" / "postmaster.pid").exists()

    second = demos(home)
    assert role_of_the_first_firm(second.url()) == "ENTERPRISE"
    assert "Loading the demo's district" not in second.said
    assert (home / "secret").read_text() == secret
    assert second.stop(signal.SIGTERM) == 0
    assert not (home / "postgres" / "cluster" / "postmaster.pid").exists()

    assert answer(["demo", "--home", str(home), "--port", "0", "--seed", "7"]) == 1
    assert "holds the district of seed 1" in said(capsys)

    third = demos(home, "--fresh", "--seed", "7")
    assert role_of_the_first_firm(third.url()) == "ENTERPRISE"
    assert "Loading the demo's district" in third.said
    assert third.stop(signal.SIGINT) == 0


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
