"""Engine, sessions and transactions; the only place that commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.halts import CannotStart

OLDEST_VERSION = 15
_SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
_CONNECT_SECONDS = 10.0
# What psql and hosting companies write into addresses and asyncpg would hand to the server as a setting.
_UNKNOWN_TO_ASYNCPG = {"connect_timeout", "channel_binding", "gssencmode", "keepalives", "pgbouncer"}
_CORRECT_IT = "correct it (postgresql://user:password@host:5432/database), or unset it to use the embedded server"

_NOBODY_THERE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)


class DatabaseError(CannotStart):
    """The database cannot be used; the text says why and what to do, and never holds the password."""


class DatabaseUrlWrong(DatabaseError):
    """The address is no PostgreSQL address, or the server knows no such database, user or password."""


class DatabaseUnreachable(DatabaseError):
    """Nobody answers at the address, or not in time."""


class DatabaseTooOld(DatabaseError):
    """The server's version is older than what we stand on."""


@dataclass(frozen=True)
class Pool:
    """How many connections a process keeps, and for how long."""

    size: int = 10
    at_once: int = 8  # beside those, for single statements
    overflow: int = 0
    wait_seconds: float = 10.0
    recycle_seconds: int = 1800
    statement_seconds: float | None = None  # the server ends what takes longer
    # One round trip more each time, so that a server's restart is not felt by whoever comes next.
    ping_first: bool = True
    # A process that freezes within a transaction keeps its rows locked so long, and then cannot commit any more.
    idle_in_transaction_seconds: float | None = None


# Between statements a worker's transactions think for a second or two at most; frozen ones hold nobody up for long.
WORKERS_POOL = Pool(size=6, wait_seconds=60, idle_in_transaction_seconds=30)


class Database:
    """A PostgreSQL database: short read-only sessions, and transactions that commit when they are left."""

    def __init__(self, url: str, *, pool: Pool = Pool()) -> None:
        """
        Prepare to connect; nothing is asked of the server yet.

        Raises:
            DatabaseUrlWrong: Not a PostgreSQL address.
        """
        self._dsn, self._place, self._connect_seconds = _address(url)
        self._settings = _server_settings(pool)
        self._engine = _engine(self._connect_for_the_pool, pool)
        # Neither refreshed nor emptied on commit: rows outlive their transaction as plain values.
        self._writers = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self._engine.execution_options(postgresql_readonly=True), class_=AsyncSession, expire_on_commit=False
        )
        self._single: asyncpg.Pool | None = None
        self._after_commit: list[Callable[[], None]] = []
        self._opening, self._at_once = asyncio.Lock(), pool.at_once

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a short session that can only read; the database itself refuses a write."""
        async with self._readers() as db:
            yield db

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[asyncpg.Connection]:
        """
        Take a bare connection on which each statement is a transaction of its own, begun and ended on the server.

        For what thousands do in the same minute: SQLAlchemy's part of a round trip costs several times the rest of it.
        """
        async with self._opening:
            if self._single is None:
                self._single = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._at_once,
                    timeout=self._connect_seconds,
                    reset=_left_as_it_is,
                    server_settings=self._settings,
                )
        async with self._single.acquire() as connection:
            yield connection
        self._tell()

    @asynccontextmanager
    async def writing(self, *, actor: str, now: datetime) -> AsyncIterator[AsyncSession]:
        """
        Open one transaction: committed when the block is left, rolled back when anything is raised.

        Both values go into the transaction, where the triggers that keep the audit trail read them. An actor is a short
        word and a key, such as `account:12` or `job:rounds`.

        Raises:
            ValueError: No actor, or a time without its zone.
        """
        if not actor or now.tzinfo is None:
            raise ValueError(f"A transaction needs an actor and an aware time, not {actor!r} at {now!r}.")
        async with self._writers.begin() as db:
            await db.exec(
                select(
                    func.set_config("doorstep.actor", actor, True),
                    func.set_config("doorstep.now", now.isoformat(), True),
                )
            )
            yield db
        self._tell()

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Have somebody called after each transaction of this process that may have changed something."""
        self._after_commit.append(tell)

    def _tell(self) -> None:
        for tell in self._after_commit:
            tell()

    async def check(self) -> None:
        """
        Make sure that the database can be used.

        Raises:
            DatabaseUrlWrong: The server knows no such database, user or password.
            DatabaseUnreachable: Nobody answers.
            DatabaseTooOld: The server is older than PostgreSQL 15.
        """
        try:
            connection = await self.connect()
        except ValueError as error:
            # Its text may quote a piece of the address, and that piece may be the password.
            raise DatabaseUrlWrong(f"DATABASE_URL cannot be understood: {_CORRECT_IT}.") from error
        except _NOBODY_THERE as error:
            raise DatabaseUnreachable(
                f"No PostgreSQL server answers at DATABASE_URL ({self._place}: {str(error) or 'no answer in time'}): "
                "start it, correct the address, or unset DATABASE_URL to use the embedded server."
            ) from error
        except asyncpg.PostgresError as error:
            raise DatabaseUrlWrong(f"The server refuses DATABASE_URL ({error}): {_CORRECT_IT}.") from error
        try:
            _refuse_old(await connection.fetchval("show server_version"))
        finally:
            await connection.close()

    async def connect(self) -> asyncpg.Connection:
        """Open a connection outside the pool: for listening, for locks that outlive a transaction."""
        return await asyncpg.connect(self._dsn, timeout=self._connect_seconds)

    async def _connect_for_the_pool(self) -> asyncpg.Connection:
        return await asyncpg.connect(self._dsn, timeout=self._connect_seconds, server_settings=self._settings)

    async def close(self) -> None:
        """Close the pools' connections."""
        await self._engine.dispose()
        if self._single is not None:
            await self._single.close()

    @property
    def engine(self) -> AsyncEngine:
        """The engine itself, for measuring and for migrations."""
        return self._engine


def _address(url: str) -> tuple[str, str, float]:
    """Split a database's address into what asyncpg reads, what a person may see, and how long to try."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise DatabaseUrlWrong(f"DATABASE_URL cannot be understood: {_CORRECT_IT}.") from error
    if parts.scheme not in _SCHEMES:
        raise DatabaseUrlWrong(
            f"DATABASE_URL is no PostgreSQL address (it begins with {parts.scheme!r}): {_CORRECT_IT}."
        )
    wishes = dict(parse_qsl(parts.query))
    given = wishes.get("connect_timeout", "")
    seconds = float(given) if given.isdigit() and int(given) else _CONNECT_SECONDS
    # SQLAlchemy says `ssl` where PostgreSQL says `sslmode`.
    if "ssl" in wishes:
        wishes["sslmode"] = wishes.pop("ssl")
    query = urlencode({name: value for name, value in wishes.items() if name not in _UNKNOWN_TO_ASYNCPG})
    place = parts.hostname or wishes.get("host") or "the local socket"
    return parts._replace(scheme="postgresql", query=query).geturl(), place, seconds


def _server_settings(pool: Pool) -> dict[str, str]:
    seconds = {
        "statement_timeout": pool.statement_seconds,
        "idle_in_transaction_session_timeout": pool.idle_in_transaction_seconds,
    }
    return {name: str(int(1000 * given)) for name, given in seconds.items() if given is not None}


def _engine(connect: Callable[[], Awaitable[asyncpg.Connection]], pool: Pool) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.wait_seconds,
        pool_recycle=pool.recycle_seconds,
        pool_pre_ping=pool.ping_first,
        # What people typed is theirs: an error's text goes to the log.
        hide_parameters=True,
    )


async def _left_as_it_is(_: asyncpg.Connection) -> None:
    """Save the round trip that would reset a connection: whoever takes it changes no setting beyond a statement."""


def _refuse_old(version: str) -> None:
    if int(version.partition(".")[0].partition("beta")[0]) < OLDEST_VERSION:
        raise DatabaseTooOld(
            f"The server at DATABASE_URL is PostgreSQL {version}, and {OLDEST_VERSION} or newer is needed: upgrade it, "
            "or unset DATABASE_URL to use the embedded server."
        )
