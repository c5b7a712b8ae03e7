"""What a firm may change until the roster freezes: give a place up, or send somebody else."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Promise
from models.catalogue import Setting
from models.database import Database
from models.demand import Request
from models.journal import AuditEntry
from models.vocabulary import BookingState, PromiseState, RequestState, Role
from scheduler import booking, booking_changes
from scheduler.callers import Caller
from scheduler.refusals import Code, Refusal, Refused
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

AFTER_THE_FREEZE = datetime(2026, 4, 14, 0, 0, tzinfo=UTC)


async def booked_at(at: Scene, worker: int = 0, promise: Promise | None = None) -> Booking:
    async with at.writing() as db:
        if promise:
            return (
                await booking.confirm_bookings(db, promise.id, at.firm.ids(worker), caller=at.firm.caller, now=make.NOW)
            )[0]
        return (
            await booking.create_bookings(db, at.session.id, at.firm.ids(worker), caller=at.firm.caller, now=make.NOW)
        )[0]


async def cancel(at: Scene, key: int, *, caller: Caller | None = None, now: datetime = make.NOW) -> Booking:
    async with at.writing(now) as db:
        return await booking_changes.cancel_booking(db, key, caller=caller or at.firm.caller, now=now)


async def substitute(
    at: Scene, key: int, worker_id: int, *, caller: Caller | None = None, now: datetime = make.NOW
) -> Booking:
    async with at.writing(now) as db:
        return await booking_changes.substitute_booking(db, key, worker_id, caller=caller or at.firm.caller, now=now)


async def refused(at: Scene, key: int, worker_id: int | None = None, **given: object) -> list[Refusal]:
    before = (await at.entries(), await at.counts(), await at.booked(), await at.claimed())
    with pytest.raises(Refused) as raised:
        await (cancel(at, key, **given) if worker_id is None else substitute(at, key, worker_id, **given))  # type: ignore[arg-type]
    assert (await at.entries(), await at.counts(), await at.booked(), await at.claimed()) == before
    return list(raised.value.reasons)


async def test_a_cancelled_place_is_open_to_everyone_and_the_persons_time_is_free(database: Database) -> None:
    at = await scene(database, places=1)
    held = await booked_at(at)

    row = await cancel(at, held.id)

    assert row.state is BookingState.CANCELLED
    assert await at.counts() == (0, 0)
    assert await at.claimed() == []
    assert (await booked_at(at, 1)).worker_id == at.firm.ids(1)[0]
    assert await at.violations() == []


async def test_a_place_given_up_leaves_its_promise_and_the_request_stays_as_it_is(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    first, second = await booked_at(at, 0, promise), await booked_at(at, 1, promise)

    await cancel(at, first.id)
    after_one = await at.row(Promise, promise.id)
    await cancel(at, second.id)

    assert (after_one.people, after_one.named, after_one.state) == (1, 1, PromiseState.USED)
    last = await at.row(Promise, promise.id)
    assert (last.people, last.named, last.state) == (1, 0, PromiseState.RELEASED)
    assert (await at.row(Request, promise.request_id)).state is RequestState.SETTLED
    assert await at.counts() == (0, 0)
    assert await at.violations() == []


async def test_the_rest_of_a_promise_is_held_when_one_of_its_places_is_given_up(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3)
    held = await booked_at(at, 0, promise)

    await cancel(at, held.id)

    kept = await at.row(Promise, promise.id)
    assert (kept.people, kept.named, kept.state) == (2, 0, PromiseState.HELD)
    assert await at.counts() == (2, 0)
    assert await at.violations() == []


async def test_a_place_is_given_up_once(database: Database) -> None:
    at = await scene(database)
    held = await booked_at(at)
    await cancel(at, held.id)

    assert codes(await refused(at, held.id)) == [Code.WRONG_STATE]
    assert codes(await refused(at, held.id, at.firm.ids(1)[0])) == [Code.WRONG_STATE]


async def test_nothing_changes_once_the_roster_is_frozen(database: Database) -> None:
    at = await scene(database)
    held = await booked_at(at)

    cancelled = await refused(at, held.id, now=AFTER_THE_FREEZE)
    replaced = await refused(at, held.id, at.firm.ids(1)[0], now=AFTER_THE_FREEZE)

    assert codes(cancelled) == codes(replaced) == [Code.ROSTER_FROZEN]


async def test_another_firms_place_and_none_at_all_give_the_same_answer(database: Database) -> None:
    at = await scene(database)
    held = await booked_at(at)
    other = await at.another_firm()

    foreign, absent = await refused(at, held.id, caller=other.caller), await refused(at, 10**15)

    assert foreign == absent
    assert codes(absent) == [Code.NOT_FOUND]
    assert await refused(at, held.id, other.ids(0)[0], caller=other.caller) == absent


@pytest.mark.parametrize("role", [Role.OFFICE, Role.EXAM_BODY, Role.EXAMINER])
async def test_only_the_firm_changes_its_places(database: Database, role: Role) -> None:
    at = await scene(database)
    held = await booked_at(at)
    caller = await at.caller(role)

    assert codes(await refused(at, held.id, caller=caller)) == [Code.NOT_ALLOWED]
    assert codes(await refused(at, held.id, at.firm.ids(1)[0], caller=caller)) == [Code.NOT_ALLOWED]


async def test_somebody_else_comes_and_the_place_is_kept(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=1)
    held = await booked_at(at, 0, promise)
    later = make.NOW + timedelta(days=3)

    row = await substitute(at, held.id, at.firm.ids(1)[0], now=later)

    assert (row.id, row.worker_id, row.changes, row.booked_at) == (held.id, at.firm.ids(1)[0], 1, later)
    assert (row.promise_id, row.state) == (promise.id, BookingState.CONFIRMED)
    assert await at.counts() == (0, 1)
    assert await at.claimed() == at.firm.ids(1)
    assert await at.violations() == []


async def test_a_substitution_is_in_the_audit_trail_without_personal_data(database: Database) -> None:
    at = await scene(database)
    held = await booked_at(at)

    await substitute(at, held.id, at.firm.ids(1)[0])

    async with database.reading() as db:
        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "substituted"))).one()
    assert (noted.entity, noted.entity_id, noted.actor) == ("booking", held.id, "test")
    assert noted.detail == {"from_worker": at.firm.ids(0)[0], "to_worker": at.firm.ids(1)[0]}


async def test_a_place_changes_hands_as_often_as_the_policy_allows(database: Database) -> None:
    at = await scene(database)
    held = await booked_at(at)
    async with at.writing() as db:
        db.add(Setting(bureau_id=at.district.bureau.id, name="most_changes", value=1, source="test"))
    await substitute(at, held.id, at.firm.ids(1)[0])

    assert codes(await refused(at, held.id, at.firm.ids(2)[0])) == [Code.TOO_MANY_CHANGES]


async def test_the_newcomer_keeps_every_rule(database: Database) -> None:
    at = await scene(database)
    held, other = await booked_at(at), await booked_at(at, 1)
    stranger = (await at.another_firm()).ids(0)[0]
    async with at.writing() as db:
        old = await make.make_worker(db, enterprise=await db.merge(at.firm.enterprise), born=date(1960, 1, 1))

    assert [(r.code, r.path, r.worker_id) for r in await refused(at, held.id, old.id)] == [
        (Code.TOO_OLD, ("input", "workerId"), old.id)
    ]
    assert codes(await refused(at, held.id, stranger)) == [Code.NOT_YOUR_WORKER]
    assert codes(await refused(at, held.id, other.worker_id)) == [Code.ALREADY_BOOKED]
    assert codes(await refused(at, held.id, held.worker_id)) == [Code.ALREADY_BOOKED]
