"""Why people move from one plan to the next: what took their place, or what it saves."""

from collections.abc import Iterator
from dataclasses import dataclass

from scheduler.allocation import rules
from scheduler.allocation.diff import Key, Move
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Request
from scheduler.allocation.plan import Plan


@dataclass(frozen=True, slots=True)
class Cause:
    """
    Why people move.

    Attributes:
        kind: `new`, `gone`, `rule`, `dropped`, `full` or `cheaper`.
        extra_cost: What their ways and waiting cost more now; people left out count at their price.
    """

    move: Move
    kind: str
    why: str
    extra_cost: float


class Mover:
    """Tells why people moved to a plan of a problem."""

    def __init__(self, index: Index, after: Plan) -> None:
        self.index = index
        self.held = {session.key: session for session in after.sessions}

    def causes(self, moves: Iterator[Move] | list[Move] | tuple[Move, ...]) -> list[Cause]:
        """A cause for each move."""
        return [self.cause_of(move) for move in moves]

    def cause_of(self, move: Move) -> Cause:
        """The first thing that explains a move."""
        if (request := self.index.requests.get(move.request)) is None:
            return Cause(move, "gone", "the request is no longer there", 0.0)
        extra = move.people * (self.cost_at(request, move.after) - self.cost_at(request, move.before))
        if move.before is None:
            return Cause(move, "new", "they had no place before", extra)
        return Cause(move, *self.why_not_there(request, move.before), extra)

    def why_not_there(self, request: Request, before: Key) -> tuple[str, str]:
        """What keeps people from where they sat."""
        site, item, block = before
        if site not in self.index.sites or block not in self.index.rank:
            return "rule", f"{site} or {block} is not there any more"
        if (broken := rules.broken_by(self.index, rules.Place(request.id, site, block))) is not None:
            return "rule", f"no longer holds: {broken.sentence}"
        session = self.held.get(before)
        if session is None:
            return "dropped", f"{item} is not held at {site} on {block} any more"
        place = rules.Place(request.id, site, block)
        if not all(rules.staff_may_meet(self.index, self.index.staff[who], place) for who in session.staff):
            return "rule", "its staff must not meet them"
        if session.people >= self.index.offers[site, item].places:
            return "full", "others have their places, which costs less in all"
        return "cheaper", "it costs less in all"

    def cost_at(self, request: Request, key: Key | None) -> float:
        """What one person costs there: way and wait, or the price of being left out."""
        if key is None or key[0] not in self.index.sites or key[2] not in self.index.rank:
            return request.unplaced_cost
        way = rules.travel_cost(self.index, request, self.index.sites[key[0]]) or 0.0
        since = self.index.days[self.index.window(request)[0]]
        return way + request.wait_cost * (self.index.days[self.index.rank[key[2]]] - since)
