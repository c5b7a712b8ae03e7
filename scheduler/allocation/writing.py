"""From the values of the core back to JSON."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from typing import Any

# Two fields carry words that Python keeps for itself.
JSON_NAMES = {"from_block": "from", "until_block": "until"}


def to_plain(value: object) -> Any:
    """The value as JSON can carry it; fields that hold their default are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            JSON_NAMES.get(field.name, field.name): to_plain(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != field.default or field.default is MISSING
        }
    if isinstance(value, Mapping):
        return {str(key): to_plain(value[key]) for key in value}
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
