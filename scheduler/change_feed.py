"""
The change feed: one process's place in the rows that say what changed.

The rows are the truth; they are read in the order of their transactions' numbers, and only up to the oldest
transaction that still runs: a later one may have committed first, and what the earlier one adds must not be passed by.
`NOTIFY` only says that a look is worth while. It is sent after a commit, on the connection that listens, so that no
booking waits for the one lock that all notifying commits share; a hint that is lost costs a second.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

import asyncpg
import structlog

from models.database import Database
from models.vocabulary import Topic

CHANNEL = "doorstep_changes"
BATCH = 1_000
# Without a hint: what other programs changed, and what a process that died between commit and hint did not tell.
QUIET_SECONDS = 1.0
# Something waits for an earlier transaction to end, and a rollback gives no hint.
HELD_BACK_SECONDS = 0.05
# Commits of this time share one hint.
TOGETHER_SECONDS = 0.01
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
ANSWER_SECONDS = 5.0

_AFTER = """
SELECT xid, id, at, topic, entity_id, xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS is_safe
  FROM change WHERE (xid, id) > ($1, $2) ORDER BY xid, id LIMIT $3
"""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

log = structlog.get_logger()


class Position(NamedTuple):
    """How far somebody has read: transaction, and row within it."""

    xid: int
    id: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something about a row changed."""

    position: Position
    topic: Topic
    entity_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """
    Events in order.

    Attributes:
        is_held_back: More is there, but an earlier transaction still runs.
        is_full: More may be there; read on at once.
    """

    events: tuple[Event, ...]
    is_held_back: bool
    is_full: bool


async def horizon(connection: asyncpg.Connection) -> Position:
    """Where somebody begins who looks at the rows after this: what is behind it, they see there."""
    return Position(await connection.fetchval(_HORIZON, timeout=ANSWER_SECONDS), 0)


async def changes_after(connection: asyncpg.Connection, position: Position, *, most: int = BATCH) -> Page:
    """Read every event after a position that no running transaction can still come before, in order."""
    rows = await connection.fetch(_AFTER, position.xid, position.id, most, timeout=ANSWER_SECONDS)
    safe = [row for row in rows if row["is_safe"]]
    events = tuple(
        Event(Position(row["xid"], row["id"]), Topic(row["topic"]), row["entity_id"], row["at"]) for row in safe
    )
    return Page(events, is_held_back=len(safe) < len(rows), is_full=len(safe) == most)


class Following:
    """
    Somebody's wish to hear of some rows: which of them to look at again.

    However slow its owner is, it holds each row once at the most: a row's events add up to a look at its latest state.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = tuple(dict.fromkeys(ids))
        self._changed: dict[int, None] = dict.fromkeys(self.ids)
        self._is_changed = asyncio.Event()
        self._is_changed.set()

    def tell(self, entity_id: int) -> None:
        """Remember that a row changed."""
        self._changed[entity_id] = None
        self._is_changed.set()

    async def next(self, *, seconds: float) -> int | None:
        """The row to look at next, each once to begin with; None if nothing changed for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_changed.wait()
        if not self._changed:
            return None
        entity_id: int = next(iter(self._changed))
        del self._changed[entity_id]
        if not self._changed:
            self._is_changed.clear()
        return entity_id


class ChangeFeed:
    """The feed of one process: one connection that listens, reads, and gives the hints of this process's commits."""

    def __init__(self, database: Database, *writers: Database) -> None:
        self._database = database
        self._hint = asyncio.Event()
        self._has_committed = False
        self._position: Position | None = None
        self._followers: dict[tuple[Topic, int], set[Following]] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_listening = False
        for each in (database, *writers):
            each.after_commit(self._committed)

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @contextmanager
    def following(self, topic: Topic, ids: Iterable[int]) -> Iterator[Following]:
        """Follow rows for as long as the context lasts; look at them after entering it, and nothing is missed."""
        wish = Following(ids)
        for entity_id in wish.ids:
            self._followers.setdefault((topic, entity_id), set()).add(wish)
        try:
            yield wish
        finally:
            for entity_id in wish.ids:
                others = self._followers[topic, entity_id]
                others.discard(wish)
                if not others:
                    del self._followers[topic, entity_id]

    def _committed(self) -> None:
        self._has_committed = True
        self._hint.set()

    def _hinted(self, *_: Any) -> None:
        self._hint.set()

    async def _listen(self) -> None:
        """Listen for ever: whatever ends a connection, the next one goes on where it ended."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                await self._over_one_connection()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listener_lost", failure=type(error).__name__)
            pause = SHORTEST_PAUSE if self.is_listening else min(2 * pause, LONGEST_PAUSE)
            self.is_listening = False
            await asyncio.sleep(pause)

    async def _over_one_connection(self) -> None:
        connection = await self._database.connect()
        try:
            connection.add_termination_listener(self._hinted)
            await connection.add_listener(CHANNEL, self._hinted)
            await self._find_place(connection)
            self.is_listening = True
            while True:
                patience = await self._read_on(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await self._hint.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
                self._hint.clear()
                if self._has_committed:
                    self._has_committed = False
                    await connection.execute("SELECT pg_notify($1, '')", CHANNEL, timeout=ANSWER_SECONDS)
        finally:
            connection.terminate()

    async def _find_place(self, connection: asyncpg.Connection) -> None:
        """Begin at the horizon; after a loss go on from the last position, and let every follower look anew."""
        now = await horizon(connection)
        if self._position is None or self._position.xid > now.xid:  # a server restored from a backup counts from before
            self._position = now
        for (_, entity_id), wishes in self._followers.items():
            for wish in wishes:
                wish.tell(entity_id)

    async def _read_on(self, connection: asyncpg.Connection) -> float:
        """Tell followers what is new; how long to wait for a hint after that."""
        while True:
            if self._position is None:
                message = "nothing is read before a place to begin at is found"
                raise RuntimeError(message)
            page = await changes_after(connection, self._position)
            for event in page.events:
                for wish in self._followers.get((event.topic, event.entity_id), ()):
                    wish.tell(event.entity_id)
                self._position = event.position
            if not page.is_full:
                return HELD_BACK_SECONDS if page.is_held_back else QUIET_SECONDS
