"""
The worker node: APScheduler fires, a unique row lets one node act, the job's steps run until nothing is due.

Every node fires every job at the same fixed moments. What is due stands in rows, so a firing that is missed, fails or
dies with its node costs no more than a wait until the next.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from models.database import Database
from scheduler import job_runs
from scheduler.clock import Clock
from scheduler.jobs import AnyJob

PACE = timedelta(seconds=5)
_FIRST_TICK = datetime(2026, 1, 1, tzinfo=UTC)  # the same on every node, so that all fire at the same moments
TICKS_MISSED = 10  # so many in a row, and a node counts as not looking any more
_BIT = timedelta(microseconds=1)

log = structlog.get_logger()


class JobFailed(RuntimeError):
    """A job that was told to run did not get through; its row in `job_run` says why."""


class JobStuck(RuntimeError):
    """A job says that something is due and then does nothing about it."""


@dataclass(frozen=True)
class Firing:
    """What one firing came to."""

    done: int = 0
    error: Exception | None = None

    @property
    def failure(self) -> str | None:
        """What went wrong, in words."""
        return job_runs.in_words(self.error) if self.error else None


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
        self._pace = pace
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._told: dict[str, asyncio.Future[Firing]] = {}
        self._at_work: set[asyncio.Task[object]] = set()
        self._is_stopping = False
        self._looked_at = 0.0

    async def __aenter__(self) -> Self:
        """Start firing."""
        self._scheduler.add_listener(self._fired, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        if self._pace is not None:
            every = IntervalTrigger(seconds=self._pace.total_seconds(), start_date=_FIRST_TICK, timezone=UTC)
            for job in self._jobs:
                self._scheduler.add_job(self._tick, every, args=[job], id=job.name)
        self._scheduler.start()
        self._has_looked()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start nothing new, and finish the steps that run."""
        self._is_stopping = True
        self._scheduler.pause()
        await asyncio.sleep(0)  # a firing handed over just now sees that it came too late
        await asyncio.gather(*self._at_work, return_exceptions=True)
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
        async with self._database.reading() as db:
            moments = await job_runs.moments(db, self._jobs)
        return min((moment for moment in moments if moment is not None), default=None)

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
            if not done:
                raise JobStuck(f"Due, but with nothing to do at {self._clock()}: {', '.join(job.name for job in due)}.")
            total += done
        return total

    async def _due(self) -> list[AnyJob]:
        now = self._clock()
        async with self._database.reading() as db:
            moments = await job_runs.moments(db, self._jobs)
        return [job for job, at in zip(self._jobs, moments, strict=True) if at is not None and at <= now]

    async def _told_now(self, job: AnyJob) -> int:
        """Let APScheduler fire a job at once, and wait until it has run."""
        told = asyncio.get_running_loop().create_future()
        handle = self._scheduler.add_job(self._fire_when_told, args=[job])
        self._told[handle.id] = told
        firing: Firing = await told
        if firing.failure:
            raise JobFailed(f"{job.name}: {firing.failure}")
        return firing.done

    def _fired(self, event: JobExecutionEvent) -> None:
        told = self._told.pop(event.job_id, None)
        if told is None or told.done():
            return
        if event.exception:
            told.set_exception(event.exception)
        else:
            told.set_result(event.retval)

    async def _tick(self, job: AnyJob) -> None:
        """Look after a job at its regular moment; every other node does the same at the same one."""
        if self._is_stopping or self._pace is None:
            return
        now = self._clock()
        fire_at = now - (now - _FIRST_TICK) % self._pace
        try:
            async with self._database.reading() as db:
                (due_at,) = await job_runs.moments(db, [job])
            self._has_looked()
            if due_at is not None and due_at <= now:
                await self._fire(job, fire_at)
        except Exception as error:  # noqa: BLE001 - the database may be away; the next tick tries again
            log.warning("job_not_fired", job=job.name, failure=job_runs.in_words(error))

    async def _fire_when_told(self, job: AnyJob) -> Firing:
        """Fire now; a moment that was used already, as happens while a clock stands, makes room for a next one."""
        fire_at = self._clock()
        while (firing := await self._fire(job, fire_at)) is None:
            fire_at += _BIT
        return firing

    async def _fire(self, job: AnyJob, fire_at: datetime) -> Firing | None:
        """Run a job in the name of a moment; None if that moment is another's."""
        actor = f"job:{job.name}"
        with self._busy():
            async with self._database.writing(actor=actor, now=self._clock()) as db:
                run_id = await job_runs.claim(db, job.name, fire_at=fire_at, now=self._clock())
            if run_id is None:
                return None
            firing = await self._exhausted(job)
            async with self._database.writing(actor=actor, now=self._clock()) as db:
                await job_runs.close(db, run_id, done=firing.done, failure=firing.failure, now=self._clock())
            _tell(job, firing)
            return firing

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """Let whoever stops this node wait for what runs here."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a firing runs in a task")
        self._at_work.add(task)
        try:
            yield
        finally:
            self._at_work.discard(task)

    async def _exhausted(self, job: AnyJob) -> Firing:
        done = 0
        try:
            while not self._is_stopping and (handled := await job.handle(self._database, self._clock)):
                done += handled
        except Exception as error:  # noqa: BLE001 - whatever a step does, its row is closed and the next tick tries again
            return Firing(done, error)
        return Firing(done)


def _tell(job: AnyJob, firing: Firing) -> None:
    if firing.error:
        log.error("job_failed", job=job.name, done=firing.done, failure=firing.failure, exc_info=firing.error)
    elif firing.done:
        log.info("job_done", job=job.name, done=firing.done)
