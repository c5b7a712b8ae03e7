"""Whatever firms do at the desk while the clock moves, a small model says what they are told and what is left."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import Database
from models.sessions import Session
from scheduler import booking, booking_changes, holding, moving, rosters
from scheduler.places_taken import places_at
from scheduler.refusals import Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

PLACES, PEOPLE, MINUTES = 4, 6, timedelta(minutes=15)

which, person, people = st.integers(0, 1), st.integers(0, PEOPLE - 1), st.integers(1, 3)
step = st.one_of(
    st.tuples(st.just("hold"), which, people),
    st.tuples(st.just("confirm"), st.integers(0, 3), person),
    st.tuples(st.just("extend"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("release"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("create"), which, person),
    st.tuples(st.just("cancel"), person, st.just(0)),
    st.tuples(st.just("move"), person, which),
    st.tuples(st.just("wait"), st.integers(1, 10), st.just(0)),
    st.tuples(st.just("sweep"), st.just(0), st.just(0)),
)


@dataclass
class Held:
    """Places of a session that are chosen and not named yet."""

    at: int
    left: int
    until: datetime
    is_extended: bool = False
    is_over: bool = False

    def stands(self, now: datetime) -> bool:
        return not self.is_over and self.left > 0 and now < self.until


@dataclass
class Model:
    """Two sessions as they ought to be: what is held in them, and who has a place where."""

    now: datetime = make.NOW
    holds: list[Held] = field(default_factory=list)
    seats: dict[int, int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)

    def open(self, at: int) -> int:
        held = sum(hold.left for hold in self.holds if hold.at == at and hold.stands(self.now))
        return PLACES - held - list(self.seats.values()).count(at)

    def hold(self, at: int, number: int) -> bool:
        if number > self.open(at):
            return False
        self.holds.append(Held(at, number, self.now + MINUTES))
        return True

    def standing(self, number: int) -> Held | None:
        found = self.holds[number] if number < len(self.holds) else None
        return found if found and found.stands(self.now) else None

    def confirm(self, number: int, who: int) -> bool:
        hold = self.standing(number)
        if hold is None or who in self.seats:
            return False
        hold.left -= 1
        self.seats[who], self.changes[who] = hold.at, 0
        return True

    def extend(self, number: int, _: int) -> bool:
        hold = self.standing(number)
        if hold is None or hold.is_extended:
            return False
        hold.until, hold.is_extended = hold.until + MINUTES, True
        return True

    def release(self, number: int, _: int) -> bool:
        hold = self.standing(number)
        if hold is None:
            return False
        hold.is_over = True
        return True

    def create(self, at: int, who: int) -> bool:
        if who in self.seats or not self.open(at):
            return False
        self.seats[who], self.changes[who] = at, 0
        return True

    def cancel(self, who: int, _: int) -> bool:
        return self.seats.pop(who, None) is not None

    def move(self, who: int, at: int) -> bool:
        if who not in self.seats or self.seats[who] == at or not self.open(at) or self.changes[who] == 3:
            return False
        self.seats[who] = at
        self.changes[who] += 1
        return True

    def wait(self, minutes: int, _: int) -> bool:
        self.now += timedelta(minutes=minutes)
        return True

    def sweep(self, _: int, __: int) -> bool:
        return True


@dataclass
class Desk:
    """The same acts on the real rows."""

    at: Scene
    sessions: list[Session]
    now: datetime = make.NOW
    holds: list[int] = field(default_factory=list)
    bookings: dict[int, int] = field(default_factory=dict)

    async def act(self, name: str, one: int, other: int) -> bool:
        acts: dict[str, Callable[[int, int], Awaitable[None]]] = {
            "hold": self.hold, "confirm": self.confirm, "extend": self.extend, "release": self.release,
            "create": self.create, "cancel": self.cancel, "move": self.move, "wait": self.wait, "sweep": self.sweep,
        }  # fmt: skip
        try:
            await acts[name](one, other)
        except Refused:
            return False
        return True

    async def hold(self, at: int, number: int) -> None:
        choice = holding.Choice(self.sessions[at].id, number)
        database, caller = self.at.database, self.at.firm.caller
        self.holds.append((await holding.choose_places(database, choice, write=None, caller=caller, now=self.now)).id)

    def key(self, number: int) -> int:
        return self.holds[number] if number < len(self.holds) else 0

    async def confirm(self, number: int, who: int) -> None:
        async with self.at.writing(self.now) as db:
            ids, caller = self.at.firm.ids(who), self.at.firm.caller
            (row,) = await booking.confirm_hold(db, self.key(number), ids, caller=caller, now=self.now)
        self.bookings[who] = row.id

    async def extend(self, number: int, _: int) -> None:
        async with self.at.writing(self.now) as db:
            await holding.extend_hold(db, self.key(number), caller=self.at.firm.caller, now=self.now)

    async def release(self, number: int, _: int) -> None:
        async with self.at.writing(self.now) as db:
            await holding.release_hold(db, self.key(number), caller=self.at.firm.caller, now=self.now)

    async def create(self, at: int, who: int) -> None:
        async with self.at.writing(self.now) as db:
            ids, caller = self.at.firm.ids(who), self.at.firm.caller
            (row,) = await booking.create_bookings(db, self.sessions[at].id, ids, caller=caller, now=self.now)
        self.bookings[who] = row.id

    async def cancel(self, who: int, _: int) -> None:
        async with self.at.writing(self.now) as db:
            key, caller = self.bookings.get(who, 0), self.at.firm.caller
            await booking_changes.cancel_booking(db, key, caller=caller, now=self.now)

    async def move(self, who: int, at: int) -> None:
        async with self.at.writing(self.now) as db:
            key, caller = self.bookings.get(who, 0), self.at.firm.caller
            await moving.move_booking(db, key, self.sessions[at].id, caller=caller, now=self.now)

    async def wait(self, minutes: int, _: int) -> None:
        self.now += timedelta(minutes=minutes)

    async def sweep(self, _: int, __: int) -> None:
        async with self.at.writing(self.now) as db:
            while await rosters.release_due(db, self.now):
                pass


async def walk(database: Database, steps: list[tuple[str, int, int]]) -> None:
    at = await scene(database, people=PEOPLE, places=PLACES, policy=ANY_SHARE)
    desk, model = Desk(at, [at.session, await at.another_session(places=PLACES)]), Model()

    for name, one, other in steps:
        told = await desk.act(name, one, other)

        assert told is getattr(model, name)(one, other), (name, one, other)
        async with database.reading() as db:
            shown = await places_at(db, [session.id for session in desk.sessions], now=desk.now)
        assert [shown[session.id].open for session in desk.sessions] == [model.open(0), model.open(1)]
    for number, session in enumerate(desk.sessions):
        assert await at.booked(session.id) == at.firm.ids(*seated(model, number)) or not seated(model, number)
    assert await at.violations() == []


def seated(model: Model, number: int) -> list[int]:
    return sorted(who for who, where in model.seats.items() if where == number)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=1, max_size=16))
async def test_what_is_shown_as_open_is_what_can_be_had_whatever_was_done_before(
    database: Database, steps: list[tuple[str, int, int]]
) -> None:
    await walk(database, steps)


@pytest.mark.long
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=10, max_size=70))
async def test_the_model_holds_for_long_walks(database: Database, steps: list[tuple[str, int, int]]) -> None:
    await walk(database, steps)
