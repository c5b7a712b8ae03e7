"""The server's process: started, watched, and stopped, whatever becomes of the process that started it."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from models.postgres_programs import EmbeddedServerError, ServerUser

SOCKETS = "doorstep-socket-"
_START_SECONDS = 120  # a big log to replay after a crash takes its time
_STOP_SECONDS = 60
# The end of the pipe is the end of its owner: whoever then answers for the cluster is asked to stop.
_WATCH = """
read -r _
read -r pid <"$0" && kill -INT "$pid" && while [ -e "$0" ]; do sleep 0.1; done
rmdir "$1"
"""


class ServerFailed(EmbeddedServerError):
    """PostgreSQL itself said no; the text carries its last words."""


@dataclass(frozen=True)
class _Postmaster:
    pid: int
    sockets: Path
    is_ready: bool


def stop_orphan(cluster: Path) -> None:
    """Stop the server of an owner who was killed: we hold the lock, so nobody speaks for it any more."""
    stale = _postmaster(cluster)
    if stale is None:
        return
    if process := _process_of(stale, cluster):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_SECONDS)
    # The number may belong to a stranger by now, and PostgreSQL would take him for a server.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    if stale.sockets.name.startswith(SOCKETS):
        shutil.rmtree(stale.sockets, ignore_errors=True)


def _postmaster(cluster: Path) -> _Postmaster | None:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return _Postmaster(int(lines[0]), sockets=Path(lines[4]), is_ready=lines[7:8] == ["ready   "])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _process_of(postmaster: _Postmaster, cluster: Path) -> psutil.Process | None:
    with suppress(psutil.Error):
        process = psutil.Process(postmaster.pid)
        # A postmaster lives in its cluster; a stranger who was given its number does not.
        if Path(process.cwd()) == cluster:
            return process
    return None


@contextmanager
def running(cluster: Path, postgres: Path, *, log: Path, user: ServerUser, settings: dict[str, str]) -> Iterator[None]:
    """Run the server for as long as the context lasts, and not longer than this process.

    Raises:
        ServerFailed: It did not get ready.
    """
    command = [str(postgres), "-D", str(cluster), *(f"--{name}={value}" for name, value in settings.items())]
    with ExitStack() as undo:
        watch = ("/bin/sh", "-c", _WATCH, str(cluster / "postmaster.pid"), settings["unix_socket_directories"])
        undo.enter_context(user.spawn(*watch, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
        words = undo.enter_context(log.open("w"))
        server = undo.enter_context(user.spawn(*command, stdin=subprocess.DEVNULL, stdout=words.fileno()))
        undo.callback(_stop, server)
        _await_readiness(server, cluster, log=log)
        yield


def _await_readiness(server: subprocess.Popen[str], cluster: Path, *, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ServerFailed(f"PostgreSQL did not start; its log {log} ends: {last_words(log.read_text())}")
        running = _postmaster(cluster)
        if running and running.pid == server.pid and running.is_ready:
            return
        time.sleep(0.02)
    raise ServerFailed(f"PostgreSQL was not ready after {_START_SECONDS} seconds; see its log {log}.")


def _stop(server: subprocess.Popen[str]) -> None:
    """Stop fast: connections end, nothing is lost. If it hangs, stop at once; the next start replays the log."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)


def last_words(text: str) -> str:
    """Give the end of what a program said, which is where it says what went wrong."""
    return " ".join(text.strip().splitlines()[-4:]) or "(nothing)"
