"""Whether a process may be sent work: each of its checks answers in time, and it is not on its way out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import structlog

from models.database import Database
from models.migrations.run import steps
from scheduler.change_feed import ChangeFeed
from scheduler.worker import Worker

PATIENCE_SECONDS = 2.0
# Anybody may ask at the public port: however many do, the database is asked once in this time.
KEPT_SECONDS = 1.0

Check = Callable[[], Awaitable[bool]]

log = structlog.get_logger()


class Answer(StrEnum):
    """What a check says; no more, since anybody may read it."""

    OK = "ok"
    FAILED = "failed"


class Health:
    """The readiness of one process."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._asking = asyncio.Lock()
        self._found: dict[str, Answer] = {}
        self._found_at: float | None = None
        self.is_draining = False

    def drain(self) -> None:
        """Say no from now on, so that nothing new is sent here while what runs is finished."""
        self.is_draining = True

    async def readiness(self) -> dict[str, Answer]:
        """What each check says; `draining` fails from the moment the process was told to stop."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._found_at is None or now - self._found_at > KEPT_SECONDS:
                found = await asyncio.gather(*(self._answer(name, check) for name, check in self._checks.items()))
                self._found = dict(zip(self._checks, found, strict=True))
                self._found_at = asyncio.get_running_loop().time()
        return self._found | {"draining": Answer.FAILED if self.is_draining else Answer.OK}

    async def _answer(self, name: str, check: Check) -> Answer:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                is_well = await check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
            log.warning("check_failed", check=name, failure=type(error).__name__)
            return Answer.FAILED
        return Answer.OK if is_well else Answer.FAILED


def database_checks(database: Database) -> dict[str, Check]:
    """
    Whether the database answers, and whether it has every step of migration that this version needs.

    A database that a newer version has migrated further is fine: old processes serve on while new ones take over.
    """
    *earlier, _head = steps()

    async def answers() -> bool:
        return await _revision(database) is not None

    async def is_migrated() -> bool:
        revision = await _revision(database)
        return revision is not None and revision not in earlier

    return {"database": answers, "migrations": is_migrated}


def claim_loop_check(worker: Worker) -> dict[str, Check]:
    """Whether the worker's loop has lately looked for due work and got an answer."""

    async def is_looking() -> bool:
        return worker.is_looking

    return {"claim_loop": is_looking}


def listener_check(feed: ChangeFeed) -> dict[str, Check]:
    """Whether the process hears of changes."""

    async def is_listening() -> bool:
        return feed.is_listening

    return {"listener": is_listening}


async def _revision(database: Database) -> str | None:
    # Not from the pool: a busy process is no broken one.
    connection = await database.connect()
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return found
    finally:
        await connection.close()
