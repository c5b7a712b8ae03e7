"""What is done behind the guards' back, and what the auditor must say of it."""

from collections.abc import Sequence
from dataclasses import dataclass

MOVED = (
    "INSERT INTO audit_entry (at, actor, act, entity, entity_id, from_state, to_state, detail)"
    " VALUES ('2026-03-02T02:00Z', 'test', 'state', '{}', {}, {}, '{}', '{{{{}}}}')"
)


def moved(entity: str, row: str, before: str | None, after: str) -> str:
    """The entry that the guard would have written."""
    return MOVED.format(entity, row, f"'{before}'" if before else "NULL", after)


@dataclass(frozen=True)
class Corruption:
    """What is done behind the guards' back, and what the auditor must say; `also` names what breaks along with it."""

    invariant: str
    statements: Sequence[str]
    entity: str
    row: str
    found: str
    also: frozenset[str] = frozenset()


def also(*names: str) -> frozenset[str]:
    return frozenset(names)
