import socket
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import structlog

from api import cli
from api.cli import answer
from scheduler.refusals import Code, refuse

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
