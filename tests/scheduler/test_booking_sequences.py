"""Whatever firms do one after the other, places are as a small model of them says."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bookings import Promise
from models.database import Database
from models.vocabulary import PromiseState
from scheduler import booking, booking_changes
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

PLACES, PROMISED, PEOPLE = 4, 2, 6
LAPSE = make.NOW + timedelta(days=1)

worker = st.integers(0, PEOPLE - 1)
step = st.one_of(
    st.tuples(st.just("confirm"), worker),
    st.tuples(st.just("create"), worker),
    st.tuples(st.just("cancel"), worker),
    st.tuples(st.just("substitute"), worker, worker),
    st.tuples(st.just("release")),
)


@dataclass
class Model:
    """Places as they ought to be: who holds one, and what is left of the promise."""

    promised: int = PROMISED
    is_lapsed: bool = False
    holders: dict[int, bool] = field(default_factory=dict)  # whether the place is the promise's

    @property
    def open(self) -> int:
        return PLACES - self.promised - len(self.holders)

    def confirm(self, who: int) -> str:
        if self.is_lapsed:
            return "no"
        if self.promised == 0 or who in self.holders:
            return "no"
        self.promised -= 1
        self.holders[who] = True
        return "done"

    def create(self, who: int) -> str:
        if self.open == 0 or who in self.holders:
            return "no"
        self.holders[who] = False
        return "done"

    def cancel(self, who: int) -> str:
        return "no" if self.holders.pop(who, None) is None else "done"

    def substitute(self, who: int, other: int) -> str:
        if who not in self.holders or other in self.holders:
            return "no"
        self.holders[other] = self.holders.pop(who)
        return "done"

    def release(self) -> str:
        self.promised, self.is_lapsed = 0, True
        return "done"


@dataclass
class Desk:
    """The same acts on the real rows; `held` maps people to their bookings."""

    at: Scene
    promise: Promise
    held: dict[int, int] = field(default_factory=dict)
    is_lapsed: bool = False

    async def act(self, name: str, *people: int) -> str:
        now = LAPSE if self.is_lapsed else make.NOW
        try:
            async with self.at.database.writing(actor="test", now=now) as db:
                keys = self.at.firm.ids(*people) if people else []
                caller = self.at.firm.caller
                if name == "confirm":
                    rows = await booking.confirm_bookings(db, self.promise.id, keys, caller=caller, now=now)
                    self.held[people[0]] = rows[0].id
                elif name == "create":
                    rows = await booking.create_bookings(db, self.at.session.id, keys, caller=caller, now=now)
                    self.held[people[0]] = rows[0].id
                elif name == "cancel":
                    await booking_changes.cancel_booking(db, self.held.get(people[0], 0), caller=caller, now=now)
                    self.held.pop(people[0])
                elif name == "substitute":
                    key = self.held.get(people[0], 0)
                    await booking_changes.substitute_booking(db, key, keys[1], caller=caller, now=now)
                    self.held[people[1]] = self.held.pop(people[0])
                else:
                    self.is_lapsed = True
                    await release_lapsed(db, await lock_session(db, self.at.session.id), now=LAPSE)
        except Refused as refused:
            return refused.reasons[0].code.value
        return "done"


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=1, max_size=14))
async def test_any_sequence_of_acts_leaves_the_places_as_the_model_says(
    database: Database, steps: list[tuple[str, *tuple[int, ...]]]
) -> None:
    at = await scene(database, people=PEOPLE, places=PLACES, policy=ANY_SHARE)
    desk, model = Desk(at, await at.promise(people=PROMISED, held_until=LAPSE)), Model()

    for name, *people in steps:
        told = await desk.act(name, *people)
        if told == Code.TOO_MANY_CHANGES.value:
            continue
        expected = getattr(model, name)(*people)

        assert ("done" if told == "done" else "no") == expected, (name, people, told)
        assert await at.counts() == (model.promised, len(model.holders))
        assert await at.booked() == await at.claimed() == sorted(at.firm.ids(*model.holders) if model.holders else [])
        state = (await at.row(Promise, desk.promise.id)).state
        assert (state is PromiseState.HELD) == (model.promised > 0)
    assert await at.violations() == []
