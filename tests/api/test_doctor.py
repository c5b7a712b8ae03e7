"""The doctor names what is missing and what mends it."""

import socket
import sys
from pathlib import Path

import orjson
import pytest

from api.commands import doctor as module
from api.commands.doctor import Finding, State, browser_files, disk_space, doctor, node, port_free, programs, python
from api.commands.doctor import secrets_of as secrets_in
from models.embedded import EmbeddedServer
from scheduler.settings import Settings


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def findings(settings: Settings) -> dict[str, State]:
    return {finding.what: finding.state async for finding in module.database(settings)}


def test_this_machine_has_python_and_node() -> None:
    assert python(sys.version_info[:3]).state is State.GOOD
    assert node().state is State.GOOD
    assert python((3, 10, 2)).state is State.MISSING


def test_programs_come_from_the_wheel_or_the_path() -> None:
    assert programs(has_wheel=True, pg_ctl=None).state is State.GOOD
    assert programs(has_wheel=False, pg_ctl="/opt/pg/bin/pg_ctl").found == "/opt/pg/bin/pg_ctl"
    assert "DATABASE_URL" in programs(has_wheel=False, pg_ctl=None).mend


def test_absent_browser_files_are_named(tmp_path: Path) -> None:
    finding = browser_files(tmp_path)

    assert "graphiql.min.js" in finding.found
    assert finding.mend == "sh scripts/graphiql"


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = port_free(server.getsockname()[1])

    assert (taken.state, taken.mend) == (State.MISSING, "doorstep demo --port with another number")
    assert port_free(70_000).state is State.MISSING


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk_space(tmp_path / "not" / "yet").found.endswith(str(tmp_path))

    monkeypatch.setattr(module, "LEAST_FREE_BYTES", 10**18)
    assert disk_space(tmp_path).state is State.MISSING


def test_secrets_that_others_may_read_are_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert secrets_in(settings).state is State.NOTE
    assert list(tmp_path.iterdir()) == []

    settings.with_own_secrets()
    assert secrets_in(settings).state is State.GOOD
    (tmp_path / "pepper").chmod(0o644)

    assert secrets_in(settings).mend == f"chmod 600 {tmp_path}/pepper"


@pytest.mark.asyncio
async def test_a_database_that_is_not_migrated_is_named(empty_database_url: str, database_url: str) -> None:
    empty = Settings.read({"DATABASE_URL": empty_database_url})
    migrated = Settings.read({"DATABASE_URL": database_url})
    absent = Settings.read({"DATABASE_URL": "postgres://a:b@127.0.0.1:1/d"})

    good = {"database": State.GOOD, "btree_gist": State.GOOD}
    assert await findings(empty) == good | {"schema": State.MISSING}
    assert await findings(migrated) == good | {"schema": State.GOOD}
    assert await findings(absent) == {"database": State.MISSING}


@pytest.mark.asyncio
async def test_the_embedded_server_is_tried_and_nothing_is_left(open_folder: Path) -> None:
    settings = Settings(home=open_folder / "doctor")

    assert await findings(settings) == {"database": State.NOTE}
    assert not settings.home.exists()

    with EmbeddedServer.start(settings.home / "postgres", durable=False):
        in_use = [finding async for finding in module.database(settings)]
    assert in_use == [Finding("database", State.NOTE, in_use[0].found)]
    assert "in use" in in_use[0].found


@pytest.mark.asyncio
async def test_the_exit_code_says_whether_something_is_missing(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    free_port: int,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DOORSTEP_HOME", str(tmp_path))
    monkeypatch.setattr(module, "VENDOR", tmp_path)

    assert await doctor(port=free_port, json=True) == 1
    told = {finding["what"]: finding["state"] for finding in orjson.loads(capsys.readouterr().out)}
    assert [what for what, state in told.items() if state == "missing"] == ["GraphiQL"]

    for name in module.BROWSER_FILES:
        (tmp_path / name).touch()
    assert await doctor(port=free_port) == 0
    assert "PostgreSQL" in capsys.readouterr().out
