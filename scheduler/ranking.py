"""
Who gets the places of a ranked window: a pure rule that anybody can apply again to the published result.

`docs/ranking.md` says the same in words, for whoever writes a recount of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FORMAT = "doorstep-ranking/1"
HEX_256 = r"^[0-9a-f]{64}$"


class NoRanking(ValueError):
    """A document that is no published ranking; the text says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An application as it is ranked: an opaque key, so many people together, the day to be met, and since when."""

    key: str
    people: int
    deadline: date | None
    since: date


@dataclass(frozen=True, slots=True)
class Placing:
    """An entry at its place in the order, with its lot, and whether it gets its places."""

    entry: Entry
    lot: str
    is_placed: bool


class PublishedEntry(BaseModel):
    """An entry as it is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"^[0-9a-f]{32}$")
    people: int = Field(ge=1)
    deadline: date | None
    since: date
    lot: str
    placed: bool


class Published(BaseModel):
    """The result of a window as it is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["doorstep-ranking/1"]
    window: int
    places: int = Field(ge=0)
    seed: str = Field(pattern=HEX_256)
    seed_hash: str
    entries: tuple[PublishedEntry, ...]
    hash: str


def rank(entries: Iterable[Entry], *, places: int, seed: str) -> list[Placing]:
    """
    Order the entries and give them the places in that order.

    The earliest deadline comes first and none last, then who has waited since the earliest day, then the lower lot. A
    group for which too few places are left is passed over, and those behind it have their turn.
    """
    listed = list(entries)
    drawn = draw(seed, (entry.key for entry in listed))
    placings = []
    for entry in sorted(listed, key=lambda one: (*urgency(one.deadline, one.since), lot_of(drawn, one.key))):
        is_placed = entry.people <= places
        places -= entry.people if is_placed else 0
        placings.append(Placing(entry, lot_of(drawn, entry.key), is_placed))
    return placings


def urgency(deadline: date | None, since: date) -> tuple[bool, date, date]:
    """What entries are ordered by before any lot is drawn, the lower the earlier."""
    return deadline is None, deadline or date.max, since


def commitment(seed: str) -> str:
    """What is published of a seed before anybody applies: it can be checked later, and tells nothing now."""
    return sha256(seed.encode()).hexdigest()


def draw(seed: str, keys: Iterable[str]) -> str:
    """The drawing that the lots come from: by the seed alone nobody can work out a lot before all have applied."""
    return sha256("\n".join([seed, *sorted(keys)]).encode()).hexdigest()


def lot_of(drawn: str, key: str) -> str:
    """An entry's lot in a drawing."""
    return sha256(f"{drawn} {key}".encode()).hexdigest()


def published(window_id: int, placings: Sequence[Placing], *, places: int, seed: str) -> dict[str, Any]:
    """The document that is published: nothing in it is about a person or a firm."""
    entries = [
        {
            "key": placing.entry.key,
            "people": placing.entry.people,
            "deadline": placing.entry.deadline.isoformat() if placing.entry.deadline else None,
            "since": placing.entry.since.isoformat(),
            "lot": placing.lot,
            "placed": placing.is_placed,
        }
        for placing in placings
    ]
    told = {
        "format": FORMAT,
        "window": window_id,
        "places": places,
        "seed": seed,
        "seed_hash": commitment(seed),
        "entries": entries,
    }
    return told | {"hash": hash_of(read(told | {"hash": ""}))}


def hash_of(document: Published) -> str:
    """SHA-256 over the document's lines, as `docs/ranking.md` writes them."""
    lines = [FORMAT, f"window {document.window}", f"places {document.places}", f"seed {document.seed}"]
    lines += [
        f"{entry.key} {entry.people} {entry.deadline or '-'} {entry.since} {'yes' if entry.placed else 'no'}"
        for entry in document.entries
    ]
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def read(document: Any) -> Published:
    """
    The document, read.

    Raises:
        NoRanking: It is none.
    """
    try:
        return Published.model_validate_json(orjson.dumps(document), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        message = f"{where}: {first['msg']}"
        raise NoRanking(message) from error


def recount(document: Published) -> list[str]:
    """Rank the published entries again; every difference to what was published, none if it is the same."""
    entries = [Entry(entry.key, entry.people, entry.deadline, entry.since) for entry in document.entries]
    again = rank(entries, places=document.places, seed=document.seed)
    return list(differences(document, again))


def differences(document: Published, again: Sequence[Placing]) -> Iterator[str]:
    """Where a published result is not what its own entries and seed come to."""
    if len({entry.key for entry in document.entries}) < len(document.entries):
        yield "a key stands there twice"
    if document.seed_hash != commitment(document.seed):
        yield "the seed is not the one whose hash was published when the window opened"
    for at, (said, found) in enumerate(zip(document.entries, again, strict=True), 1):
        if said.key != found.entry.key:
            yield f"position {at} belongs to {found.entry.key}, not to {said.key}"
            break
        if said.lot != found.lot:
            yield f"position {at} ({said.key}) has the lot {found.lot}, not {said.lot}"
        if said.placed is not found.is_placed:
            yield f"position {at} ({said.key}) {'gets its places' if found.is_placed else 'gets no place'}"
    if document.hash != (found_hash := hash_of(document)):
        yield f"the hash is {found_hash}, not {document.hash}"
