"""Where somebody who asks now could go beside a plan that stands: the cheapest places left."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.eligible import staff_free
from scheduler.allocation.following import first_starts
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Request, Tier
from scheduler.allocation.plan import Plan
from scheduler.allocation.problem import Problem
from scheduler.allocation.space import Bools, Floats, Ints
from scheduler.allocation.standing import Standing

Key = tuple[str, str, str]
"""Site, item and block."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """
    A place for everybody of a request.

    Attributes:
        joins: Whether the session is held already.
        km: By road, 0 where the site is online or a matrix replaces distances.
        extra_cost: What the plan costs more with them there: way, wait, a higher tier or a session of their own.
    """

    site: str
    block: str
    joins: bool
    km: float
    extra_cost: float


@dataclass(frozen=True, slots=True)
class Stand:
    """
    The places left for one item, held or not, in arrays.

    Attributes:
        least: Fewest people who must come for it to be held.
        fixed: What opening it costs; 0 where it is held.
        ground: By place, a number for the lowest jurisdiction that covers everybody there now.
        grounds: What these numbers mean.
        now: By place, what consulting its present tier costs; 0 where it is not held.
        spot: By place, latitude and longitude in radians; not a number online.
    """

    keys: tuple[Key, ...]
    held: Bools
    free: Ints
    least: Ints
    fixed: Floats
    start: Ints
    end: Ints
    ground: Ints
    grounds: tuple[str, ...]
    now: Floats
    spot: Floats


class Counter:
    """Answers for one plan who could still go where."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.index = Index.of(problem)
        self.standing = Standing.of(self.index, plan)
        self.days = np.array(self.index.days, np.int64)
        free = staff_free(self.index)
        self.stands = {item: self.stand_of(item, free[n]) for n, item in enumerate(sorted(self.index.items))}

    def stand_of(self, item: str, free: Bools) -> Stand:
        """Everything left for an item."""
        spots = [*self.joinable(item), *self.openable(item, free)]
        grounds = tuple(sorted({spot["ground"] for spot in spots}))
        number = {ground: n for n, ground in enumerate(grounds)}
        columns = {name: [spot[name] for spot in spots] for name in ("held", "free", "least", "fixed", "start", "now")}
        sites = [self.index.sites[spot["key"][0]] for spot in spots]
        start = np.array(columns["start"], np.int64)
        return Stand(
            keys=tuple(spot["key"] for spot in spots),
            held=np.array(columns["held"], bool),
            free=np.array(columns["free"], np.int64),
            least=np.array(columns["least"], np.int64),
            fixed=np.array(columns["fixed"], float),
            start=start,
            end=start + self.index.items[item].length - 1,
            ground=np.array([number[spot["ground"]] for spot in spots], np.int64),
            grounds=grounds,
            now=np.array(columns["now"], float),
            spot=np.radians(np.array([site.at or (np.nan, np.nan) for site in sites], float).reshape(len(sites), 2)),
        )

    def joinable(self, item: str) -> list[dict[str, Any]]:
        """Sessions that are held and have places left."""
        index, prices = self.index, self.index.problem.costs.tier
        found = []
        for key, session in sorted(self.standing.held.items()):
            free = index.offers[key[0], item].places - session.people if session.item == item else 0
            covered = [index.sites[session.site].jurisdiction]
            covered += [index.requests[seat.request].jurisdiction for seat in session.seated]
            if free > 0 and (ground := rules.lowest_common(index, covered)) is not None:
                shape = {"key": key, "held": True, "free": free, "least": self.missing(key, session.people)}
                now = prices.get(session.tier, 0)
                found.append({**shape, "fixed": 0.0, "start": index.rank[key[2]], "ground": ground, "now": now})
        return found

    def missing(self, key: Key, people: int) -> int:
        """How many more people an objection asks for before anybody may sit there."""
        asked = [row.people for row in self.index.problem.min_people if (row.site, row.item, row.block) == key]
        return max([1, *(least - people for least in asked)])

    def openable(self, item: str, free: Bools) -> list[dict[str, Any]]:
        """Sessions that could be held besides: a room, rest and staff are left."""
        index, need = self.index, self.index.items[item].staff
        found = []
        for site in sorted(index.sites):
            for block, rank in index.rank.items() if (site, item) in index.offers else ():
                key = (site, item, block)
                possible = rules.span_of(index, item, block) is not None and free[:, rank].sum() >= need
                if key in self.standing.held or not possible or not self.standing.has_room(site, item, block):
                    continue
                if (crew := self.crew(item, block, need)) is not None:
                    offer, least = index.offers[site, item], max(index.items[item].min_class, self.missing(key, 0))
                    fixed = (
                        offer.open_cost + sum(index.staff[who].block_cost for who in crew) * index.items[item].length
                    )
                    shape = {"key": key, "held": False, "free": offer.places, "least": least, "fixed": fixed}
                    found.append({**shape, "start": rank, "ground": index.sites[site].jurisdiction, "now": 0.0})
        return found

    def crew(self, item: str, block: str, need: int) -> list[str] | None:
        """The cheapest staff who are free, None where there are too few."""
        free = self.standing.free_staff(item, block, ())
        free.sort(key=lambda who: (self.index.staff[who].block_cost, who))
        return free[:need] if len(free) >= need else None

    def alternatives(self, request: Request, *, count: int = 3) -> list[Alternative]:
        """The cheapest places for everybody of a request, which need not be one of the problem's."""
        stand = self.stands.get(request.item)
        if stand is None or not stand.keys:
            return []
        km, extra = self.priced(stand, request)
        index = self.with_request(request)
        found: list[Alternative] = []
        for at in np.argsort(extra, kind="stable").tolist():
            if len(found) == count or not np.isfinite(extra[at]):
                break
            if self.allowed(index, request, stand, at):
                site, _, block = stand.keys[at]
                joins = bool(stand.held[at])
                found.append(Alternative(site, block, joins, float(np.nan_to_num(km[at])), float(extra[at])))
        return found

    def priced(self, stand: Stand, request: Request) -> tuple[Floats, Floats]:
        """By place, the road to it and what it adds to the plan's cost; infinite where it cannot be."""
        index, costs = self.index, self.index.problem.costs
        first, last = index.window(request)
        km = roads(stand.spot, request) * costs.road_factor
        way = km * costs.per_person_km
        if index.problem.travel is not None:
            row = index.problem.travel.get(request.id, {})
            way = np.array([row.get(site, np.nan) for site, _, _ in stand.keys], float)
        else:
            way = np.where(np.isnan(way), 0.0, way)
            way = np.where(km > request.max_km, np.nan, way) if request.max_km is not None else way
        wait = request.wait_cost * (self.days[stand.start] - self.days[first])
        tier = self.tier_costs(stand, request)[stand.ground]
        extra = request.people * (way + wait) + stand.fixed + tier - stand.now
        fits = (stand.free >= request.people) & (stand.least <= request.people)
        fits &= (stand.start >= max(first, self.ready(request))) & (stand.end <= last)
        return km, np.where(fits & ~np.isnan(extra), extra, np.inf)

    def ready(self, request: Request) -> int:
        """The first rank at which everybody of a request is done in time with what they must sit before."""
        if (after := request.after) is None:
            return 0
        item = self.index.items[self.index.requests[after.request].item]
        opens = first_starts(self.index, item, after.days)
        done = sorted(
            int(opens[self.index.rank[session.block]])
            for session in self.standing.held.values()
            for seat in session.seated
            for _ in range(seat.people if seat.request == after.request else 0)
        )
        return done[request.people - 1] if len(done) >= request.people else len(self.index.days)

    def tier_costs(self, stand: Stand, request: Request) -> Floats:
        """By ground, what consulting the lowest tier over it and the request costs; not a number where none is."""
        index = self.index
        common = [rules.lowest_common(index, (ground, request.jurisdiction)) for ground in stand.grounds]
        prices: dict[Tier, float] = dict(index.problem.costs.tier)
        return np.array([np.nan if c is None else prices.get(index.jurisdictions[c].tier, 0) for c in common], float)

    def with_request(self, request: Request) -> Index:
        """The look-ups with the request among them."""
        return replace(self.index, requests={request.id: request})

    def allowed(self, index: Index, request: Request, stand: Stand, at: int) -> bool:
        """Whether every rule of a place holds, and staff may meet the request."""
        site, item, block = stand.keys[at]
        place = rules.Place(request.id, site, block)
        if rules.broken_by(index, place) is not None:
            return False
        if stand.held[at]:
            return all(
                rules.staff_may_meet(index, index.staff[w], place) for w in self.standing.held[site, item, block].staff
            )
        standing = replace(self.standing, index=index)
        return len(standing.free_staff(item, block, (place,))) >= index.items[item].staff


def roads(spot: Floats, request: Request) -> Floats:
    """Great-circle kilometres to each place; not a number where either has no address."""
    if request.at is None:
        return np.full(len(spot), np.nan)
    here = np.radians(request.at)
    shrink = np.cos(here[0]) * np.cos(spot[:, 0])
    half = np.sin((spot[:, 0] - here[0]) / 2) ** 2 + shrink * np.sin((spot[:, 1] - here[1]) / 2) ** 2
    km: Floats = 2 * rules.EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))
    return km
