"""The embedded PostgreSQL: a server of our own in a data folder of its own.

The folder holds `cluster` (the server's data), `log` and `lock`. Whoever holds the lock owns the server, and the server
does not outlive its owner: a watcher reads a pipe that only the owner can write to, and its end is the owner's end.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import asyncpg
from sqlalchemy import URL

from models.postgres_process import SOCKETS, ServerFailed, last_words, running, stop_orphan
from models.postgres_programs import EmbeddedServerError, ServerUser, find, server_user, short_folder

ROLE = "doorstep"
# Where the data lies if root's server user cannot get into the data folder itself.
_ROOTS_STORE = Path("/var/lib/doorstep")
_UNFINISHED = "cluster.new-"
_LINE_OF_SOCKETS = 4
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DataFolderInUse(EmbeddedServerError):
    """Another process of ours runs a server on this folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        super().__init__(
            f"The data folder {folder} is in use by process {pid or 'unknown'}: stop that one first (Ctrl-C in its "
            "window), or set DOORSTEP_HOME to another folder."
        )


class EmbeddedServer:
    """A running server; leave its context, or call `stop`, and it has ended cleanly."""

    def __init__(self, *, sockets: Path, password: str, undo: ExitStack) -> None:
        self._sockets = sockets
        self._password = password
        self._undo = undo

    @classmethod
    def start(cls, folder: Path, *, durable: bool) -> Self:
        """Start the server of a data folder, which is made on first use.

        Without `durable` a power cut may cost the whole folder; tests don't mind.

        Raises:
            DataFolderInUse: Another process runs a server here.
            ServerFailed: PostgreSQL cannot start on this folder.
            ProgramsMissing: There is no PostgreSQL for this machine.
            UnprivilegedUserMissing: We are root, and there is nobody else to be.
        """
        user = server_user()
        folder = _made(folder)
        with ExitStack() as undo:
            undo.enter_context(_held(folder))
            programs = find(user)
            cluster = _cluster(folder, programs, user=user, durable=durable)
            stop_orphan(cluster)
            sockets = undo.enter_context(_socket_folder(user))
            settings = _settings(sockets) | ({} if durable else _CARELESS)
            log = folder / "log"
            undo.enter_context(running(cluster, programs / "postgres", log=log, user=user, settings=settings))
            return cls(sockets=sockets, password=_password_file(cluster).read_text(), undo=undo.pop_all())

    def stop(self) -> None:
        """End every connection, write everything down, and stop; a second call does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, database: str) -> str:
        """Where a database of this server is reached; it carries the password."""
        return _url(database, sockets=str(self._sockets), password=self._password)

    async def create_database(self, name: str) -> None:
        """Make a database unless it is there already."""
        connection = await asyncpg.connect(
            host=str(self._sockets), user=ROLE, password=self._password, database="postgres"
        )
        try:
            if not await connection.fetchval("select true from pg_database where datname = $1", name):
                quoted = name.replace('"', '""')
                await connection.execute(f'create database "{quoted}"')
        finally:
            await connection.close()


def url_of_running(folder: Path, database: str) -> str | None:
    """Where a database is reached that another process's server on this folder holds; None while it is not up."""
    cluster = (folder / "cluster").resolve()
    try:
        # PostgreSQL's own note of what it listens on: the fifth line is the folder of its socket.
        sockets = (cluster / "postmaster.pid").read_text().splitlines()[_LINE_OF_SOCKETS]
        return _url(database, sockets=sockets, password=_password_file(cluster).read_text())
    except (OSError, IndexError):
        return None


def _url(database: str, *, sockets: str, password: str) -> str:
    place = URL.create(
        "postgresql+asyncpg", username=ROLE, password=password, database=database, query={"host": sockets}
    )
    return place.render_as_string(hide_password=False)


def remove_data(folder: Path) -> None:
    """Forget a data folder's server and everything in it.

    Raises:
        DataFolderInUse: Its server runs.
    """
    if not folder.exists():
        return
    with _held(folder):
        stop_orphan((folder / "cluster").resolve())
        for cluster in folder.glob("cluster*"):
            _remove(cluster)
        (folder / "log").unlink(missing_ok=True)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServerError(
            f"The data folder {folder} cannot be made ({error.strerror}): "
            "set DOORSTEP_HOME to a folder you may write to."
        ) from error
    return folder.resolve()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Own a data folder; the kernel takes the lock back however we end."""
    with (folder / "lock").open("a+") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = lock.read().strip()
            raise DataFolderInUse(folder, int(said) if said.isdigit() else None) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _cluster(folder: Path, programs: Path, *, user: ServerUser, durable: bool) -> Path:
    """Find the cluster, or make it: under another name first, so that an interrupted one is never believed."""
    cluster = folder / "cluster"
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        _remove(leftover)
    if not cluster.exists():
        _remove(cluster)
        # A name of its own each time: the programs of an owner who was killed may still write to the last one.
        unfinished = folder / f"{_UNFINISHED}{secrets.token_hex(4)}"
        _initialise(_place(unfinished, user), programs / "initdb", user=user, durable=durable)
        unfinished.rename(cluster)
    return cluster.resolve()


def _place(unfinished: Path, user: ServerUser) -> Path:
    """Give the cluster its ground: in the folder itself, or behind a link where the server's user can get to."""
    if user.enters(unfinished.parent):
        unfinished.mkdir(mode=0o700)
    else:
        _ROOTS_STORE.mkdir(parents=True, exist_ok=True)
        # The link stands before what it points to, so that nothing is ever left without a trace.
        unfinished.symlink_to(_ROOTS_STORE / secrets.token_hex(8))
        unfinished.resolve().mkdir(mode=0o700)
    user.takes(unfinished.resolve())
    return unfinished.resolve()


def _initialise(cluster: Path, initdb: Path, *, user: ServerUser, durable: bool) -> None:
    with tempfile.NamedTemporaryFile("w", dir=short_folder(user), prefix="doorstep-") as password:
        password.write(secrets.token_urlsafe(24))
        password.flush()
        user.takes(Path(password.name))
        done = user.run(
            str(initdb),
            f"--pgdata={cluster}",
            f"--username={ROLE}",
            f"--pwfile={password.name}",
            *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"),
            *([] if durable else ["--no-sync"]),
        )
        if done.returncode:
            raise ServerFailed(f"PostgreSQL could not set up its data in {cluster}: {last_words(done.stdout)}")
        # Inside the cluster, so that the rename which makes the cluster valid brings its password along.
        with open(_password_file(cluster), "x", opener=_for_the_owner_only) as kept:
            kept.write(Path(password.name).read_text())
            kept.flush()
            os.fsync(kept.fileno())
        user.takes(_password_file(cluster))


def _for_the_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _password_file(cluster: Path) -> Path:
    return cluster / "doorstep-password"


@contextmanager
def _socket_folder(user: ServerUser) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=SOCKETS, dir=short_folder(user)))
    try:
        user.takes(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(sockets: Path) -> dict[str, str]:
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "timezone": "UTC",
        "log_timezone": "UTC",
    }


def _remove(path: Path) -> None:
    if path.is_symlink():
        shutil.rmtree(path.resolve(), ignore_errors=True)
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
