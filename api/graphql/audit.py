"""The audit trail: who did what to which row, and when."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.entity import LARGEST_KEY, Entity
from api.graphql.paging import Connection, Page, connect, paged
from models.journal import AuditEntry as AuditEntryRow
from scheduler.audit.trail import Wanted, entries
from scheduler.refusals import not_found


@strawberry.type(description="An entry of the audit trail (审计记录); never changed, never removed.")
class AuditEntry(Entity, relay.Node):
    """One act."""

    TABLE: ClassVar = AuditEntryRow

    id: relay.NodeID[int]
    at: datetime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Who: `account:` and a key, or `job:` and its name.")
    act: str = strawberry.field(description="What was done; `state` for a change of state.")
    entity: str = strawberry.field(description="What it was done to, by its table: `session`, `promise`, …")
    from_state: str | None = strawberry.field(description="The state before; empty at birth and for other acts.")
    to_state: str | None = strawberry.field(description="The state after; empty for other acts.")
    detail: JSON = strawberry.field(description="More about it; no personal data.")
    row_id: strawberry.Private[int]

    @strawberry.field(description="The id of what it was done to.")
    def entity_id(self) -> strawberry.ID:
        """The row as the opaque id that `node` takes."""
        return strawberry.ID(relay.to_base64(type_of(self.entity), self.row_id))

    @classmethod
    def from_row(cls, row: Any) -> Self:  # a row of TABLE
        """Shape a row; its own key and the key of what it is about are two things."""
        return cls(
            id=row.id,
            at=row.at,
            actor=row.actor,
            act=row.act,
            entity=row.entity,
            from_state=row.from_state,
            to_state=row.to_state,
            detail=row.detail,
            row_id=row.entity_id,
        )


def type_of(table: str) -> str:
    """The type over a table: `exam_body` is an ExamBody."""
    return "".join(word.capitalize() for word in table.split("_"))


def table_of(type_name: str) -> str:
    """The table under a type: an ExamBody is of `exam_body`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type_name).removeprefix("_")


def row_of(global_id: strawberry.ID) -> tuple[str, int]:
    """
    Table and key behind any entity's id.

    Raises:
        Refused: NOT_FOUND for a forged one.
    """
    try:
        found = relay.GlobalID.from_id(global_id)
    except relay.GlobalIDValueError as error:
        raise not_found("entity", "entityId") from error
    if not found.node_id.isdecimal() or int(found.node_id) > LARGEST_KEY:
        raise not_found("entity", "entityId")
    return table_of(found.type_name), int(found.node_id)


OfEntity = Annotated[str | None, strawberry.argument(description="Only acts on rows of this table, such as `session`.")]
OfEntityId = Annotated[strawberry.ID | None, strawberry.argument(description="Only acts on this entity.")]
OfActor = Annotated[str | None, strawberry.argument(description="Only acts of this actor, such as `account:12`.")]


@strawberry.type
class AuditQuery:
    """Reading the trail."""

    @paged("The audit trail in the order it was written; for auditors and operators alone.")
    async def audit_entries(
        self,
        info: Info,
        page: Page,
        entity: OfEntity = None,
        entity_id: OfEntityId = None,
        actor: OfActor = None,
    ) -> Connection[AuditEntry]:
        """A page of entries."""
        table, key = row_of(entity_id) if entity_id is not None else (entity, None)
        rows = entries(info.context.caller, Wanted(table, key, actor))
        return await connect(info, AuditEntry, rows, page)
