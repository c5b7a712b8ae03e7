"""Moving a place to another session in one step."""

from datetime import date, datetime, timedelta

import pytest

from models.bookings import Booking, Promise, Waiting
from models.database import Database
from models.sessions import Session
from models.vocabulary import PromiseState, SessionState, WaitingState
from scheduler import booking, moving
from scheduler.callers import Caller
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Scene, codes, scene

pytestmark = pytest.mark.asyncio


async def booked(at: Scene, place: int = 0) -> Booking:
    async with at.writing() as db:
        (row,) = await booking.create_bookings(
            db, at.session.id, at.firm.ids(place), caller=at.firm.caller, now=make.NOW
        )
    return row


async def move(
    at: Scene, row: Booking, to: Session, *, caller: Caller | None = None, now: datetime = make.NOW
) -> Booking:
    async with at.writing(now) as db:
        return await moving.move_booking(db, row.id, to.id, caller=caller or at.firm.caller, now=now)


async def refused(at: Scene, row: Booking, to: Session, *, now: datetime = make.NOW) -> list[str]:
    before = (await at.entries(), await at.counts(), await at.row(Booking, row.id))
    with pytest.raises(Refused) as no:
        await move(at, row, to, now=now)
    assert (await at.entries(), await at.counts(), await at.row(Booking, row.id)) == before
    return codes(no.value.reasons)


async def test_a_place_is_moved_and_the_person_is_claimed_there_alone(database: Database) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session(day=date(2026, 4, 16))

    moved = await move(at, row, to)

    assert (moved.id, moved.session_id, moved.changes) == (row.id, to.id, 1)
    assert (await at.booked(), await at.claimed()) == ([], [])
    assert await at.booked(to.id) == await at.claimed(to.id) == at.firm.ids(0)
    assert (await at.counts(), await at.counts(to.id), await at.held(to.id)) == ((0, 0), (0, 1), 0)
    assert await at.violations() == []


async def test_a_session_at_the_same_time_is_no_overlap_with_the_one_that_is_left(database: Database) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session()

    await move(at, row, to)

    assert await at.claimed(to.id) == at.firm.ids(0)
    assert await at.violations() == []


async def test_the_place_that_is_left_goes_to_who_waits_for_it(database: Database) -> None:
    at = await scene(database, places=1)
    row, to = await booked(at), await at.another_session()
    async with at.writing() as db:
        firm = await at.another_firm()
        waits = await make.make_waiting(db, session=at.session, enterprise=firm.enterprise)

    await move(at, row, to)

    assert (await at.row(Waiting, waits.id)).state is WaitingState.OFFERED
    assert await at.held() == 1
    assert await at.violations() == []


async def test_a_promised_place_leaves_its_promise(database: Database) -> None:
    at = await scene(database)
    promise, to = await at.promise(people=2), await at.another_session()
    async with at.writing() as db:
        row, _ = await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)

    moved = await move(at, row, to)

    kept = await at.row(Promise, promise.id)
    assert moved.promise_id is None
    assert (kept.named, kept.state) == (1, PromiseState.USED)
    assert await at.violations() == []


async def test_a_full_session_is_not_moved_to_and_the_place_stays(database: Database) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session(places=1)
    async with at.writing() as db:
        session = await db.get_one(Session, to.id)
        await make.make_booking(db, session=session, worker=await make.make_worker(db))

    assert await refused(at, row, to) == [Code.FULL]


async def test_moves_and_substitutions_together_are_as_many_as_the_policy_allows(database: Database) -> None:
    at = await scene(database, policy=ANY_SHARE | {"most_changes": 2})
    row, other = await booked(at), await at.another_session()

    await move(at, row, other)
    await move(at, row, at.session)

    assert await refused(at, row, other) == [Code.TOO_MANY_CHANGES]


@pytest.mark.parametrize(
    ("state", "expected"), [(SessionState.FROZEN, Code.ROSTER_FROZEN), (SessionState.CANCELLED, Code.WRONG_STATE)]
)
async def test_only_an_open_session_is_moved_to(database: Database, state: SessionState, expected: Code) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session(state=state)

    assert await refused(at, row, to) == [expected]


async def test_a_frozen_roster_is_not_left(database: Database) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session(day=date(2026, 4, 22))

    assert await refused(at, row, to, now=at.session.roster_freezes_at) == [Code.ROSTER_FROZEN]


async def test_one_moves_to_another_session_of_the_same_exam(database: Database) -> None:
    at = await scene(database)
    practical = at.district.item.practical
    row, to = await booked(at), await at.another_session(exam=practical, day=date(2026, 4, 16))

    assert await refused(at, row, at.session) == [Code.BAD_INPUT]
    assert Code.BAD_INPUT in await refused(at, row, to)


async def test_another_session_of_the_person_stands_in_the_way(database: Database) -> None:
    at = await scene(database)
    row, to = await booked(at), await at.another_session(day=date(2026, 4, 16))
    practical = await at.another_session(exam=at.district.item.practical, day=date(2026, 4, 16))
    async with at.writing() as db:
        session = await db.get_one(Session, practical.id)
        await make.make_booking(db, session=session, worker=at.firm.workers[0])

    assert await refused(at, row, to) == [Code.OVERLAPS]


async def test_nobody_moves_anothers_place(database: Database) -> None:
    at = await scene(database)
    row, to, other = await booked(at), await at.another_session(), await at.another_firm()

    with pytest.raises(Refused) as no:
        await move(at, row, to, caller=other.caller, now=make.NOW + timedelta(hours=1))

    assert codes(no.value.reasons) == [Code.NOT_FOUND]
    assert await at.booked() == at.firm.ids(0)
