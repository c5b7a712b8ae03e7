"""What a re-plan keeps: a session to which nobody objects stays whole, unless the world has changed under it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scheduler.allocation.index import Index
from scheduler.allocation.problem import Problem
from scheduler.allocation.rules import Place, broken_by, staff_may_meet
from scheduler.standing import Standing


@dataclass(slots=True)
class Kept:
    """The sessions kept so far, and what they use up."""

    sessions: list[Standing] = field(default_factory=list)
    rooms: Counter[tuple[str, str]] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    blocks: Counter[str] = field(default_factory=Counter)

    def add(self, each: Standing) -> None:
        """Keep one more."""
        self.sessions.append(each)
        self.rooms[each.session.site, each.session.block] += 1
        self.people.update({seat.request: seat.people for seat in each.seats})
        self.blocks.update(each.staff)


def with_pins(document: Mapping[str, Any], standing: Sequence[Standing]) -> dict[str, Any]:
    """
    The problem in which every undisputed session stays with its people and its staff.

    A session is kept whole or not at all: half a session may break the rules that the whole one kept. What is let go
    is still priced by `before`, so that it moves only if it must.

    Raises:
        ProblemError: The document is no problem, pins apart.
    """
    if not standing:
        return dict(document) | {"pinned_sessions": [], "pins": [], "before": []}
    index, kept = Index.of(Problem.from_json(document)), Kept()
    for each in sorted(standing, key=lambda one: (one.session.block, one.session.site, one.session.item)):
        present = without_gone(index, each)
        if not each.is_objected and can_be_kept(index, present) and fits_beside(index, present, kept):
            kept.add(present)
    return dict(document) | {
        "pinned_sessions": [asdict(each.session) for each in kept.sessions],
        "pins": [asdict(seat) for each in kept.sessions for seat in each.seats],
        "barred": [*document["barred"], *(bar for each in kept.sessions for bar in nobody_else(index, each))],
        "before": [asdict(seat) for each in standing for seat in each.seats if seat.request in index.requests],
    }


def without_gone(index: Index, each: Standing) -> Standing:
    """The session without the requests that the problem no longer holds."""
    return replace(each, seats=tuple(seat for seat in each.seats if seat.request in index.requests))


def nobody_else(index: Index, each: Standing) -> Iterator[dict[str, str]]:
    """A problem knows no pins of staff: barring everyone else from the session keeps those who agreed to it."""
    at = each.session
    for person in index.problem.staff:
        if at.item in person.items and person.id not in each.staff and at.block in (person.blocks or ()):
            yield {"site": at.site, "block": at.block, "item": at.item, "staff": person.id}


def can_be_kept(index: Index, each: Standing) -> bool:
    """Whether the session, as it stands, still keeps every rule of its own."""
    at, people = each.session, sum(seat.people for seat in each.seats)
    offer, site = index.offers.get((at.site, at.item)), index.sites.get(at.site)
    if offer is None or site is None or at.block not in (site.blocks or ()):
        return False
    if not each.seats or not index.items[at.item].min_class <= people <= offer.places:
        return False
    asked = [least.people for least in index.problem.min_people if is_about(least, each)]
    return people >= max(asked, default=0) and seats_hold(index, each) and staff_hold(index, each)


def is_about(named: Any, each: Standing) -> bool:
    """Whether a bound names the session's site, item and half-day."""
    at = each.session
    return (named.site, named.item, named.block) == (at.site, at.item, at.block)


def seats_hold(index: Index, each: Standing) -> bool:
    """Whether everybody may still sit there, and who is to stay together does."""
    for seat in each.seats:
        request = index.requests[seat.request]
        if broken_by(index, Place(seat.request, seat.site, seat.block)):
            return False
        if seat.people > request.people or (request.together and seat.people != request.people):
            return False
    return True


def staff_hold(index: Index, each: Standing) -> bool:
    """Whether its examiners can still hold the session."""
    at = each.session
    if len(each.staff) != index.items[at.item].staff:
        return False
    for name in each.staff:
        person = index.staff.get(name)
        if person is None or at.item not in person.items or at.block not in (person.blocks or ()):
            return False
        if not all(staff_may_meet(index, person, Place(seat.request, seat.site, seat.block)) for seat in each.seats):
            return False
    return True


def fits_beside(index: Index, each: Standing, kept: Kept) -> bool:
    """Whether the sessions already kept leave room, people and half-days of examiners for this one."""
    at = each.session
    if kept.rooms[at.site, at.block] >= index.sites[at.site].rooms:
        return False
    if any(kept.people[seat.request] + seat.people > index.requests[seat.request].people for seat in each.seats):
        return False
    most = {name: index.staff[name].max_blocks for name in each.staff}
    return all(limit is None or kept.blocks[name] < limit for name, limit in most.items())
