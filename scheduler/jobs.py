"""What a job is: due rows handled in steps, and a statement that says when there will be some."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.database import Database
from scheduler.clock import Clock

Step = Callable[[AsyncSession, datetime], Awaitable[int]]
NextDue = Callable[[], SelectOfScalar[Any]]


@dataclass(frozen=True)
class Job:
    """
    Work that falls due in rows.

    `step` handles a batch of the rows due at the moment it is given, claimed with `FOR UPDATE SKIP LOCKED` in the
    transaction it is given, and says how many; it is called until it says 0. `next_due` selects the earliest moment at
    which it will have something to do: one row, empty if there is none.
    """

    name: str
    step: Step
    next_due: NextDue

    async def handle(self, database: Database, clock: Clock) -> int:
        """Take one step in a transaction of its own; 0 says that nothing more is due."""
        now = clock()
        async with database.writing(actor=f"job:{self.name}", now=now) as db:
            return await self.step(db, now)


@dataclass(frozen=True)
class LongJob:
    """Work that must not hold a transaction while it thinks: `run` opens its own, short ones."""

    name: str
    run: Callable[[Database, Clock], Awaitable[int]]
    next_due: NextDue

    async def handle(self, database: Database, clock: Clock) -> int:
        """Run once; 0 says that nothing more is due."""
        return await self.run(database, clock)


AnyJob = Job | LongJob
