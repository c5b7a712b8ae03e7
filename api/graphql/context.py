"""What a resolver has at hand: the caller, the clock, short reads, and the transaction of the running mutation."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response
from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from api.graphql.open_streams import Streams
from models.columns import Table
from models.database import Database
from models.sealing import Sealer
from scheduler.accounts import SIGN_IN_ACTOR
from scheduler.allowances import Allowance, Charge
from scheduler.callers import Caller
from scheduler.change_feed import ChangeFeed
from scheduler.clock import Clock
from scheduler.idempotency import KeyedWrite
from scheduler.line import Line
from scheduler.refusals import Code, Refused, refuse
from scheduler.visibility import visible

T = TypeVar("T", bound=Table)

# The desk's writes are short, and its users many; other writes wait up to ten seconds for one of ten connections.
DESK_LINE = 8
WRITE_LINE = 64


@dataclass(frozen=True)
class Service:
    """What every request of a process shares."""

    database: Database
    clock: Clock
    sealer: Sealer
    feed: ChangeFeed | None = None
    streams: Streams = field(default_factory=Streams)
    is_secure: bool = False
    webhooks_to_loopback: bool = False
    allowance: Allowance = field(default_factory=Allowance)
    most_seconds: float = 30.0  # for one operation
    most_bytes: int = 5_000_000  # in one answer
    desk: Line = field(default_factory=lambda: Line(DESK_LINE))
    writes: Line = field(default_factory=lambda: Line(WRITE_LINE))


class Context:
    """The context of one GraphQL request."""

    def __init__(self, service: Service, *, caller: Caller | None, token: str | None, response: Response) -> None:
        self.service = service
        self.token = token
        self.response = response
        self.idempotency_key: str | None = None
        self.write: KeyedWrite | None = None
        self.refusal: Refused | None = None
        self.charge: Charge | None = None
        self._caller = caller
        self._db: AsyncSession | None = None
        self._operation: AsyncSession | None = None
        self._loaders: dict[object, DataLoader[Any, Any]] = {}

    @property
    def caller(self) -> Caller:
        """
        Who is signed in.

        Raises:
            Refused: NOT_SIGNED_IN.
        """
        if self._caller is None:
            raise refuse(
                Code.NOT_SIGNED_IN, "Sign in first: the signIn mutation gives a token for the Authorization header."
            )
        return self._caller

    @property
    def viewer(self) -> Caller | None:
        """Who is signed in, if anybody."""
        return self._caller

    def now(self) -> datetime:
        """The time of this service, aware and UTC."""
        return self.service.clock()

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A short read-only session of its own: sibling fields run side by side and may not share one."""
        return self.service.database.reading() if self._operation is None else reading_inside(self._operation)

    @property
    def db(self) -> AsyncSession:
        """The transaction of the running mutation; `OneTransaction` opens and ends it."""
        if self._db is None:
            message = "only a mutation has a transaction; reads open their own with reading()"
            raise RuntimeError(message)
        return self._db

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """
        Open the transaction of one mutation field; a savepoint where the whole operation is one.

        Raises:
            Refused: The operation's key cannot be taken.
        """
        if self.refusal is not None:
            raise self.refusal
        async with self._in_line() if self._operation is None else savepoint(self._operation) as db:
            self._db = db
            try:
                yield db
            finally:
                self._db = None

    @asynccontextmanager
    async def one_transaction(self) -> AsyncIterator[None]:
        """Make the operation one transaction: its field is a savepoint, and its answer is read inside."""
        async with self._in_line() as db:
            self._operation = db
            try:
                yield
            finally:
                self._operation = None

    @property
    def operation(self) -> AsyncSession:
        """The transaction of the whole operation, where it is one."""
        if self._operation is None:
            message = "this operation is not one transaction"
            raise RuntimeError(message)
        return self._operation

    @asynccontextmanager
    async def _in_line(self) -> AsyncIterator[AsyncSession]:
        actor = self._caller.actor if self._caller else SIGN_IN_ACTOR
        async with self.service.writes.turn(), self.service.database.writing(actor=actor, now=self.now()) as db:
            yield db

    async def row(self, table: type[T], row_id: int) -> T | None:
        """The row with this id, if the caller may see it; asked together with its siblings in one statement."""
        loader = self.loader(table, lambda ids: self._rows(table, ids))
        found: T | None = await loader.load(row_id)
        return found

    def loader(self, name: object, load: Callable[[list[int]], Any]) -> DataLoader[Any, Any]:
        """The request's loader of this name; made with the function at its first use."""
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load_fn=load)
        return self._loaders[name]

    def look_anew(self, caller: Caller | None) -> None:
        """Forget what was loaded, and go on for the caller that the token stands for now."""
        self._caller = caller
        self.forget()

    def forget(self) -> None:
        """Drop what was loaded: a mutation has changed rows."""
        self._loaders.clear()

    async def _rows(self, table: type[T], ids: list[int]) -> list[T | None]:
        key = col(table.id)  # type: ignore[attr-defined]  # every table has its surrogate key
        async with self.reading() as db:
            rows = (await db.exec(visible(table, self.caller).where(key.in_(ids)))).all()
        by_id = {row.id: row for row in rows}  # type: ignore[attr-defined]
        return [by_id.get(row_id) for row_id in ids]


@asynccontextmanager
async def savepoint(db: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A part of a transaction that can be taken back alone."""
    async with db.begin_nested():
        yield db


@asynccontextmanager
async def reading_inside(db: AsyncSession) -> AsyncIterator[AsyncSession]:
    """
    A session of its own on a transaction's connection: it sees what is not committed yet.

    Siblings may use several at once: the driver's adapter runs one statement of a connection after the other.
    """
    connection = await db.connection()
    async with AsyncSession(connection, join_transaction_mode="rollback_only", expire_on_commit=False) as beside:
        yield beside


Info = StrawberryInfo[Context, None]
