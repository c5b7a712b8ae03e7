"""The organiser takes places away while firms book them: nobody sits where no place is, and nobody is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from sqlalchemy import text
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Waiting
from models.database import Database
from models.parties import ExamBody
from models.sessions import Session
from models.vocabulary import BookingState, Role, SessionState
from scheduler import booking, relocating
from scheduler.minimum_class import decide_due
from scheduler.session_places import PlacesOrder, set_places
from scheduler.weather import WeatherOrder, block_day
from tests import factories as make
from tests.race.test_booking_races import Act, all_at_once, crowd, firms, giving_up, holding_places, taking
from tests.race.test_change_races import lock_waited_for, moving_to
from tests.scenes import ANY_SHARE, Scene, scene

pytestmark = pytest.mark.asyncio

__all__ = ["crowd"]

PLACES, FEWER = 20, 8


async def resizing(at: Scene, places: int) -> Act:
    caller = await at.caller(Role.BUREAU)

    async def act() -> None:
        async with at.database.writing(actor=caller.actor, now=make.NOW) as db:
            await set_places(db, PlacesOrder(at.session.id, places, "车辆故障"), caller=caller, now=make.NOW)

    return act


async def everybody(at: Scene) -> tuple[int, int]:
    """How many people have a place anywhere, and how many are looked after in the queue."""
    async with at.database.reading() as db:
        placed = select(func.count(col(Booking.id))).where(col(Booking.state) == BookingState.CONFIRMED)
        waits = select(func.coalesce(func.sum(col(Waiting.people)), 0))
        return (await db.exec(placed)).one(), (await db.exec(waits)).one()


@pytest.mark.parametrize("round_", range(5))
async def test_fewer_places_against_booking_leaves_nobody_without_a_place_or_a_turn(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    at = await scene(crowd, people=1, places=PLACES, policy=ANY_SHARE)
    other = await at.another_session(places=5, day=date(2026, 4, 16))
    clients = await firms(at, 30)
    acts = [taking(at, firm, 0) for firm in clients]
    fewer, fewest = await resizing(at, FEWER + 2), await resizing(at, FEWER)

    told = await all_at_once([*acts[: 6 * round_], fewer, fewest, *acts[6 * round_ :]])

    session = await at.row(Session, at.session.id)
    placed, waiting = await everybody(at)
    assert set(told) <= {"done", "FULL"}
    assert session.places in {FEWER, FEWER + 2}
    assert session.taken + session.held <= session.places
    assert (await at.counts(other.id))[1] <= 5
    # Two of the acts are the organiser's; everybody else who was told "done" sits somewhere, or is in the queue.
    assert placed + waiting == told["done"] - 2
    assert await at.violations() == []


@pytest.mark.parametrize("round_", range(3))
async def test_fewer_places_against_holds_and_moves_keeps_every_count(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    at = await scene(crowd, people=6, places=PLACES, policy=ANY_SHARE)
    other = await at.another_session(places=PLACES, day=date(2026, 4, 16))
    async with at.writing() as db:
        rows = await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
    choosers = await firms(at, 12, people=0)
    holds: list[Act] = [holding_places(at, firm, 1 + n % 3) for n, firm in enumerate(choosers)]
    moves = [moving_to(at, row, other) for row in rows]

    told = await all_at_once([*holds[:4], *moves[:round_], await resizing(at, 4), *holds[4:], *moves[round_:]])

    assert set(told) <= {"done", "FULL", "WRONG_STATE", "BAD_INPUT"}
    assert len(await at.booked()) + len(await at.booked(other.id)) == 6
    assert await at.violations() == []


Lock = Callable[[AsyncSession, int], Awaitable[Session]]


async def fewer_while_somebody_books(at: Scene) -> None:
    """The organiser comes while eight bookings are written and not yet committed."""
    fewer = await resizing(at, FEWER // 2)
    async with at.writing() as db:
        await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
        organiser = asyncio.ensure_future(fewer())
        await lock_waited_for(at.database)
    await organiser


async def test_places_are_counted_under_the_lock_however_late_the_organiser_looked(database: Database) -> None:
    at = await scene(database, people=FEWER, policy=ANY_SHARE)

    await fewer_while_somebody_books(at)

    assert (await at.counts(), (await everybody(at))) == ((0, FEWER // 2), (FEWER // 2, FEWER // 2))
    assert await at.violations() == []


async def test_without_the_lock_and_the_databases_check_the_same_race_oversells(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await scene(database, people=FEWER, policy=ANY_SHARE)

    async def looked_at(db: AsyncSession, session_id: int) -> Session:
        return (await db.exec(select(Session).where(col(Session.id) == session_id))).one()

    monkeypatch.setattr(relocating, "lock_session", looked_at)
    async with at.writing() as db:
        await (await db.connection()).execute(text("ALTER TABLE session DROP CONSTRAINT ck_session_never_oversold"))

    await fewer_while_somebody_books(at)

    assert await at.counts() == (0, FEWER)
    assert [found.invariant for found in await at.violations()] == ["never-oversold"]


@pytest.mark.parametrize("round_", range(3))
async def test_two_nodes_decide_once_while_people_are_booked_and_move(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    at = await scene(crowd, people=3, places=PLACES, policy=ANY_SHARE)
    other = await at.another_session(places=PLACES, day=date(2026, 4, 20))
    deadline = at.session.confirm_due_at
    async with at.writing() as db:
        rows = await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
    late, moves = [taking(at, firm, 0) for firm in await firms(at, 4)], [moving_to(at, row, other) for row in rows]

    async def deciding() -> None:
        async with at.database.writing(actor="job:minimum classes decide", now=deadline) as db:
            await decide_due(db, deadline)

    told = await all_at_once([*late[:round_], *moves[:1], deciding, deciding, *late[round_:], *moves[1:]])

    placed, waiting = await everybody(at)
    session = await at.row(Session, at.session.id)
    assert set(told) <= {"done", "FULL", "WRONG_STATE", "BAD_INPUT"}
    assert (session.state is SessionState.CANCELLED) == (session.confirmed_at is None)
    assert (placed, waiting) == (len(await at.booked()) + len(await at.booked(other.id)), 0)
    assert placed >= 3
    assert await at.violations() == []


async def test_a_storm_while_people_are_booked_and_leave_loses_nobody(crowd: Database) -> None:
    at = await scene(crowd, people=6, policy=ANY_SHARE)
    caller, practical = await at.caller(Role.BUREAU), at.district.item.practical
    assert practical
    async with at.writing() as db:
        body = await db.get_one(ExamBody, at.district.exam_body.id)
        body.is_gated = False
        shape = {"exam": practical, "exam_body": body, "examiners": [at.examiner], "day": date(2026, 3, 5)}
        at.session = await make.make_session(db, site=at.district.site, **shape)
    async with at.writing() as db:
        now = make.NOW
        rows = await booking.create_bookings(db, at.session.id, at.firm.ids(0, 1, 2), caller=at.firm.caller, now=now)
    clients = await firms(at, 6)

    async def storm() -> None:
        async with at.database.writing(actor=caller.actor, now=make.NOW) as db:
            order = WeatherOrder(at.district.site.id, date(2026, 3, 5), "台风")
            await block_day(db, order, caller=caller, now=make.NOW)

    late, gone = [taking(at, firm, 0) for firm in clients], [giving_up(at, row) for row in rows[:1]]
    told = await all_at_once([*late[:3], storm, storm, *gone, *late[3:]])

    session = await at.row(Session, at.session.id)
    assert told == {"done": 8, "ALREADY_KNOWN": 1}
    assert (session.day, session.taken) == (date(2026, 3, 6), 8)
    assert await at.claimed() == await at.booked()
    assert await at.violations() == []
