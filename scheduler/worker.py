"""
The worker node: APScheduler is its clock, rows say what is due, and nodes share the rows.

At every tick a node looks which sweeps have something to do and writes a firing, unique per job and moment, so that
every other node's is a no-op; timed jobs fire in the same way at the moments of their own triggers. Then it tries the
open runs, whoever wrote them: a node that dies, freezes or wakes up late costs no more than a wait until the next tick.

What APScheduler would do to a late or stopping process does not matter here. A tick that is dropped (its misfire grace
time) or comes late is made up for by the next, which walks each trigger from its last row to now, at start as later.
Work runs in tasks of the node's own, which the scheduler's shutdown does not cancel.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from scheduler import job_runs
from scheduler.attempts import Attempt, attempt
from scheduler.clock import Clock
from scheduler.jobs import FIRST_TICK, AnyJob, TimedJob, every

PACE = timedelta(seconds=1)
TICKS_MISSED = 50  # so many in a row, and a node counts as not looking any more
_BIT = timedelta(microseconds=1)

log = structlog.get_logger()


class JobFailed(RuntimeError):
    """A job that was told to run did not get through; its row in `job_run` says why."""


class JobStuck(RuntimeError):
    """A job says that something is due and then does nothing about it."""


class Worker:
    """
    One worker node.

    At its `pace` it looks after every job; with no pace, as with a clock that is set by hand, it acts only when told.
    """

    def __init__(
        self, database: Database, clock: Clock, jobs: Iterable[AnyJob], *, pace: timedelta | None = PACE
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs: Sequence[AnyJob] = tuple(jobs)
        self._timed = [job for job in self._jobs if isinstance(job, TimedJob)]
        self._pace = pace
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._is_stopping = False
        self._looked_at = 0.0

    async def __aenter__(self) -> Self:
        """Catch up on what was missed, and start firing."""
        if self._pace is not None:
            self._scheduler.add_job(self._tick, every(self._pace))
            for job in self._timed:
                self._scheduler.add_job(self._tick, job.trigger)
        self._scheduler.start()
        await self._begin()
        self._has_looked()
        if self._pace is not None:
            await self._tick()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start nothing new, and finish the steps that run."""
        self._is_stopping = True
        self._scheduler.pause()
        await asyncio.sleep(0)  # a firing handed over just now sees that it came too late
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # APScheduler shuts down in the loop's next turn

    @property
    def is_looking(self) -> bool:
        """Whether this node has lately looked for due work and got an answer; one told by hand always does."""
        if self._pace is None:
            return True
        patience = TICKS_MISSED * self._pace.total_seconds()
        return not self._is_stopping and asyncio.get_running_loop().time() - self._looked_at < patience

    def _has_looked(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()

    async def next_due(self) -> datetime | None:
        """The earliest moment at which any job has something to do."""
        return min((moment for _, moment in await self._moments() if moment is not None), default=None)

    async def run_due(self) -> int:
        """
        Run what is due at the clock's present moment, job after job in their order, until nothing more is.

        Raises:
            JobFailed: A step raised.
            JobStuck: A job went on being due without doing anything.
        """
        total = 0
        while due := await self._due():
            done = sum([await self._told_now(job) for job in due])
            if not done and not any(isinstance(job, TimedJob) for job in due):
                raise JobStuck(f"Due, but with nothing to do at {self._clock()}: {', '.join(job.name for job in due)}.")
            total += done
        return total

    async def _begin(self) -> None:
        """Let the walk of a timed job that never fired begin here."""
        now = self._clock()
        async with self._database.writing(actor="worker", now=now) as db:
            known = await job_runs.last_firings(db, self._timed)
            for job in self._timed:
                if job.name not in known:
                    await job_runs.begin(db, job.name, now=now)

    async def _moments(self) -> list[tuple[AnyJob, datetime | None]]:
        async with self._database.reading() as db:
            return list(zip(self._jobs, await job_runs.moments(db, self._jobs), strict=True))

    async def _due(self) -> list[AnyJob]:
        now = self._clock()
        return [job for job, at in await self._moments() if at is not None and at <= now]

    async def _told_now(self, job: AnyJob) -> int:
        """Fire a job at once, and run it until nothing of it waits."""
        await self._fire([job])
        done = 0
        while (tried := await attempt(self._database, self._clock, job)) is not None:
            _tell(job, tried)
            if tried.error:
                raise JobFailed(f"{job.name}: {job_runs.in_words(tried.error)}")
            done += tried.done
        return done

    async def _tick(self) -> None:
        """Fire what is due, and try what waits."""
        if self._is_stopping:
            return
        try:
            if due := await self._due():
                await self._fire(due)
            async with self._database.reading() as db:
                waiting = await job_runs.to_try(db, now=self._clock())
            self._has_looked()
        except Exception as error:  # noqa: BLE001 - the database may be away; the next tick tries again
            log.warning("tick_failed", failure=job_runs.in_words(error))
            return
        for job in self._jobs:
            if job.name in waiting and job.name not in self._at_work and not self._is_stopping:
                self._at_work[job.name] = asyncio.create_task(self._work(job))

    async def _fire(self, due: Iterable[AnyJob]) -> None:
        """Write firings down: a sweep's at this tick unless a run of it waits, a timed job's at each of its moments."""
        now = self._clock()
        async with self._database.writing(actor="worker", now=now) as db:
            occupied = await job_runs.occupied(db, now=now)
            last = await job_runs.last_firings(db, self._timed)
            for job in due:
                if isinstance(job, TimedJob):
                    await job_runs.fire(db, job.name, job.moments(last[job.name], now))
                elif job.name not in occupied:
                    await self._fire_sweep(db, job, now)

    async def _fire_sweep(self, db: AsyncSession, job: AnyJob, now: datetime) -> None:
        """Fire at this tick; told by hand, at the first moment not used yet, as happens while a clock stands."""
        if self._pace is not None:
            await job_runs.fire(db, job.name, [now - (now - FIRST_TICK) % self._pace])
            return
        fire_at = now
        while not await job_runs.fire(db, job.name, [fire_at], due_at=now):
            fire_at += _BIT

    async def _work(self, job: AnyJob) -> None:
        """Try what waits of a job until nothing does."""
        try:
            while not self._is_stopping and (tried := await attempt(self._database, self._clock, job)) is not None:
                _tell(job, tried)
        except Exception as error:  # noqa: BLE001 - the database may be away; a later tick tries again
            log.warning("job_not_tried", job=job.name, failure=job_runs.in_words(error))
        finally:
            del self._at_work[job.name]


def _tell(job: AnyJob, tried: Attempt) -> None:
    if tried.error:
        log.error("job_failed", job=job.name, failure=job_runs.in_words(tried.error), exc_info=tried.error)
    elif tried.done:
        log.info("job_done", job=job.name, done=tried.done)
