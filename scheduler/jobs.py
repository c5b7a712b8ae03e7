"""
What a job is. There are two kinds of work, and each has no more machinery than it needs.

*Effects in our database* (`Job`, `TimedJob`): claim, effect and completion are one transaction, and the row lock is the
lease. A process that dies lets go of it at once; one that freezes is cut off by PostgreSQL
(`Pool.idle_in_transaction_seconds`), and then cannot commit.

*Work outside a transaction* (`LongJob`): what is worked on is claimed with a lease (`scheduler.leases`).
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.database import Database
from scheduler.clock import Clock

FIRST_TICK = datetime(2026, 1, 1, tzinfo=UTC)
MOST_AT_ONCE = 1_000
_BIT = timedelta(microseconds=1)

Step = Callable[[AsyncSession, datetime], Awaitable[int]]
NextDue = Callable[[], SelectOfScalar[Any]]
Effect = Callable[[AsyncSession, datetime], Awaitable[int]]


@dataclass(frozen=True)
class Job:
    """
    A sweep: work that falls due in rows.

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
    run: Callable[[Database, Clock], Coroutine[Any, Any, int]]
    next_due: NextDue

    async def handle(self, database: Database, clock: Clock) -> int:
        """Run once; 0 says that nothing more is due."""
        return await self.run(database, clock)


class CatchUp(Enum):
    """What becomes of the moments at which no node was there to fire."""

    ALL = auto()
    LATEST = auto()


@dataclass(frozen=True)
class TimedJob:
    """
    Work that falls due by the clock alone: `effect` is given each moment of the trigger once, and says how many it met.

    Make its trigger with `every` or `on`: those of APScheduler begin when a process does, and read the local clock.
    """

    name: str
    trigger: IntervalTrigger | CronTrigger
    effect: Effect
    catch_up: CatchUp

    def moments(self, last: datetime, now: datetime) -> list[datetime]:
        """The moments after the last one and up to now, by the job's policy; the next walk goes on where many end."""
        found: list[datetime] = []
        while (following := self.after(found[-1] if found else last)) is not None and following <= now:
            found.append(following)
            if self.catch_up is CatchUp.LATEST:
                del found[:-1]
            elif len(found) == MOST_AT_ONCE:
                break
        return found

    def after(self, moment: datetime) -> datetime | None:
        """The trigger's first moment after this one."""
        # Told of no fire time before, the trigger reckons from its start date: every walk meets the same moments.
        following: datetime | None = self.trigger.get_next_fire_time(None, moment + _BIT)
        return following


def every(span: timedelta) -> IntervalTrigger:
    """Fire at the same moments on every node, whenever it was started."""
    return IntervalTrigger(seconds=span.total_seconds(), start_date=FIRST_TICK, timezone=UTC)


def on(**fields: str | int) -> CronTrigger:
    """Fire by the calendar in UTC (`month`, `day`, `hour`, …), where no clock change doubles or drops a moment."""
    return CronTrigger(**fields, start_date=FIRST_TICK, timezone=UTC)


Sweep = Job | LongJob
AnyJob = Sweep | TimedJob
