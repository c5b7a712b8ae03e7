"""The problem: demand and means as frozen values, read from and written to `doorstep-problem/1`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from scheduler.allocation import reading
from scheduler.allocation.checking import check_parts
from scheduler.allocation.errors import ProblemError
from scheduler.allocation.fields import Record
from scheduler.allocation.parts import (
    Bar,
    Block,
    Costs,
    Item,
    Jurisdiction,
    MinPeople,
    PinnedSession,
    Placement,
    Request,
    Site,
    StaffMember,
)
from scheduler.allocation.writing import to_plain

FORMAT = "doorstep-problem/1"


@dataclass(frozen=True, slots=True)
class Problem:
    """
    Everything the allocator may know.

    Building one checks it: an unknown id, a duplicate or a pin that cannot be kept raises `ProblemError`.
    """

    blocks: tuple[Block, ...]
    jurisdictions: tuple[Jurisdiction, ...] = ()
    items: tuple[Item, ...] = ()
    sites: tuple[Site, ...] = ()
    staff: tuple[StaffMember, ...] = ()
    requests: tuple[Request, ...] = ()
    costs: Costs = field(default_factory=Costs)
    travel: Mapping[str, Mapping[str, float]] | None = None
    pins: tuple[Placement, ...] = ()
    pinned_sessions: tuple[PinnedSession, ...] = ()
    min_people: tuple[MinPeople, ...] = ()
    barred: tuple[Bar, ...] = ()
    before: tuple[Placement, ...] = ()
    change_cost: float = 0

    def __post_init__(self) -> None:
        check_parts(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """
        Read a problem file's object.

        Raises:
            ProblemError: It names the field, what is wrong with it and the way out.
        """
        if not isinstance(document, Mapping):
            raise ProblemError("problem", "is not an object", way_out=f"give an object of format {FORMAT}")
        if document.get("format", FORMAT) != FORMAT:
            raise ProblemError("format", f"is {document['format']!r}", way_out=f"give {FORMAT}")
        row = Record("problem", document)
        for name in ("blocks", "jurisdictions", "items", "sites", "requests"):
            if not row.has(name):
                raise ProblemError(name, "is missing", way_out="add the list, empty if there are none")
        return cls(
            blocks=tuple(map(reading.read_block, row.records("blocks", key="id"))),
            jurisdictions=tuple(map(reading.read_jurisdiction, row.records("jurisdictions", key="id"))),
            items=tuple(map(reading.read_item, row.records("items", key="id"))),
            sites=tuple(map(reading.read_site, row.records("sites", key="id"))),
            staff=tuple(map(reading.read_staff, row.records("staff", key="id"))),
            requests=tuple(map(reading.read_request, row.records("requests", key="id"))),
            costs=reading.read_costs(row),
            travel=reading.read_travel(row),
            pins=tuple(map(reading.read_placement, row.records("pins"))),
            pinned_sessions=tuple(map(reading.read_pinned_session, row.records("pinned_sessions"))),
            min_people=tuple(map(reading.read_min_people, row.records("min_people"))),
            barred=tuple(map(reading.read_bar, row.records("barred"))),
            before=tuple(map(reading.read_placement, row.records("before"))),
            change_cost=row.cost("change_cost", default=0),
        )

    def to_json(self) -> dict[str, Any]:
        """The problem as a problem file's object."""
        return {"format": FORMAT, "requests": [], **to_plain(self)}
