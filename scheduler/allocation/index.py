"""Look-ups over a problem, made once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from scheduler.allocation.parts import Item, Jurisdiction, Offer, Request, Site, StaffMember
from scheduler.allocation.problem import Problem


@dataclass(frozen=True, slots=True)
class Index:
    """
    A problem with everything findable by id.

    Attributes:
        rank: The place of each block in time.
        days: The day of each rank, counted from a fixed date.
        lines: For each jurisdiction itself and all above it, lowest first.
    """

    problem: Problem
    rank: Mapping[str, int]
    days: tuple[int, ...]
    lines: Mapping[str, tuple[str, ...]]
    jurisdictions: Mapping[str, Jurisdiction]
    items: Mapping[str, Item]
    sites: Mapping[str, Site]
    offers: Mapping[tuple[str, str], Offer]
    staff: Mapping[str, StaffMember]
    requests: Mapping[str, Request]

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Index a problem."""
        places = {place.id: place for place in problem.jurisdictions}
        return cls(
            problem=problem,
            rank={block.id: rank for rank, block in enumerate(problem.blocks)},
            days=tuple(block.date.toordinal() for block in problem.blocks),
            lines={place: line_upward(place, places) for place in places},
            jurisdictions=places,
            items={item.id: item for item in problem.items},
            sites={site.id: site for site in problem.sites},
            offers={(site.id, offer.item): offer for site in problem.sites for offer in site.offers},
            staff={person.id: person for person in problem.staff},
            requests={request.id: request for request in problem.requests},
        )

    def window(self, request: Request) -> tuple[int, int]:
        """First and last rank a request may use."""
        first = 0 if request.from_block is None else self.rank[request.from_block]
        last = len(self.days) - 1 if request.until_block is None else self.rank[request.until_block]
        return first, last


def line_upward(start: str, places: Mapping[str, Jurisdiction]) -> tuple[str, ...]:
    """The jurisdiction and all above it, lowest first."""
    line = [start]
    while (parent := places[line[-1]].parent) is not None:
        line.append(parent)
    return tuple(line)
