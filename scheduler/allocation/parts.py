"""The values a problem is made of, as the format names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

Point = tuple[float, float]
"""Latitude and longitude, in degrees."""


class Tier(StrEnum):
    """The three levels that consult, lowest first."""

    OFFICE = "office"
    TOWN = "town"
    BUREAU = "bureau"


class Part(StrEnum):
    """The half-days of a date, in order."""

    MORNING = "am"
    AFTERNOON = "pm"
    EVENING = "eve"


@dataclass(frozen=True, slots=True)
class Block:
    """A half-day that exists."""

    id: str
    date: date
    part: Part


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A bureau, town or office; the parent is the next one up."""

    id: str
    tier: Tier
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What can be held; a session fills `length` blocks in a row and needs `staff` people on all of them."""

    id: str
    staff: int = 0
    min_class: int = 0
    length: int = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """One item at a site: how many it seats and what opening it costs."""

    item: str
    places: int
    open_cost: float


@dataclass(frozen=True, slots=True)
class Site:
    """A place where sessions are held; without `at` it is online, without `blocks` always open."""

    id: str
    jurisdiction: str
    offers: tuple[Offer, ...]
    at: Point | None = None
    rooms: int = 1
    rest_days: int = 0
    blocks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who teaches, examines or inspects; `recused` are enterprises never to be met."""

    id: str
    items: tuple[str, ...]
    blocks: tuple[str, ...] | None = None
    max_blocks: int | None = None
    block_cost: float = 0
    recused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class After:
    """
    The request whose people these are, and what they must have sat before.

    Attributes:
        days: At least so many from the last day of the earlier session to the first of the later; 0 allows one day.
    """

    request: str
    days: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """People of one enterprise who want one item; the window runs from the first to the last block, both included."""

    id: str
    enterprise: str
    jurisdiction: str
    item: str
    people: int
    unplaced_cost: float
    at: Point | None = None
    from_block: str | None = None
    until_block: str | None = None
    not_blocks: tuple[str, ...] = ()
    together: bool = False
    wait_cost: float = 0
    max_km: float | None = None
    after: After | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """Prices that hold for the whole problem."""

    per_person_km: float = 0
    road_factor: float = 1
    tier: Mapping[Tier, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placement:
    """People of a request at a site and block: a pin, or a row of the earlier plan."""

    request: str
    site: str
    block: str
    people: int


@dataclass(frozen=True, slots=True)
class PinnedSession:
    """A session that is held whatever it costs."""

    site: str
    item: str
    block: str


@dataclass(frozen=True, slots=True)
class MinPeople:
    """An objection: this session with at least so many people, or with none."""

    site: str
    item: str
    block: str
    people: int


@dataclass(frozen=True, slots=True)
class Bar:
    """An objection: a placement that matches every field given is not allowed."""

    request: str | None = None
    site: str | None = None
    block: str | None = None
    item: str | None = None
    staff: str | None = None
