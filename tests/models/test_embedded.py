"""The embedded server comes up whatever happened before, and goes down with its owner."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from models.database import Database
from models.embedded import DataFolderInUse, EmbeddedServer, remove_data
from models.postgres_process import ServerFailed
from models.postgres_programs import ProgramsMissing, copy_of, find, server_user, wheel_install

ROOT = Path(__file__).parents[2]
OWNER = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background ignores it
from models.embedded import EmbeddedServer
with EmbeddedServer.start(Path(sys.argv[1]), durable=True) as server:
    print(server.url("postgres"), flush=True)
    time.sleep(60)
"""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def folder(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder of the test's own."""
    chosen = open_folder / request.node.name
    yield chosen
    remove_data(chosen)


@pytest.fixture(scope="module")
def made(open_folder: Path) -> Iterator[Path]:
    """A data folder whose cluster exists, for tests that don't mind what is in it."""
    chosen = open_folder / "made"
    EmbeddedServer.start(chosen, durable=False).stop()
    yield chosen
    remove_data(chosen)


def owner_of(folder: Path) -> subprocess.Popen[str]:
    """Another process that runs the server; it leads a process group, as a shell's command does."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603


def running_owner_of(folder: Path) -> subprocess.Popen[str]:
    owner = owner_of(folder)
    assert owner.stdout
    assert owner.stdout.readline().startswith("postgresql")
    return owner


def postmaster_of(folder: Path) -> psutil.Process:
    pid = (folder / "cluster" / "postmaster.pid").read_text().splitlines()[0]
    return psutil.Process(int(pid))


def reap(owner: subprocess.Popen[str]) -> None:
    with owner:
        owner.kill()


async def ask(server: EmbeddedServer, question: str, *, database: str = "postgres") -> object:
    connection = await Database(server.url(database)).connect()
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.mark.asyncio
async def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with EmbeddedServer.start(folder, durable=True) as server:
        await server.create_database("district")
        await ask(server, "create table kept as select 7 as number", database="district")
        assert await ask(server, "show fsync") == "on"

    with EmbeddedServer.start(folder, durable=True) as server:
        await server.create_database("district")

        assert await ask(server, "select number from kept", database="district") == 7


@pytest.mark.asyncio
async def test_it_has_what_the_tables_need(made: Path) -> None:
    with EmbeddedServer.start(made, durable=False) as server:
        await ask(server, "create extension if not exists btree_gist")

        assert await ask(server, "show server_encoding") == "UTF8"
        assert await ask(server, "show timezone") == "UTC"
        assert await ask(server, "show listen_addresses") == ""
        assert await ask(server, "show fsync") == "off"


def test_a_second_start_on_the_same_folder_says_who_has_it(made: Path) -> None:
    with EmbeddedServer.start(made, durable=False), pytest.raises(DataFolderInUse) as refused:
        EmbeddedServer.start(made, durable=False)

    assert refused.value.pid == os.getpid()
    assert str(os.getpid()) in str(refused.value)
    assert "DOORSTEP_HOME" in str(refused.value)


def test_another_process_is_named_too(made: Path) -> None:
    owner = running_owner_of(made)

    with pytest.raises(DataFolderInUse) as refused:
        EmbeddedServer.start(made, durable=False)
    with pytest.raises(DataFolderInUse):
        remove_data(made)

    assert refused.value.pid == owner.pid
    reap(owner)


def test_stopping_leaves_nothing_behind(made: Path) -> None:
    with EmbeddedServer.start(made, durable=False) as server:
        postmaster = postmaster_of(made)
        sockets = Path(server.url("").partition("host=")[2].replace("%2F", "/"))
        assert sockets.is_dir()

    assert not postmaster.is_running()
    assert not sockets.exists()
    assert not (made / "cluster" / "postmaster.pid").exists()
    server.stop()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_the_server_ends_with_its_owner(made: Path, end: signal.Signals) -> None:
    owner = running_owner_of(made)
    postmaster = postmaster_of(made)
    sockets = Path((made / "cluster" / "postmaster.pid").read_text().splitlines()[4])
    watched = psutil.Process(owner.pid).children()

    with owner:
        owner.send_signal(end)

    psutil.wait_procs(watched, timeout=20)
    assert not postmaster.is_running()
    assert not sockets.exists()
    assert "database system is shut down" in (made / "log").read_text()


def test_the_terminals_interrupt_reaches_the_owner_alone(made: Path) -> None:
    owner = running_owner_of(made)
    children = psutil.Process(owner.pid).children(recursive=True)
    in_its_group = [child for child in children if os.getpgid(child.pid) == owner.pid]

    with owner:
        os.killpg(owner.pid, signal.SIGINT)

    assert len(children) >= 2
    assert in_its_group == []


@pytest.mark.asyncio
async def test_an_orphan_is_stopped_by_the_next_start(made: Path) -> None:
    owner = running_owner_of(made)
    orphan = postmaster_of(made)
    watcher = next(child for child in psutil.Process(owner.pid).children() if child.pid != orphan.pid)
    watcher.kill()
    reap(owner)
    assert orphan.is_running()

    with EmbeddedServer.start(made, durable=False) as server:
        assert await ask(server, "select 1") == 1

    assert not orphan.is_running()


@pytest.mark.asyncio
async def test_what_was_committed_survives_when_everything_is_killed(folder: Path) -> None:
    with EmbeddedServer.start(folder, durable=True) as server:
        await ask(server, "create table kept as select 7 as number")
    owner = running_owner_of(folder)
    everyone = psutil.Process(owner.pid).children(recursive=True)
    for process in everyone:
        process.kill()
    reap(owner)
    assert (folder / "cluster" / "postmaster.pid").exists()

    with EmbeddedServer.start(folder, durable=True) as server:
        assert await ask(server, "select number from kept") == 7


def test_a_stranger_with_the_servers_old_number_is_left_alone(made: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        (made / "cluster" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{made}/cluster\n1\n5432\n/tmp\n\n\nready   \n"
        )

        EmbeddedServer.start(made, durable=False).stop()

        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_setup_is_never_believed(folder: Path, end: signal.Signals) -> None:
    owner = owner_of(folder)
    _wait_for(folder, "cluster.new-*/base")
    with owner:
        owner.send_signal(end)
    assert not (folder / "cluster").exists()

    with EmbeddedServer.start(folder, durable=False):
        assert (folder / "cluster" / "PG_VERSION").read_text() == "18\n"


def test_a_broken_cluster_says_what_the_server_said(folder: Path) -> None:
    EmbeddedServer.start(folder, durable=False).stop()
    (folder / "cluster" / "PG_VERSION").write_text("9.1\n")

    with pytest.raises(ServerFailed, match=r"initialized by PostgreSQL version 9\.1"):
        EmbeddedServer.start(folder, durable=False)


@only_root
@pytest.mark.asyncio
async def test_root_serves_from_under_a_private_folder_and_leaves_it_private(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    folder = private / "data"

    with EmbeddedServer.start(folder, durable=False) as server:
        assert await ask(server, "select 1") == 1
        place = (folder / "cluster").resolve()

    assert private.stat().st_mode & 0o777 == 0o700
    remove_data(folder)
    assert not place.exists()


@only_root
def test_the_server_of_root_is_not_root(made: Path) -> None:
    with EmbeddedServer.start(made, durable=False):
        assert postmaster_of(made).uids().effective != 0


def test_a_tidied_copy_of_the_programs_is_made_whole(tmp_path: Path) -> None:
    install = wheel_install()
    assert install
    copy = copy_of(install, home=tmp_path)
    (copy / "bin" / "initdb").unlink()

    assert copy_of(install, home=tmp_path) == copy

    assert (copy / "bin" / "initdb").stat().st_size == (install / "bin" / "initdb").stat().st_size
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("unfinished")] == []


def test_two_copies_at_once_are_one(tmp_path: Path) -> None:
    install = wheel_install()
    assert install

    with ThreadPoolExecutor() as pool:
        copies = set(pool.map(lambda _: copy_of(install, home=tmp_path), range(3)))

    (copy,) = copies
    assert (copy / "bin" / "postgres").stat().st_mode & 0o777 == 0o755


def test_without_a_build_the_path_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.postgres_programs.wheel_install", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramsMissing, match="pg_ctl"):
        find(server_user())

    for name in ("pg_ctl", "initdb"):
        (tmp_path / name).touch(mode=0o755)

    assert find(server_user()) == tmp_path


def _wait_for(folder: Path, pattern: str) -> None:
    deadline = time.monotonic() + 20
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline
        time.sleep(0.005)
