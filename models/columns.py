"""Column shapes that every table shares: keys, instants, closed lists, money."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, Enum, MetaData
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
LONGEST_NAME = 24


class Table(SQLModel):
    """The base of every table: one metadata with named constraints."""

    metadata = MetaData(naming_convention=NAMING)


def key() -> Any:  # SQLModel's Field is untyped by design
    """A surrogate key given by the database."""
    return Field(default=None, primary_key=True, sa_type=BigInteger)


def refers_to(target: str, *, optional: bool = False, index: bool = True) -> Any:
    """A foreign key to `table.column`, indexed unless another index leads with it."""
    default: dict[str, Any] = {"default": None} if optional else {}
    return Field(foreign_key=target, sa_type=BigInteger, index=index, nullable=optional, **default)


def instant(*, optional: bool = False, index: bool = False) -> Any:
    """A moment: aware, UTC."""
    default: dict[str, Any] = {"default": None} if optional else {}
    return Field(sa_type=TIMESTAMP(timezone=True), nullable=optional, index=index, **default)


def listed(kind: type[StrEnum], default: StrEnum | None = None, *, optional: bool = False) -> Any:
    """A value of a closed list, kept as text and checked by the database."""
    shape = Enum(
        kind,
        name=kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=LONGEST_NAME,
        values_callable=lambda members: [member.value for member in members],
    )
    given: dict[str, Any] = {"default": default} if default is not None or optional else {}
    return Field(sa_type=shape, nullable=optional, **given)


class Leased(Table):
    """
    The base of a table whose rows are worked on outside a transaction (`scheduler.leases`).

    Attributes:
        claim: How often the row was claimed; the number of the last claim is the fence.
        leased_until: Until when the claim holds, by the database's clock; empty when nobody works on the row.
    """

    claim: int = 0
    leased_until: datetime | None = instant(optional=True)
