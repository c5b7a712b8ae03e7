"""The plan: sessions with people in them, what could not be placed and why, and the proof; `doorstep-plan/1`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, TypeVar

from scheduler.allocation.errors import PlanError
from scheduler.allocation.parts import Tier

FORMAT = "doorstep-plan/1"

T = TypeVar("T", str, int, float)

TERMS = ("open", "tier", "staff", "travel", "wait", "unplaced", "change")
"""What the objective is the sum of."""


class Reason(StrEnum):
    """Why people of a request are not placed."""

    NO_OFFER = "NO_OFFER"
    WINDOW = "WINDOW"
    BARRED = "BARRED"
    FULL = "FULL"
    ROOM = "ROOM"
    NO_STAFF = "NO_STAFF"
    MIN_CLASS = "MIN_CLASS"
    TOGETHER = "TOGETHER"
    COST = "COST"


class Stop(StrEnum):
    """What ended the search."""

    OPTIMAL = "optimal"
    GAP = "gap"
    TIME = "time"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, order=True)
class Seating:
    """People of one request in one session."""

    request: str
    people: int


@dataclass(frozen=True, slots=True, order=True)
class PlannedSession:
    """One session: where, what, from which block, at which tier, who holds it and who sits in it."""

    site: str
    item: str
    block: str
    tier: Tier
    staff: tuple[str, ...] = ()
    seated: tuple[Seating, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells sessions of a plan apart."""
        return self.site, self.item, self.block

    @property
    def people(self) -> int:
        """How many sit in it."""
        return sum(seating.people for seating in self.seated)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """People left out, with the reason, its numbers and the cheapest way out."""

    request: str
    people: int
    reason: Reason
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An answer to a problem.

    Attributes:
        bound: No plan of the problem can cost less.
        seconds: How long the search took; the only field that may differ between two equal runs.
    """

    sessions: tuple[PlannedSession, ...]
    unplaced: tuple[Unplaced, ...]
    objective: float
    terms: Mapping[str, float]
    bound: float
    seconds: float
    seed: int
    stopped: Stop

    @property
    def gap(self) -> float:
        """How far the objective may lie above the best one, as a share of the objective."""
        return (self.objective - self.bound) / max(abs(self.objective), 1e-9)

    @property
    def people_seated(self) -> int:
        """How many people have a place."""
        return sum(session.people for session in self.sessions)

    @property
    def people_unplaced(self) -> int:
        """How many people have none."""
        return sum(row.people for row in self.unplaced)

    def to_json(self) -> dict[str, Any]:
        """The plan as a plan file's object."""
        return {
            "format": FORMAT,
            "sessions": [session_to_json(session) for session in self.sessions],
            "unplaced": [
                {"request": row.request, "people": row.people, "reason": str(row.reason), "detail": dict(row.detail)}
                for row in self.unplaced
            ],
            "objective": self.objective,
            "terms": dict(self.terms),
            "bound": self.bound,
            "gap": self.gap,
            "seconds": self.seconds,
            "seed": self.seed,
            "stopped": str(self.stopped),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """
        Read a plan file's object.

        Raises:
            PlanError: It does not have the form of a plan.
        """
        try:
            return cls(
                sessions=tuple(session_from_json(row) for row in document["sessions"]),
                unplaced=tuple(
                    Unplaced(
                        typed(row, "request", str),
                        typed(row, "people", int),
                        Reason(row["reason"]),
                        row.get("detail", {}),
                    )
                    for row in document["unplaced"]
                ),
                objective=typed(document, "objective", float),
                terms={name: typed(document["terms"], name, float) for name in document.get("terms", ())},
                bound=typed(document, "bound", float),
                seconds=typed({"seconds": 0.0, **document}, "seconds", float),
                seed=typed({"seed": 0, **document}, "seed", int),
                stopped=Stop(document.get("stopped", Stop.TIME)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PlanError(f"not of the form of a plan: {error!r}") from error


def session_to_json(session: PlannedSession) -> dict[str, Any]:
    """One session of a plan file."""
    return {
        "site": session.site,
        "item": session.item,
        "block": session.block,
        "tier": str(session.tier),
        "staff": list(session.staff),
        "seated": [{"request": seating.request, "people": seating.people} for seating in session.seated],
    }


def session_from_json(row: Mapping[str, Any]) -> PlannedSession:
    """One session, read from a plan file."""
    staff = row.get("staff", ())
    if isinstance(staff, str) or not all(isinstance(who, str) for who in staff):
        message = f"staff is {staff!r}"
        raise TypeError(message)
    return PlannedSession(
        site=typed(row, "site", str),
        item=typed(row, "item", str),
        block=typed(row, "block", str),
        tier=Tier(row["tier"]),
        staff=tuple(staff),
        seated=tuple(
            Seating(typed(seating, "request", str), typed(seating, "people", int)) for seating in row["seated"]
        ),
    )


def typed(row: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """
    A value of a plan file, as what it has to be; whole numbers do where fractions may stand.

    Raises:
        KeyError: It is missing.
        TypeError: It is something else.
    """
    value = row[name]
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    message = f"{name} is {value!r}"
    raise TypeError(message)
