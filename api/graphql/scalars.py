"""Days and moments as they are typed: within the years that calendars reach, and moments with their offset."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from operator import methodcaller
from typing import TypeVar

from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.scalar import ScalarDefinition

D = TypeVar("D", bound=date)

# Beyond them, sums of days leave what a calendar can hold; nobody is born before or planned for after.
FIRST_YEAR, LAST_YEAR = 1900, 2199
A_DAY = "Write a day as 2027-03-01"
A_MOMENT = "Write a moment with its offset as 2027-03-01T09:00:00+08:00"


def day_of(typed: object) -> date:
    """
    A day.

    Raises:
        StrawberryInputCoercionError: It is none, or of another age.
    """
    return read(typed, date.fromisoformat, A_DAY)


def moment_of(typed: object) -> datetime:
    """
    A moment; without its offset it would be another in Shanghai than in London.

    Raises:
        StrawberryInputCoercionError: It is none, has no offset, or is of another age.
    """
    moment = read(typed, datetime.fromisoformat, A_MOMENT)
    if moment.tzinfo is None:
        raise StrawberryInputCoercionError(f"{A_MOMENT}, not {typed!r}.")
    return moment


def read(typed: object, parse: Callable[[str], D], way_out: str) -> D:
    """
    What was typed, within the years.

    Raises:
        StrawberryInputCoercionError: It cannot be read, or lies outside.
    """
    try:
        found = parse(typed) if isinstance(typed, str) else None
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise StrawberryInputCoercionError(f"{way_out}, in the years {FIRST_YEAR} to {LAST_YEAR}, not {typed!r}.")
    return found


SCALARS: Mapping[object, ScalarDefinition] = {
    kind: ScalarDefinition(
        name=name,
        description=description,
        specified_by_url=None,
        serialize=methodcaller("isoformat"),
        parse_value=parse,
        parse_literal=None,
        origin=kind,
    )
    for kind, name, description, parse in (
        (date, "Date", f"A day of the years {FIRST_YEAR} to {LAST_YEAR}: 2027-03-01.", day_of),
        (datetime, "DateTime", "A moment with its offset: 2027-03-01T09:00:00+08:00.", moment_of),
    )
}
