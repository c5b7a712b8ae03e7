"""
Races for places, over many connections to a real server; after each, every count is recomputed from the rows.

The negative control runs the same race with the protection taken out and must oversell: else nothing is proven here.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.bookings import Booking, Hold, Promise
from models.database import Database, Pool
from models.sessions import Session
from models.vocabulary import HoldState, PromiseState, SessionState
from scheduler import booking, booking_changes, holding, rosters, waiting
from scheduler.constraints import refusal_of
from scheduler.idempotency import KeyedWrite
from scheduler.refusals import Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, make_firm, scene

pytestmark = pytest.mark.asyncio

CLIENTS = 100
PLACES = 20
CONNECTIONS = 50

Act = Callable[[], Awaitable[object]]
Choose = Callable[[], Awaitable[Hold]]


@pytest_asyncio.fixture
async def crowd(database_url: str) -> AsyncIterator[Database]:
    """A database that many come to at once."""
    opened = Database(database_url, pool=Pool(size=CONNECTIONS, wait_seconds=60, ping_first=False))
    yield opened
    await opened.close()


async def answer(act: Act) -> str:
    """What a client is told: done, or the code of the refusal; anything else is a bug and is raised."""
    try:
        await act()
    except Refused as refused:
        return refused.reasons[0].code.value
    except IntegrityError as error:
        raced = refusal_of(error)
        if raced is None:
            raise
        return raced.reasons[0].code.value
    return "done"


async def all_at_once(acts: Sequence[Act]) -> Counter[str]:
    """Let everyone start together, and count what they are told."""
    start = asyncio.Event()

    async def waiting(act: Act) -> str:
        await start.wait()
        return await answer(act)

    tasks = [asyncio.create_task(waiting(act)) for act in acts]
    start.set()
    return Counter(await asyncio.gather(*tasks))


def taking(at: Scene, firm: Firm, *places: int) -> Act:
    """A client who takes open places of the session for these people of a firm."""

    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            await booking.create_bookings(db, at.session.id, firm.ids(*places), caller=firm.caller, now=make.NOW)

    return act


def naming(at: Scene, promise: Promise, *places: int, seconds: int = 0) -> Act:
    """A client who names these people into promised places, some seconds later by its clock."""
    now = make.NOW + timedelta(seconds=seconds)

    async def act() -> None:
        async with at.database.writing(actor="test", now=now) as db:
            await booking.confirm_bookings(db, promise.id, at.firm.ids(*places), caller=at.firm.caller, now=now)

    return act


def holding_places(at: Scene, firm: Firm, people: int, *, now: datetime = make.NOW, **given: Any) -> Choose:
    """A client who chooses open places of the session."""
    write = given.pop("write", None)

    async def act() -> Hold:
        choice = holding.Choice(at.session.id, people, **given)
        return await holding.choose_places(at.database, choice, write=write, caller=firm.caller, now=now)

    return act


def confirming(at: Scene, hold: Hold, place: int) -> Act:
    """A client who names a person into a held place."""

    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            await booking.confirm_hold(db, hold.id, at.firm.ids(place), caller=at.firm.caller, now=make.NOW)

    return act


def giving_up(at: Scene, row: Booking) -> Act:
    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            await booking_changes.cancel_booking(db, row.id, caller=at.firm.caller, now=make.NOW)

    return act


def sending(at: Scene, row: Booking, place: int) -> Act:
    """A client who sends this other person instead."""

    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            key = at.firm.ids(place)[0]
            await booking_changes.substitute_booking(db, row.id, key, caller=at.firm.caller, now=make.NOW)

    return act


async def booked_by_firm(at: Scene, *places: int) -> Sequence[Booking]:
    async with at.writing() as db:
        return await booking.create_bookings(
            db, at.session.id, at.firm.ids(*places), caller=at.firm.caller, now=make.NOW
        )


async def firms(at: Scene, number: int, *, people: int = 2) -> list[Firm]:
    async with at.writing() as db:
        return [await make_firm(db, at.district, people) for _ in range(number)]


async def test_a_hundred_clients_never_oversell_twenty_places(crowd: Database) -> None:
    at = await scene(crowd, people=1, places=PLACES)
    clients = await firms(at, CLIENTS)

    told = await all_at_once([taking(at, firm, 0) for firm in clients])

    assert told == {"done": PLACES, "FULL": CLIENTS - PLACES}
    assert await at.counts() == (0, PLACES)
    assert await at.violations() == []


async def test_groups_get_all_of_their_places_or_none(crowd: Database) -> None:
    at = await scene(crowd, people=1, places=PLACES + 1)
    clients = await firms(at, 40)

    told = await all_at_once([taking(at, firm, 0, 1) for firm in clients])

    assert told == {"done": PLACES // 2, "FULL": 40 - PLACES // 2}
    assert await at.counts() == (0, PLACES)
    assert await at.violations() == []


async def test_promised_places_are_safe_from_those_who_take_open_ones(crowd: Database) -> None:
    at = await scene(crowd, people=10, places=PLACES)
    promise = await at.promise(people=10)
    clients = await firms(at, 40)

    told = await all_at_once(
        [taking(at, firm, 0) for firm in clients[:20]]
        + [naming(at, promise, place) for place in range(10)]
        + [taking(at, firm, 0) for firm in clients[20:]]
    )

    assert told == {"done": PLACES, "FULL": 30}
    assert (await at.row(Promise, promise.id)).state is PromiseState.USED
    assert await at.counts() == (0, PLACES)
    assert await at.violations() == []


async def test_the_places_of_a_promise_are_named_once(crowd: Database) -> None:
    at = await scene(crowd, people=30)
    promise = await at.promise(people=8)

    told = await all_at_once([naming(at, promise, place) for place in range(30)])

    assert told == {"done": 8, "FULL": 22}
    assert (len(await at.booked()), await at.counts()) == (8, (0, 8))
    assert await at.violations() == []


@pytest.mark.parametrize("round_", range(5))
async def test_naming_and_release_never_share_a_place(crowd: Database, round_: int) -> None:
    at = await scene(crowd, people=12)
    lapse = make.NOW + timedelta(seconds=10)
    promise = await at.promise(people=6, held_until=lapse)

    async def release() -> None:
        async with at.database.writing(actor="job:test", now=lapse) as db:
            await rosters.release_due(db, lapse)

    named = [naming(at, promise, place) for place in range(6)]
    told = await all_at_once([*named[:round_], release, *named[round_:]])

    taken = len(await at.booked())
    assert told["done"] == taken + 1
    assert told["PROMISE_LAPSED"] == 6 - taken
    assert await at.counts() == (0, taken)
    assert await at.violations() == []


@pytest.mark.parametrize("round_", range(5))
async def test_a_hold_that_ends_is_named_or_open_but_never_both(crowd: Database, round_: int) -> None:
    at = await scene(crowd, people=4, places=4, policy=ANY_SHARE)
    hold, others = await holding_places(at, at.firm, 4)(), await firms(at, 8)
    over = make.NOW + timedelta(minutes=15)

    async def sweep() -> None:
        async with at.database.writing(actor="job:test", now=over) as db:
            await rosters.release_due(db, over)

    acts: list[Act] = [confirming(at, hold, place) for place in range(4)]
    late = [holding_places(at, firm, 1, now=over) for firm in others]
    told = await all_at_once([*acts[:round_], *late[:4], sweep, *acts[round_:], *late[4:]])

    taken = len(await at.booked())
    assert told["done"] == taken + await at.held() + 1
    assert taken + await at.held() == 4
    assert await at.violations() == []


async def test_a_firm_never_holds_more_than_its_share_however_many_of_it_try(crowd: Database) -> None:
    at = await scene(crowd, places=PLACES)

    told = await all_at_once([holding_places(at, at.firm, 1) for _ in range(40)])

    assert told == {"done": 8, "OVER_SHARE": 32}
    assert await at.held() == 8
    assert await at.violations() == []


async def test_two_hundred_clients_with_groups_hold_every_place_and_none_twice(crowd: Database) -> None:
    at = await scene(crowd, places=100, policy=ANY_SHARE)
    clients = await firms(at, 200, people=0)

    told = await all_at_once([holding_places(at, firm, 1 + n % 4, or_fewer=True) for n, firm in enumerate(clients)])

    assert (await at.held(), len(await at.holds())) == (100, told["done"])
    assert told["FULL"] == 200 - told["done"]
    assert await at.violations() == []


async def test_one_key_holds_once_however_often_it_is_sent_at_once(crowd: Database) -> None:
    at = await scene(crowd, places=PLACES)
    write = KeyedWrite(at.firm.caller.account_id, "sent again", "two places")

    told = await all_at_once([holding_places(at, at.firm, 2, write=write) for _ in range(30)])

    assert told == {"done": 30}
    assert (await at.held(), await at.holds()) == (2, [HoldState.HELD])
    assert await at.violations() == []


@pytest.mark.parametrize("round_", range(5))
async def test_a_freed_place_goes_to_the_queue_or_to_a_newcomer_but_never_to_both(crowd: Database, round_: int) -> None:
    at = await scene(crowd, people=4, places=4, policy=ANY_SHARE)
    rows = await booked_by_firm(at, 0, 1, 2, 3)
    waiters, newcomers = await firms(at, 6, people=0), await firms(at, 6, people=0)

    def joining(firm: Firm) -> Act:
        async def act() -> None:
            async with at.database.writing(actor="test", now=make.NOW) as db:
                await waiting.join(db, waiting.Wish(1, at.session.id), caller=firm.caller, now=make.NOW)

        return act

    await all_at_once([joining(firm) for firm in waiters[:3]])
    frees = [giving_up(at, row) for row in rows]
    told = await all_at_once(
        [
            *frees[:round_],
            *[holding_places(at, firm, 1) for firm in newcomers],
            *[joining(firm) for firm in waiters[3:]],
            *frees[round_:],
        ]
    )

    assert told["done"] + told["FULL"] == 13
    assert (await at.counts(), await at.held()) == ((0, 0), 4)
    assert await at.violations() == []


@pytest.mark.parametrize("round_", range(5))
async def test_a_roster_is_the_same_after_its_freeze_as_at_it(crowd: Database, round_: int) -> None:
    at = await scene(crowd, people=10)
    rows = await booked_by_firm(at, 0, 1, 2, 3, 4)
    moment = at.session.roster_freezes_at
    frozen: list[list[int]] = []

    async def freeze() -> None:
        async with at.database.writing(actor="job:test", now=moment) as db:
            await rosters.freeze_due(db, moment)
        frozen.append(await at.booked())

    acts = [sending(at, row, 5 + place) for place, row in enumerate(rows)]
    told = await all_at_once([*acts[:round_], freeze, *acts[round_:]])

    assert told["done"] + told["ROSTER_FROZEN"] == 6
    assert (await at.row(Session, at.session.id)).state is SessionState.FROZEN
    assert frozen == [await at.booked()]
    assert await at.claimed() == await at.booked()
    assert await at.violations() == []


async def test_a_place_is_given_up_once_however_many_try(crowd: Database) -> None:
    at = await scene(crowd, people=3)
    (row,) = await booked_by_firm(at, 0)

    told = await all_at_once([giving_up(at, row) for _ in range(20)])

    assert told == {"done": 1, "WRONG_STATE": 19}
    assert await at.counts() == (0, 0)
    assert await at.violations() == []


async def test_a_place_is_given_up_or_passed_on_but_not_both_at_once(crowd: Database) -> None:
    at = await scene(crowd, people=12)
    rows = await booked_by_firm(at, 0, 1, 2, 3)

    told = await all_at_once(
        [act for place, row in enumerate(rows) for act in (giving_up(at, row), sending(at, row, 4 + place))]
    )

    assert told["done"] + told["WRONG_STATE"] == 8
    assert await at.counts() == (0, 0)
    assert await at.violations() == []


async def test_one_person_gets_one_place_however_many_sessions_are_tried_at_once(crowd: Database) -> None:
    at = await scene(crowd, people=2)
    others = [await at.another_session(day=at.session.day + timedelta(days=day)) for day in range(1, 8)]

    def into(session: Session) -> Act:
        async def act() -> None:
            async with at.database.writing(actor="test", now=make.NOW) as db:
                await booking.create_bookings(db, session.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)

        return act

    told = await all_at_once([into(session) for session in (at.session, *others)])

    assert told == {"done": 1, "ALREADY_BOOKED": 7}
    assert await at.violations() == []


GUARD, UNGUARDED = "granted IS NULL OR granted < least_", "granted IS NULL"


async def take_the_guard_out(at: Scene) -> None:
    """Let the statement that takes places no longer look at how many there are."""
    async with at.writing() as db:
        connection = await db.connection()
        whole = await connection.execute(text("SELECT pg_get_functiondef('hold_places'::regproc)"))
        said: str = whole.scalar_one()
        assert GUARD in said
        unguarded = said.replace(GUARD, UNGUARDED).replace("least(people_, granted,", "least(people_,")
        await connection.exec_driver_sql(unguarded)


async def test_without_its_condition_and_the_databases_check_the_same_race_oversells(crowd: Database) -> None:
    at = await scene(crowd, people=1, places=PLACES)
    clients = await firms(at, 40)
    await take_the_guard_out(at)
    async with at.writing() as db:
        await (await db.connection()).execute(text("ALTER TABLE session DROP CONSTRAINT ck_session_never_oversold"))

    await all_at_once([taking(at, firm, 0) for firm in clients])

    assert await at.counts() == (0, 40)
    assert [found.invariant for found in await at.violations()] == ["never-oversold"]


async def test_the_databases_check_alone_stops_a_statement_without_its_condition(crowd: Database) -> None:
    at = await scene(crowd, people=1, places=PLACES)
    clients = await firms(at, 40)
    await take_the_guard_out(at)

    told = await all_at_once([taking(at, firm, 0) for firm in clients])

    assert told == {"done": PLACES, "FULL": 40 - PLACES}
    assert await at.violations() == []
