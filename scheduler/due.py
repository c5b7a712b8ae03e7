"""Everything that falls due by itself, in the order in which it is looked after."""

from pathlib import Path

from scheduler.jobs import AnyJob
from scheduler.outbox import delivery_to


def all_jobs(*, home: Path) -> tuple[AnyJob, ...]:
    """Every job of the program; what leaves the house is written to the home folder."""
    return (delivery_to(home / "outbox.jsonl"),)
