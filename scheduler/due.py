"""Everything that falls due by itself, in the order in which it is looked after."""

from pathlib import Path

from scheduler.consultation import SILENCE
from scheduler.jobs import AnyJob
from scheduler.outbox import delivery_to
from scheduler.planning import PLANNING
from scheduler.publication import PUBLICATION
from scheduler.request_changes import LAPSING
from scheduler.rounds import CLOSING, REPLANS


def all_jobs(*, home: Path) -> tuple[AnyJob, ...]:
    """Every job of the program; what leaves the house is written to the home folder."""
    return (CLOSING, SILENCE, PUBLICATION, REPLANS, PLANNING, LAPSING, delivery_to(home / "outbox.jsonl"))
