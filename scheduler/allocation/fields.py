"""Reading one JSON object field by field, with an error that names the field."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from scheduler.allocation.errors import ProblemError
from scheduler.allocation.parts import Point

# Above this, sums of costs lose the cents that tell two plans apart.
HIGHEST_COST = 1e12
HIGHEST_COUNT = 10**7

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object and where it stands in the document."""

    where: str
    values: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.values.get(name) is not None

    def fault(self, name: str, why: str, *, way_out: str) -> ProblemError:
        """The error for one field of this object."""
        return ProblemError(f"{self.where}.{name}", why, way_out=way_out)

    def required(self, name: str) -> Any:
        """
        The raw value of a field that must be there.

        Raises:
            ProblemError: The field is missing.
        """
        if not self.has(name):
            raise self.fault(name, "is missing", way_out="add the field")
        return self.values[name]

    def text(self, name: str) -> str:
        """A field of text, never empty."""
        value = self.required(name)
        if not is_text(value) or not value:
            raise self.fault(name, f"is {value!r}", way_out="give a text that is not empty")
        return str(value)

    def optional_text(self, name: str) -> str | None:
        """A text, or None where the field is absent."""
        return self.text(name) if self.has(name) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts without repetition, empty where the field is absent."""
        listed = self.values.get(name)
        if listed is None:
            return ()
        if not isinstance(listed, Sequence) or isinstance(listed, str) or not all(map(is_text, listed)):
            raise self.fault(name, f"is {listed!r}", way_out="give a list of ids")
        return tuple(dict.fromkeys(listed))

    def optional_texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, or None where the field is absent."""
        return self.texts(name) if self.has(name) else None

    def whole(self, name: str, *, least: int = 0, default: int | None = None) -> int:
        """A whole number that is not below the least."""
        if default is not None and not self.has(name):
            return default
        value = self.required(name)
        if type(value) is not int or not least <= value <= HIGHEST_COUNT:
            raise self.fault(name, f"is {value!r}", way_out=f"give a whole number from {least} to {HIGHEST_COUNT}")
        return value

    def cost(self, name: str, *, default: float | None = None) -> float:
        """A finite number that is not negative."""
        if default is not None and not self.has(name):
            return default
        return checked_cost(self.required(name), f"{self.where}.{name}")

    def flag(self, name: str) -> bool:
        """A yes or no, no where the field is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.fault(name, f"is {value!r}", way_out="give true or false")
        return bool(value)

    def word(self, name: str, words: type[Word]) -> Word:
        """One of a closed list of words."""
        value = self.required(name)
        known = [w.value for w in words]
        if value not in known:
            raise self.fault(name, f"is {value!r}", way_out=f"give one of {', '.join(known)}")
        return words(value)

    def day(self, name: str) -> date:
        """A date as YYYY-MM-DD."""
        value = self.text(name)
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self.fault(name, f"is {value!r}", way_out="give a date as YYYY-MM-DD") from error

    def point(self, name: str) -> Point | None:
        """A place on Earth as [latitude, longitude], or None where the field is absent."""
        if not self.has(name):
            return None
        value = self.values[name]
        numbers = isinstance(value, Sequence) and len(value) == 2 and all(is_number(x) for x in value)  # noqa: PLR2004
        if not numbers or abs(value[0]) > 90 or abs(value[1]) > 180:  # noqa: PLR2004 - degrees
            raise self.fault(name, f"is {value!r}", way_out="give [latitude, longitude] in degrees")
        return float(value[0]), float(value[1])

    def records(self, name: str, *, key: str | None = None) -> Iterator["Record"]:
        """The objects of a list, each named by its id where it has one."""
        listed = self.values.get(name)
        if listed is None:
            listed = ()
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise self.fault(name, "is not a list", way_out="give a list of objects")
        prefix = f"{self.where}.{name}" if self.where != "problem" else name
        for position, values in enumerate(listed):
            if not isinstance(values, Mapping):
                raise ProblemError(f"{prefix}[{position}]", f"is {values!r}", way_out="give an object")
            label = values.get(key) if key else None
            yield Record(f"{prefix}[{label!r}]" if isinstance(label, str) else f"{prefix}[{position}]", values)


def is_text(value: object) -> bool:
    """Whether the value is a text that can be written down again; half of a surrogate pair cannot."""
    return isinstance(value, str) and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)  # noqa: PLR2004


def is_number(value: object) -> bool:
    """Whether the value is a finite number; true and false are none."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def checked_cost(value: Any, where: str) -> float:
    """
    The value as a cost.

    Raises:
        ProblemError: It is no number, negative, or beyond what sums can carry.
    """
    if not is_number(value) or not 0 <= value <= HIGHEST_COST:
        raise ProblemError(where, f"is {value!r}", way_out=f"give a number from 0 to {HIGHEST_COST:g}")
    return value  # type: ignore[no-any-return]
