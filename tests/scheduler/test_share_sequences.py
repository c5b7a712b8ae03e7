"""Whatever tiers and firms do with shares while the clock moves, a small model says who can book what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import Database
from models.grants import PlaceGrant
from scheduler import booking, booking_changes, holding, rosters
from scheduler.availability import most_places
from scheduler.refusals import Refused
from tests import factories as make
from tests.scenes import Firm
from tests.sharing import Tiers, tiers

pytestmark = pytest.mark.asyncio

PLACES, PEOPLE, MINUTES = 6, 4, timedelta(minutes=15)
OFFICE, TOWN = "office", "town"
COVERED_BY = ((OFFICE, TOWN), (TOWN,), ())  # the firm of the office, of another office of the town, of another town

firm, few, days = st.integers(0, 2), st.integers(1, 3), st.integers(1, 3)
step = st.one_of(
    st.tuples(st.just("grant_town"), few, days),
    st.tuples(st.just("grant_office"), few, days),
    st.tuples(st.just("back_from_town"), few, st.just(0)),
    st.tuples(st.just("back_from_office"), few, st.just(0)),
    st.tuples(st.just("hold"), firm, few),
    st.tuples(st.just("release"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("book"), firm, st.integers(0, PEOPLE - 1)),
    st.tuples(st.just("cancel"), firm, st.integers(0, PEOPLE - 1)),
    st.tuples(st.just("wait"), st.integers(1, 24), st.just(0)),
)


@dataclass
class Share:
    """What a tier has."""

    tier: str
    until: datetime
    unused: int = 0
    above: "Share | None" = None


@dataclass
class Held:
    """Places that a firm chose, and the share that each came from."""

    origins: list[Share | None]
    until: datetime
    is_over: bool = False


@dataclass
class Model:
    """The session as it ought to be."""

    now: datetime = make.NOW
    open: int = PLACES
    shares: dict[str, Share] = field(default_factory=dict)
    holds: list[Held] = field(default_factory=list)
    seats: dict[tuple[int, int], Share | None] = field(default_factory=dict)

    def bookable(self, who: int) -> int:
        return self.open + sum(share.unused for share in self.reach(who))

    def reach(self, who: int) -> list[Share]:
        return [self.shares[tier] for tier in COVERED_BY[who] if tier in self.shares]

    def grant_town(self, places: int, after: int) -> bool:
        if places > self.open or not self.grow(TOWN, places, after, None):
            return False
        self.open -= places
        return True

    def grant_office(self, places: int, after: int) -> bool:
        own = self.shares.get(TOWN)
        if own is None or places > own.unused or own.until < self.now + timedelta(days=after):
            return False
        if not self.grow(OFFICE, places, after, own):
            return False
        own.unused -= places
        return True

    def grow(self, tier: str, places: int, after: int, above: Share | None) -> bool:
        until = self.now + timedelta(days=after)
        share = self.shares.get(tier) or Share(tier, until, 0, above)
        if until < share.until:
            return False
        self.shares[tier] = share
        share.until, share.unused = until, share.unused + places
        return True

    def back_from_town(self, places: int, _: int) -> bool:
        return self.back(TOWN, places)

    def back_from_office(self, places: int, _: int) -> bool:
        return self.back(OFFICE, places)

    def back(self, tier: str, places: int) -> bool:
        share = self.shares.get(tier)
        if share is None or places > share.unused:
            return False
        share.unused -= places
        self.free(share.above, places)
        return True

    def free(self, share: Share | None, places: int = 1) -> None:
        while share is not None and share.until <= self.now:
            share = share.above
        if share is None:
            self.open += places
        else:
            share.unused += places

    def take(self, who: int, places: int) -> list[Share | None]:
        origins: list[Share | None] = []
        for share in self.reach(who):
            drawn = min(share.unused, places - len(origins))
            share.unused -= drawn
            origins += [share] * drawn
        self.open -= places - len(origins)
        return origins + [None] * (places - len(origins))

    def hold(self, who: int, places: int) -> bool:
        if places > self.bookable(who):
            return False
        self.holds.append(Held(self.take(who, places), self.now + MINUTES))
        return True

    def release(self, number: int, _: int = 0) -> bool:
        held = self.holds[number] if number < len(self.holds) else None
        if held is None or held.is_over:
            return False
        held.is_over = True
        for origin in held.origins:
            self.free(origin)
        return True

    def book(self, who: int, person: int) -> bool:
        if (who, person) in self.seats or not self.bookable(who):
            return False
        (self.seats[who, person],) = self.take(who, 1)
        return True

    def cancel(self, who: int, person: int) -> bool:
        if (who, person) not in self.seats:
            return False
        self.free(self.seats.pop((who, person)))
        return True

    def wait(self, hours: int, _: int) -> bool:
        self.now += timedelta(hours=hours)
        for number, held in enumerate(self.holds):
            if held.until <= self.now:
                self.release(number)
        for tier in (OFFICE, TOWN):
            share = self.shares.get(tier)
            if share and share.until <= self.now:
                del self.shares[tier]
                self.free(share, share.unused)
                share.unused = 0
        return True


@dataclass
class Desk:
    """The same acts on the real rows."""

    of: Tiers
    now: datetime = make.NOW
    shares: dict[str, int] = field(default_factory=dict)
    holds: list[tuple[int, Firm]] = field(default_factory=list)
    bookings: dict[tuple[int, int], int] = field(default_factory=dict)

    def firm(self, who: int) -> Firm:
        return (self.of.at.firm, self.of.neighbour, self.of.stranger)[who]

    async def act(self, name: str, one: int, other: int) -> bool:
        acts: dict[str, Callable[[int, int], Awaitable[None]]] = {
            "grant_town": self.grant_town, "grant_office": self.grant_office, "hold": self.hold, "book": self.book,
            "back_from_town": self.back_from_town, "back_from_office": self.back_from_office,
            "release": self.release, "cancel": self.cancel, "wait": self.wait,
        }  # fmt: skip
        try:
            await acts[name](one, other)
        except Refused:
            return False
        return True

    async def grant_town(self, places: int, after: int) -> None:
        row = await self.of.grant(places, until=self.now + timedelta(days=after), now=self.now)
        self.shares[TOWN] = row.id

    async def grant_office(self, places: int, after: int) -> None:
        row = await self.of.grant_office(places, until=self.now + timedelta(days=after), now=self.now)
        self.shares[OFFICE] = row.id

    async def back_from_town(self, places: int, _: int) -> None:
        await self.back(TOWN, places)

    async def back_from_office(self, places: int, _: int) -> None:
        await self.back(OFFICE, places)

    async def back(self, tier: str, places: int) -> None:
        by = self.of.town if tier == TOWN else self.of.office
        share = PlaceGrant(id=self.shares.get(tier, 0))
        await self.of.hand_back(share, places, by=by, now=self.now)

    async def hold(self, who: int, places: int) -> None:
        self.holds.append((await self.of.choose(self.firm(who), places, now=self.now), self.firm(who)))

    async def release(self, number: int, _: int) -> None:
        hold_id, firm = self.holds[number] if number < len(self.holds) else (0, self.firm(0))
        async with self.of.at.writing(self.now) as db:
            await holding.release_hold(db, hold_id, caller=firm.caller, now=self.now)

    async def book(self, who: int, person: int) -> None:
        firm, session_id = self.firm(who), self.of.at.session.id
        async with self.of.at.writing(self.now) as db:
            ids, caller = firm.ids(person), firm.caller
            (row,) = await booking.create_bookings(db, session_id, ids, caller=caller, now=self.now)
        self.bookings[who, person] = row.id

    async def cancel(self, who: int, person: int) -> None:
        async with self.of.at.writing(self.now) as db:
            key, caller = self.bookings.get((who, person), 0), self.firm(who).caller
            await booking_changes.cancel_booking(db, key, caller=caller, now=self.now)

    async def wait(self, hours: int, _: int) -> None:
        self.now += timedelta(hours=hours)

    async def sweep(self) -> None:
        async with self.of.at.writing(self.now) as db:
            while await rosters.release_due(db, self.now):
                pass

    async def shown(self) -> list[int]:
        session_id, told = self.of.at.session.id, []
        for who in range(3):
            async with self.of.at.database.reading() as db:
                caller = self.firm(who).caller
                told.append((await most_places(db, [session_id], caller=caller, now=self.now))[session_id])
        return told


async def walk(database: Database, steps: list[tuple[str, int, int]]) -> None:
    of = await tiers(database, people=PEOPLE, places=PLACES)
    desk, model = Desk(of), Model()

    for name, one, other in steps:
        told = await desk.act(name, one, other)

        assert told is getattr(model, name)(one, other), (name, one, other)
        # First as the clock alone has made it, then as the worker leaves it: nobody may tell the difference.
        for look_after in (False, name == "wait"):
            if look_after:
                await desk.sweep()
            assert await desk.shown() == [model.bookable(who) for who in range(3)], (name, one, other, look_after)
    assert await of.at.violations() == []


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=6, max_size=20))
async def test_what_each_firm_is_shown_is_what_it_can_book_whatever_was_granted_before(
    database: Database, steps: list[tuple[str, int, int]]
) -> None:
    await walk(database, steps)


@pytest.mark.long
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=10, max_size=60))
async def test_the_model_of_shares_holds_for_long_walks(database: Database, steps: list[tuple[str, int, int]]) -> None:
    await walk(database, steps)
