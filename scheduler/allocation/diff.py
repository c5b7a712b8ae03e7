"""What changes from one plan to another: who moves, which sessions open and close, what it costs."""

from collections import defaultdict
from dataclasses import dataclass

from scheduler.allocation.plan import TERMS, Plan, PlannedSession

Key = tuple[str, str, str]
"""Site, item and block."""


@dataclass(frozen=True, slots=True)
class Move:
    """People of a request who sit elsewhere now; None stands for no place at all."""

    request: str
    people: int
    before: Key | None
    after: Key | None


@dataclass(frozen=True, slots=True)
class Difference:
    """
    The way from one plan to the next.

    Attributes:
        changed_staff: Sessions held in both plans, by other people.
        terms: What each term grows by.
    """

    opened: tuple[PlannedSession, ...]
    closed: tuple[PlannedSession, ...]
    changed_staff: tuple[Key, ...]
    moves: tuple[Move, ...]
    cost: float
    terms: dict[str, float]

    @property
    def people_moved(self) -> int:
        """How many people had a place and lost it or have another now."""
        return sum(move.people for move in self.moves if move.before is not None)


def difference(before: Plan, after: Plan) -> Difference:
    """Compare two plans, of the same problem or of one and its revision."""
    old, new = ({session.key: session for session in plan.sessions} for plan in (before, after))
    return Difference(
        opened=tuple(new[key] for key in sorted(new.keys() - old.keys())),
        closed=tuple(old[key] for key in sorted(old.keys() - new.keys())),
        changed_staff=tuple(key for key in sorted(old.keys() & new.keys()) if old[key].staff != new[key].staff),
        moves=moves_between(before, after),
        cost=after.objective - before.objective,
        terms={name: after.terms.get(name, 0.0) - before.terms.get(name, 0.0) for name in TERMS},
    )


def moves_between(before: Plan, after: Plan) -> tuple[Move, ...]:
    """For each request, people leaving matched with people arriving, in the order of the keys."""
    old, new = places_by_request(before), places_by_request(after)
    moves: list[Move] = []
    for request in sorted(old.keys() | new.keys()):
        spots = sorted(old[request].keys() | new[request].keys())
        change = {spot: new[request][spot] - old[request][spot] for spot in spots}
        leaving = [(spot, -people) for spot, people in change.items() if people < 0]
        arriving = [(spot, people) for spot, people in change.items() if people > 0]
        moves += matched(request, leaving, arriving)
    return tuple(moves)


def places_by_request(plan: Plan) -> dict[str, dict[Key, int]]:
    """By request, people by session."""
    places: dict[str, dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    for session in plan.sessions:
        for seating in session.seated:
            places[seating.request][session.key] += seating.people
    return places


def matched(request: str, leaving: list[tuple[Key, int]], arriving: list[tuple[Key, int]]) -> list[Move]:
    """Who goes where; what one side has too much of goes to or comes from nowhere."""
    moves: list[Move] = []
    leaving, arriving = leaving[::-1], arriving[::-1]
    while leaving or arriving:
        start, going = leaving.pop() if leaving else (None, arriving[-1][1])
        end, coming = arriving.pop() if arriving else (None, going)
        people = min(going, coming)
        moves.append(Move(request, people, start, end))
        if start is not None and going > people:
            leaving.append((start, going - people))
        if end is not None and coming > people:
            arriving.append((end, coming - people))
    return moves
