"""Keyset pages: a connection goes on from the last row's own key, so that it costs the same at any depth."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import orjson
import strawberry
from sqlalchemy import tuple_
from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar
from strawberry.annotation import StrawberryAnnotation
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from api.graphql.context import Info
from api.graphql.entity import LARGEST_KEY, Entity
from api.graphql.scalars import day_of, moment_of
from models.columns import Table
from scheduler.refusals import Code, refuse

N = TypeVar("N", bound=Entity)
LARGEST_PAGE = 100
USUAL_PAGE = 20


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether more rows follow.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first row; empty on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last row; empty on an empty page.")


@strawberry.type(description="A row of a page with its cursor.")
class Edge(Generic[N]):
    """Relay's edge."""

    node: N = strawberry.field(description="The row.")
    cursor: str = strawberry.field(description="Opaque; give it as `after` or `before` to go on from here.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[N]):
    """Relay's connection, with the rows also on their own."""

    nodes: list[N] = strawberry.field(description="The rows of the page.")
    edges: list[Edge[N]] = strawberry.field(description="The rows with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows are wanted: Relay's four arguments."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def is_backward(self) -> bool:
        """Whether the page is counted from the end."""
        return self.last is not None

    @property
    def size(self) -> int:
        """
        How many rows.

        Raises:
            Refused: OUT_OF_RANGE for sizes beyond 1 to 100, BAD_INPUT for both at once.
        """
        if self.first is not None and self.last is not None:
            raise refuse(Code.BAD_INPUT, "Give either first or last, not both.", "first")
        asked = self.first if self.first is not None else self.last
        if asked is not None and not 1 <= asked <= LARGEST_PAGE:
            raise refuse(
                Code.OUT_OF_RANGE,
                f"Ask for 1 to {LARGEST_PAGE} rows at a time.",
                "last" if self.is_backward else "first",
            )
        return asked or USUAL_PAGE


class Paged(FieldExtension):
    """Gives a list field Relay's four arguments, and its resolver the `page` that they stand for."""

    def apply(self, field: StrawberryField) -> None:
        """Declare the arguments in the page's place."""
        own = [argument for argument in field.arguments if argument.python_name != "page"]
        field.arguments = [*own, *(argument(name, kind, words) for name, kind, words in ARGUMENTS)]

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **kwargs: Any
    ) -> Any:  # the resolver's own connection
        """Hand over the page."""
        page = Page(**{name: kwargs.pop(name, None) for name, _, _ in ARGUMENTS})
        return await next_(source, info, page=page, **kwargs)


ARGUMENTS: Sequence[tuple[str, Any, str]] = (
    ("first", int | None, "How many rows from the start, 1 to 100; 20 if neither is given."),
    ("after", str | None, "Only rows after this cursor."),
    ("last", int | None, "How many rows from the end, 1 to 100."),
    ("before", str | None, "Only rows before this cursor."),
)


def argument(name: str, kind: Any, words: str) -> StrawberryArgument:
    """An argument that need not be given."""
    return StrawberryArgument(
        python_name=name, graphql_name=None, type_annotation=StrawberryAnnotation(kind), description=words, default=None
    )


def paged(description: str) -> Any:  # Strawberry's decorator is untyped this way
    """A list field, read page by page."""
    return strawberry.field(extensions=[Paged()], description=description)


async def connect(
    info: Info, kind: type[N], rows: SelectOfScalar[Any], page: Page, *, by: Sequence[str] = ("id",)
) -> Connection[N]:
    """One page of a visible statement, in the order of these columns; the last of them must be unique."""
    keys = [col(getattr(kind.TABLE, name)) for name in by]
    statement = bounded(rows, keys, page)
    order = [key.desc() for key in keys] if page.is_backward else keys
    async with info.context.reading() as db:
        found = list((await db.exec(statement.order_by(*order).limit(page.size + 1))).all())
    has_more = len(found) > page.size
    found = found[: page.size]
    if page.is_backward:
        found.reverse()
    return shaped(kind, found, page, has_more=has_more, by=by)


def bounded(rows: SelectOfScalar[Any], keys: list[Any], page: Page) -> SelectOfScalar[Any]:
    """The statement between the page's cursors."""
    if page.after is not None:
        rows = rows.where(tuple_(*keys) > tuple_(*place_of(page.after, keys, "after")))
    if page.before is not None:
        rows = rows.where(tuple_(*keys) < tuple_(*place_of(page.before, keys, "before")))
    return rows


def shaped(kind: type[N], found: list[Table], page: Page, *, has_more: bool, by: Sequence[str]) -> Connection[N]:
    """The rows as a connection."""
    edges = [Edge(node=kind.from_row(row), cursor=cursor_of([getattr(row, name) for name in by])) for row in found]
    info = PageInfo(
        has_next_page=page.before is not None if page.is_backward else has_more,
        has_previous_page=has_more if page.is_backward else page.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(nodes=[edge.node for edge in edges], edges=edges, page_info=info)


def cursor_of(values: list[Any]) -> str:
    """An opaque cursor for a row's place in its order."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()


def whole(value: Any) -> int:
    """
    A whole number that a column can hold.

    Raises:
        ValueError: It is none.
    """
    if type(value) is not int or abs(value) > LARGEST_KEY:
        raise ValueError(value)
    return value


READERS: dict[type, Callable[[Any], Any]] = {
    datetime: moment_of,
    date: day_of,
    int: whole,
    float: float,
    str: str,
}


def place_of(cursor: str, keys: list[Any], argument: str) -> list[Any]:
    """
    The place that a cursor stands for.

    Raises:
        Refused: BAD_INPUT for a forged cursor or one of another list.
    """
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
        return [READERS[key.type.python_type](value) for key, value in zip(keys, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, KeyError, StrawberryInputCoercionError) as error:
        raise refuse(
            Code.BAD_INPUT, "This cursor is not of this list: use one that a page of it gave.", argument
        ) from error
