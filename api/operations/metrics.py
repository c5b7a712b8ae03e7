"""
Metrics in Prometheus' text format, named by its conventions: base units, `_total` for what only grows.

Gauges are read from the rows when they are asked for, so every process of a system shows the same; take the maximum
over processes. Counters are each process's own; add them up.
"""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from scheduler.backlog import Backlog, backlog
from scheduler.clock import Clock
from scheduler.jobs import AnyJob


class MetricsOf:
    """The metrics page of one process."""

    def __init__(self, database: Database, clock: Clock, jobs: Sequence[AnyJob]) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._registry = CollectorRegistry()
        self._rows = FromRows()
        self._registry.register(self._rows)
        ProcessCollector(registry=self._registry)

    async def __call__(self) -> bytes:
        """Read the rows and write the page; a database that is away is told as `doorstep_rows_readable 0`."""
        self._rows.found = await self._backlog()
        return generate_latest(self._registry)

    async def _backlog(self) -> Backlog | None:
        try:
            async with self._database.reading() as db:
                return await backlog(db, self._jobs, now=self._clock())
        except (OSError, SQLAlchemyError):
            return None


class FromRows:
    """What was last read from the rows, as metrics."""

    found: Backlog | None = None

    def collect(self) -> Iterator[Metric]:
        """Show each figure; none but the first while the database is away."""
        found = self.found
        yield gauge("doorstep_rows_readable", "Whether the database answered when this page was made.", bool(found))
        if found is None:
            return
        lag = GaugeMetricFamily(
            "doorstep_job_lag_seconds",
            "How long a job's earliest due row has waited; 0 if none is due.",
            labels=["job"],
        )
        for job, seconds in found.job_lags.items():
            lag.add_metric([job], seconds)
        yield lag
        yield gauge("doorstep_outbox_lag_seconds", "How long the oldest due message has waited.", found.outbox_lag)
        yield gauge("doorstep_outbox_due_messages", "Messages that are due and not delivered.", found.messages_due)
        yield gauge("doorstep_outbox_dead_messages", "Messages that are not tried any more.", found.messages_dead)
        yield gauge(
            "doorstep_places_set_aside_past_expiry",
            "Places that promises and holds whose time is over still stand for; the sweep brings it to 0.",
            found.places_past_expiry,
        )


def gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    """One figure."""
    return GaugeMetricFamily(name, meaning, value=value)
