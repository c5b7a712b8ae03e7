"""Parts of a problem that share nothing: no request, site or staff; they are solved one by one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Space

Node = tuple[str, str]
"""A kind and an id."""


class Circles:
    """Which things hang together."""

    def __init__(self) -> None:
        self.parent: dict[Node, Node] = {}

    def root(self, node: Node) -> Node:
        """The representative of everything that hangs together with a node."""
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one: Node, other: Node) -> None:
        """Let two things hang together; the smaller one represents both."""
        low, high = sorted((self.root(one), self.root(other)))
        self.parent[high] = low


def split(space: Space) -> list[Problem]:
    """The problem's components, largest first; requests that nothing serves are in none of them."""
    circles, problem = hanging_together(space), space.index.problem
    members: dict[Node, list[str]] = defaultdict(list)
    sites = {space.site_ids[site] for site in space.options.site.tolist()}
    asking = {space.request_ids[r] for r in space.pairs.request.tolist()} | {
        space.request_ids[request] for _, request, _ in space.ahead
    }
    asking |= everybody_followed(problem, asking)
    for site in sorted(sites):
        members[circles.root(("site", site))].append(site)
    parts = [part_of(problem, circles, root, asking) for root in sorted(members)]
    return sorted(parts, key=lambda part: (-len(part.requests), min((r.id for r in part.requests), default="")))


def everybody_followed(problem: Problem, requests: set[str]) -> set[str]:
    """The requests that these follow, and those that they follow in turn."""
    before = {request.id: request.after.request for request in problem.requests if request.after}
    found: set[str] = set()
    while more := {before[each] for each in requests | found if each in before} - found:
        found |= more
    return found


def hanging_together(space: Space) -> Circles:
    """Join requests with the sites they could use, and sites with the staff who could come."""
    circles = Circles()
    options, pairs = space.options, space.pairs
    links = {(int(options.site[o]), r) for o, r in zip(pairs.option.tolist(), pairs.request.tolist(), strict=True)}
    links |= {(int(options.site[option]), request) for option, request, _ in space.ahead}
    for site, request in sorted(links):
        circles.join(("site", space.site_ids[site]), ("request", space.request_ids[request]))
    for site, item in sorted(set(zip(options.site.tolist(), options.item.tolist(), strict=True))):
        if space.staff_needed[item]:
            for who in space.free[item].any(axis=1).nonzero()[0].tolist():
                circles.join(("site", space.site_ids[site]), ("staff", space.staff_ids[who]))
    for later, earlier in zip(space.following.later.tolist(), space.following.earlier.tolist(), strict=True):
        circles.join(("request", space.request_ids[later]), ("request", space.request_ids[earlier]))
    return circles


def part_of(problem: Problem, circles: Circles, root: Node, asking: set[str]) -> Problem:
    """The problem with only what hangs together with the root."""

    def mine(kind: str, ids: Iterable[str]) -> set[str]:
        return {each for each in ids if circles.root((kind, each)) == root}

    sites = mine("site", (site.id for site in problem.sites))
    staff = mine("staff", (person.id for person in problem.staff))
    requests = mine("request", asking)
    return replace(
        problem,
        sites=tuple(site for site in problem.sites if site.id in sites),
        staff=tuple(person for person in problem.staff if person.id in staff),
        requests=tuple(request for request in problem.requests if request.id in requests),
        pins=tuple(pin for pin in problem.pins if pin.request in requests),
        pinned_sessions=tuple(row for row in problem.pinned_sessions if row.site in sites),
        min_people=tuple(row for row in problem.min_people if row.site in sites),
        barred=tuple(
            bar
            for bar in problem.barred
            if bar.site in {None, *sites} and bar.staff in {None, *staff} and bar.request in {None, *requests}
        ),
        before=tuple(row for row in problem.before if row.request in requests),
    )
