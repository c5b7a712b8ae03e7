"""Reading the audit trail: for auditors and operators alone."""

from dataclasses import dataclass

from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import AuditEntry
from models.vocabulary import Role
from scheduler.callers import Caller, require
from scheduler.visibility import visible


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; nothing given means all."""

    entity: str | None = None
    entity_id: int | None = None
    actor: str | None = None


def entries(caller: Caller, wanted: Wanted) -> SelectOfScalar[AuditEntry]:
    """
    The entries that are asked for.

    Raises:
        Refused: NOT_ALLOWED.
    """
    require(caller, Role.AUDITOR, Role.OPERATOR)
    found = visible(AuditEntry, caller)
    for column, value in (
        (AuditEntry.entity, wanted.entity),
        (AuditEntry.entity_id, wanted.entity_id),
        (AuditEntry.actor, wanted.actor),
    ):
        if value is not None:
            found = found.where(col(column) == value)
    return found
