"""Entities: rows with a global id, shaped field by field from the column of the same name."""

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar, Self, TypeVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from models.columns import Table
from scheduler.refusals import not_found

LARGEST_KEY = 2**63 - 1


class Entity:
    """
    A GraphQL type over one table.

    Every field with a value of its own is copied from the row's attribute of the same name; foreign keys are kept as
    `strawberry.Private[int]` for the resolvers that follow them.
    """

    TABLE: ClassVar[type[Table]]

    @classmethod
    def from_row(cls, row: Any) -> Self:  # a row of TABLE
        """Shape a row."""
        names = (field.name for field in dataclasses.fields(cls) if field.init)  # type: ignore[arg-type]
        return cls(**{name: getattr(row, name) for name in names})

    @classmethod
    async def resolve_nodes(cls, *, info: Info, node_ids: Iterable[str], required: bool = False) -> Any:
        """The entities with these ids, as far as the caller may see them."""
        keys = [int(node_id) if node_id.isdecimal() else 0 for node_id in node_ids]
        found = [await find(info, cls, key if key <= LARGEST_KEY else None) for key in keys]
        if required and None in found:
            raise not_found(cls.__name__)
        return found


E = TypeVar("E", bound=Entity)


async def find(info: Info, kind: type[E], row_id: int | None) -> E | None:
    """The entity behind a foreign key; None where there is none or the caller may not see it."""
    if row_id is None:
        return None
    row = await info.context.row(kind.TABLE, row_id)
    return kind.from_row(row) if row else None


async def get(info: Info, kind: type[E], row_id: int) -> E:
    """
    The entity behind a foreign key that the caller is sure to see.

    Raises:
        Refused: NOT_FOUND.
    """
    found = await find(info, kind, row_id)
    if found is None:
        raise not_found(kind.__name__)
    return found


def key_of(global_id: strawberry.ID, kind: type[Entity], *path: str) -> int:
    """
    The row's key inside an opaque id of this kind.

    Raises:
        Refused: NOT_FOUND for a forged id or one of another kind, naming the input field.
    """
    try:
        found = relay.GlobalID.from_id(global_id)
    except relay.GlobalIDValueError as error:
        raise not_found(kind.__name__, *path) from error
    if found.type_name != kind.__name__ or not found.node_id.isdecimal() or int(found.node_id) > LARGEST_KEY:
        raise not_found(kind.__name__, *path)
    return int(found.node_id)


def keys_of(global_ids: Iterable[strawberry.ID], kind: type[Entity], *path: str) -> list[int]:
    """The rows' keys, in the order given."""
    return [key_of(global_id, kind, *path, str(at)) for at, global_id in enumerate(global_ids)]
