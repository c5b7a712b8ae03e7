"""What follows from a problem and a plan, derived apart from the solver, its rules and its objective."""

import math
from collections import Counter
from collections.abc import Iterator

from scheduler.allocation.parts import Item, Jurisdiction, Offer, Request, Site, StaffMember
from scheduler.allocation.plan import Plan, PlannedSession
from scheduler.allocation.problem import Problem

MEAN_RADIUS_KM = 6371.0088

Found = Iterator[tuple[str, str]]
"""What breaks a rule, and how."""


class Witness:
    """A problem and a plan, and what follows from both."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.order = [block.id for block in problem.blocks]
        self.date = {block.id: block.date for block in problem.blocks}
        self.jurisdiction: dict[str, Jurisdiction] = {place.id: place for place in problem.jurisdictions}
        self.item: dict[str, Item] = {item.id: item for item in problem.items}
        self.site: dict[str, Site] = {site.id: site for site in problem.sites}
        self.person: dict[str, StaffMember] = {person.id: person for person in problem.staff}
        self.request: dict[str, Request] = {request.id: request for request in problem.requests}
        self.sound = [session for session in plan.sessions if self.is_possible(session)]
        self.filled = {session.key: self.blocks_of(session) for session in self.sound}

    def is_possible(self, session: PlannedSession) -> bool:
        """Whether everything the session names exists, so that other rules can be judged."""
        known = session.site in self.site and session.item in self.item and session.block in self.date
        requests = all(seating.request in self.request for seating in session.seated)
        return known and requests and all(who in self.person for who in session.staff)

    def offer(self, session: PlannedSession) -> Offer | None:
        """What the site offers of the item."""
        return next((o for o in self.site[session.site].offers if o.item == session.item), None)

    def blocks_of(self, session: PlannedSession) -> list[str]:
        """The blocks a session fills, as far as there are any."""
        start = self.order.index(session.block)
        return self.order[start : start + self.item[session.item].length]

    def window_of(self, request: Request) -> tuple[int, int]:
        """Positions of the first and last block a request can use."""
        first = self.order.index(request.from_block) if request.from_block is not None else 0
        last = self.order.index(request.until_block) if request.until_block is not None else len(self.order) - 1
        return first, last

    def way(self, request: Request, site: Site) -> float | None:
        """What one person of the request pays to go there, None where they may not."""
        matrix, costs = self.problem.travel, self.problem.costs
        if matrix is not None:
            return matrix[request.id].get(site.id) if request.id in matrix else None
        if site.at is None or request.at is None:
            return 0.0
        north, east = (math.radians(b - a) / 2 for a, b in zip(request.at, site.at, strict=True))
        shrink = math.cos(math.radians(request.at[0])) * math.cos(math.radians(site.at[0]))
        arc = math.asin(math.sqrt(math.sin(north) ** 2 + shrink * math.sin(east) ** 2))
        km = 2 * MEAN_RADIUS_KM * arc * costs.road_factor
        return None if request.max_km is not None and km > request.max_km else km * costs.per_person_km

    def tier(self, session: PlannedSession) -> str | None:
        """The tier of the lowest jurisdiction over everyone, None where there is none."""
        start = self.site[session.site].jurisdiction
        others = {self.request[seating.request].jurisdiction for seating in session.seated}
        return next(
            (self.jurisdiction[j].tier for j in self.above(start) if all(j in self.above(o) for o in others)), None
        )

    def above(self, jurisdiction: str) -> list[str]:
        """A jurisdiction and everything over it."""
        parent = self.jurisdiction[jurisdiction].parent
        return [jurisdiction, *(self.above(parent) if parent is not None else [])]

    def sittings(self, request: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """For each person of a request who sits, when that begins and ends: position of the block and day."""
        return [
            (self.moment(self.filled[session.key][0]), self.moment(self.filled[session.key][-1]))
            for session in self.sound
            for seating in session.seated
            if seating.request == request and self.filled[session.key]
            for _ in range(seating.people)
        ]

    def moment(self, block: str) -> tuple[int, int]:
        """Where a block stands in time: its position, and its day as a number."""
        return self.order.index(block), self.date[block].toordinal()

    def at_spot(self) -> Counter[tuple[str, str, str]]:
        """People by request, site and block."""
        found: Counter[tuple[str, str, str]] = Counter()
        for session in self.sound:
            for seating in session.seated:
                found[seating.request, session.site, session.block] += seating.people
        return found


def label(session: PlannedSession) -> str:
    """A session in words."""
    return f"session {session.site}/{session.item}/{session.block}"
