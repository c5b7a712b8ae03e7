"""
What the environment says, read once: where the database is, where our own files lie, which secrets are used.

| variable | meaning | without it |
|---|---|---|
| `DATABASE_URL` | a PostgreSQL server, 15 or newer | the embedded server, in `DOORSTEP_HOME` |
| `DOORSTEP_HOME` | where our files lie | `.doorstep` in the checkout, or `doorstep` in the user's data folder |
| `DOORSTEP_SECRET` | seals identity numbers; 32 bytes in base64 | made once, in `DOORSTEP_HOME` (`demo` only) |
| `DOORSTEP_PEPPER` | keys the hashes that find duplicates; the same | the same |
| `DOORSTEP_RETIRED_SECRETS` | earlier secrets that still open, separated by commas | none |
| `DOORSTEP_KEEP_ANSWERS_DAYS` | how long an idempotency key stands for its answer | 30 |
| `DOORSTEP_KEEP_RUNS_DAYS` | how long the ledger of jobs is kept | 90 |
| `DOORSTEP_SMTP_URL` | the mail server: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465` | no e-mail |
| `DOORSTEP_SMTP_FROM` | whom e-mails are from: `Doorstep <no-reply@example.cn>` | needed with the one above |
| `DOORSTEP_GATEWAY_URL` | where short texts are posted, for SMS or WeChat | none are |
| `DOORSTEP_GATEWAY_TOKEN` | the gateway's bearer token | none is sent |
| `DOORSTEP_WEBHOOKS_TO_LOOPBACK` | `1` lets webhooks lead to this machine, by http too; for trying out only | refused |
| `DOORSTEP_COST_LIMIT` | what a firm's requests may cost at once; five times that for officials | 30000 |
| `DOORSTEP_COST_A_SECOND` | how much of it comes back each second | 1000 |

With neither mail server nor gateway, messages are written to `outbox.jsonl` in `DOORSTEP_HOME`.
"""

import base64
import binascii
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Generic, Self, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from models.halts import CannotStart
from models.sealing import SECRET_BYTES

_Hidden = TypeVar("_Hidden")
LONGEST_KEEP_DAYS = 3650
LARGEST_COST = 1_000_000_000
_MAKE_ONE = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' prints a good one"


class SettingsError(CannotStart, ValueError):
    """A setting cannot be used; the text names the variable and the way out, and never its value if that is secret."""


@dataclass(frozen=True)
class Secret(Generic[_Hidden]):
    """A value that no log, traceback or table shows; whoever needs it must ask for it by name."""

    _value: _Hidden

    def reveal(self) -> _Hidden:
        """Give the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class MailServer:
    """The operator's SMTP server; TLS from the first byte, or by STARTTLS."""

    host: str
    port: int
    sender: str
    is_tls: bool = False
    user: str | None = None
    password: Secret[str] | None = None


@dataclass(frozen=True)
class Gateway:
    """The operator's gateway for short texts."""

    url: str
    token: Secret[str] | None = None


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides."""

    home: Path
    database_url: Secret[str] | None = None
    secret: Secret[bytes] | None = None
    pepper: Secret[bytes] | None = None
    retired_secrets: tuple[Secret[bytes], ...] = ()
    keep_answers_days: int = 30
    keep_runs_days: int = 90
    mail: MailServer | None = None
    gateway: Gateway | None = None
    webhooks_to_loopback: bool = False
    cost_limit: int = 30_000
    cost_a_second: int = 1_000

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """
        Read the environment; an empty variable counts as none.

        Raises:
            SettingsError: A value cannot be used.
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        url = given.get("DATABASE_URL")
        retired = given.get("DOORSTEP_RETIRED_SECRETS", "")
        return cls(
            home=_home(given),
            database_url=Secret(url) if url else None,
            secret=_key(given, "DOORSTEP_SECRET"),
            pepper=_key(given, "DOORSTEP_PEPPER"),
            retired_secrets=tuple(
                Secret(_decoded(each, "DOORSTEP_RETIRED_SECRETS")) for each in retired.split(",") if each.strip()
            ),
            keep_answers_days=_days(given, "DOORSTEP_KEEP_ANSWERS_DAYS", usually=cls.keep_answers_days),
            keep_runs_days=_days(given, "DOORSTEP_KEEP_RUNS_DAYS", usually=cls.keep_runs_days),
            mail=_mail_server(given),
            gateway=_gateway(given),
            webhooks_to_loopback=_switch(given, "DOORSTEP_WEBHOOKS_TO_LOOPBACK"),
            cost_limit=_number(given, "DOORSTEP_COST_LIMIT", usually=cls.cost_limit, most=LARGEST_COST),
            cost_a_second=_number(given, "DOORSTEP_COST_A_SECOND", usually=cls.cost_a_second, most=LARGEST_COST),
        )

    def with_own_secrets(self) -> Self:
        """
        Fill in the secrets that were not given from the folder of ours, where they are made once.

        Raises:
            SettingsError: The folder cannot be written, or what lies there is no secret.
        """
        return replace(
            self,
            secret=self.secret or Secret(_kept(self.home / "secret")),
            pepper=self.pepper or Secret(_kept(self.home / "pepper")),
        )

    def with_given_secrets(self) -> Self:
        """
        Make sure that both secrets were given, as every command but the demo needs them.

        Raises:
            SettingsError: One was not.
        """
        for name, value in (("DOORSTEP_SECRET", self.secret), ("DOORSTEP_PEPPER", self.pepper)):
            if value is None:
                raise SettingsError(f"{name} is not set: set it to 32 random bytes in base64; {_MAKE_ONE}.")
        return self


def _home(given: Mapping[str, str]) -> Path:
    if named := given.get("DOORSTEP_HOME"):
        home = Path(named)
        if home.exists() and not home.is_dir():
            raise SettingsError(f"DOORSTEP_HOME is {home}, which is a file: set it to a folder, or unset it.")
        return home.absolute()
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".doorstep"
    data = Path(given.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "doorstep"


def _key(given: Mapping[str, str], name: str) -> Secret[bytes] | None:
    return Secret(_decoded(given[name], name)) if name in given else None


def _days(given: Mapping[str, str], name: str, *, usually: int) -> int:
    return _number(given, name, usually=usually, most=LONGEST_KEEP_DAYS, of=" of days")


def _number(given: Mapping[str, str], name: str, *, usually: int, most: int, of: str = "") -> int:
    text = given.get(name, str(usually))
    if not text.isdecimal() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} is {text!r}: set it to a whole number{of}, 1 to {most}.")
    return int(text)


def _switch(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "0")
    if text not in ("0", "1"):
        raise SettingsError(f"{name} is {text!r}: set it to 1, or unset it.")
    return text == "1"


def _mail_server(given: Mapping[str, str]) -> MailServer | None:
    name, sender = "DOORSTEP_SMTP_URL", given.get("DOORSTEP_SMTP_FROM", "")
    if name not in given:
        return None
    parts = _url(given, name, schemes=("smtp", "smtps"))
    if "@" not in parseaddr(sender)[1]:
        raise SettingsError("DOORSTEP_SMTP_FROM is no address: set it to one, such as Doorstep <no-reply@example.cn>.")
    is_tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or (465 if is_tls else 587),
        sender=sender,
        is_tls=is_tls,
        user=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
    )


def _gateway(given: Mapping[str, str]) -> Gateway | None:
    name, token = "DOORSTEP_GATEWAY_URL", given.get("DOORSTEP_GATEWAY_TOKEN")
    if name not in given:
        return None
    return Gateway(_url(given, name, schemes=("http", "https")).geturl(), Secret(token) if token else None)


def _url(given: Mapping[str, str], name: str, *, schemes: tuple[str, str]) -> SplitResult:
    """Take an address apart; what is wrong is said without it, as it may hold a password."""
    wrong = SettingsError(f"{name} is no such address: write it as {schemes[0]}:// or {schemes[1]}://host:port.")
    try:
        parts = urlsplit(given[name])
        port_is_right = parts.port != 0
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in schemes or not parts.hostname or not port_is_right:
        raise wrong
    return parts


def _decoded(text: str, source: str) -> bytes:
    text = text.strip()
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"{source} is not written in base64: {_MAKE_ONE}.") from error
    if len(key) < SECRET_BYTES:
        raise SettingsError(f"{source} has {len(key)} bytes, and {SECRET_BYTES} are needed: {_MAKE_ONE}.")
    return key


def _kept(path: Path) -> bytes:
    """Read a secret of our own, made on first use; of two who make it at once, both get the first one's."""
    try:
        if not path.exists():
            _make(path)
        return _decoded(path.read_text(), str(path))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be used ({error.strerror}): set DOORSTEP_HOME to a folder you may write to."
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by nobody else from the first moment, and complete before it has its name.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-") as draft:
        draft.write(secrets.token_urlsafe(SECRET_BYTES))
        draft.flush()
        os.fsync(draft.fileno())
        if not path.exists():
            _link(Path(draft.name), path)


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
