"""A problem's look-ups for the verifier alone: nothing of the solver's is used here."""

import math
from itertools import pairwise

from scheduler.allocation.parts import Jurisdiction, Request, Site
from scheduler.allocation.plan import PlannedSession
from scheduler.allocation.problem import Problem

EARTH_RADIUS_KM = 6371.0088


class Reader:
    """A problem's look-ups."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rank = {block.id: at for at, block in enumerate(problem.blocks)}
        self.items = {item.id: item for item in problem.items}
        self.sites = {site.id: site for site in problem.sites}
        self.staff = {person.id: person for person in problem.staff}
        self.requests = {request.id: request for request in problem.requests}
        self.nodes = {node.id: node for node in problem.jurisdictions}
        self.offers = {(site.id, offer.item): offer for site in problem.sites for offer in site.offers}

    def span(self, session: PlannedSession) -> list[str]:
        """The half-days that a session fills; none where they do not follow each other day on day."""
        start = self.rank[session.block]
        blocks = self.problem.blocks[start : start + self.items[session.item].length]
        gap = any((after.date - before.date).days > 1 for before, after in pairwise(blocks))
        return [] if gap or len(blocks) < self.items[session.item].length else [block.id for block in blocks]

    def line(self, node: str) -> list[Jurisdiction]:
        """A jurisdiction and all above it, lowest first."""
        found, at = [], self.nodes.get(node)
        while at is not None:
            found.append(at)
            at = self.nodes[at.parent] if at.parent is not None else None
        return found

    def travel(self, request: Request, site: Site) -> float | None:
        """What one person pays to go there; None where nobody of the request may."""
        if self.problem.travel is not None:
            return self.problem.travel.get(request.id, {}).get(site.id)
        if site.at is None or request.at is None:
            return 0.0
        lat_a, lon_a, lat_b, lon_b = map(math.radians, (*request.at, *site.at))
        chord = (
            math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
        )
        km = 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord)) * self.problem.costs.road_factor
        too_far = request.max_km is not None and km > request.max_km
        return None if too_far else km * self.problem.costs.per_person_km
