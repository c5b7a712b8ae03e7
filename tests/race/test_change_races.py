"""Every pair of changes to one booking at once, and moves that cross each other: one wins, or one after the other."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import pytest
from sqlalchemy import text

from models.bookings import Booking
from models.database import Database
from models.sessions import Session
from scheduler import booking, booking_changes, moving
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.race.test_booking_races import Act, all_at_once, crowd
from tests.scenes import ANY_SHARE, Firm, Scene, codes, scene

pytestmark = pytest.mark.asyncio

__all__ = ["crowd"]

TIMES = 4


async def booked(at: Scene, firm: Firm, session: Session, *places: int) -> Sequence[Booking]:
    async with at.writing() as db:
        return await booking.create_bookings(db, session.id, firm.ids(*places), caller=firm.caller, now=make.NOW)


def cancelling(at: Scene, row: Booking, _: int) -> Act:
    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            await booking_changes.cancel_booking(db, row.id, caller=at.firm.caller, now=make.NOW)

    return act


def substituting(at: Scene, row: Booking, other: int) -> Act:
    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            key = at.firm.ids(other)[0]
            await booking_changes.substitute_booking(db, row.id, key, caller=at.firm.caller, now=make.NOW)

    return act


def moving_to(at: Scene, row: Booking, to: Session, firm: Firm | None = None) -> Act:
    async def act() -> None:
        async with at.database.writing(actor="test", now=make.NOW) as db:
            caller = (firm or at.firm).caller
            await moving.move_booking(db, row.id, to.id, caller=caller, now=make.NOW)

    return act


@pytest.mark.parametrize("pair", list(combinations_with_replacement(("cancel", "substitute", "move"), 2)))
async def test_every_pair_of_changes_to_one_booking_leaves_one_place_or_none(
    crowd: Database,  # the fixture of the other races
    pair: tuple[str, str],
) -> None:
    at = await scene(crowd, people=3 * TIMES, policy=ANY_SHARE)
    other = await at.another_session()
    rows = await booked(at, at.firm, at.session, *range(TIMES))

    def acting(name: str, at_row: int, instead: int) -> Act:
        row = rows[at_row]
        if name == "move":
            return moving_to(at, row, other)
        return (cancelling if name == "cancel" else substituting)(at, row, instead)

    acts = [acting(name, n, TIMES * (1 + turn) + n) for n in range(TIMES) for turn, name in enumerate(pair)]
    told = await all_at_once(acts)

    assert set(told) <= {"done", "WRONG_STATE", "NOT_FOUND", "ALREADY_BOOKED", "BAD_INPUT"}
    assert told["done"] >= TIMES
    places = [taken for _, taken in (await at.counts(), await at.counts(other.id))]
    standing = len(await at.booked()) + len(await at.booked(other.id))
    assert sum(places) == standing
    if "cancel" not in pair:
        assert standing == TIMES
    assert await at.violations() == []


@pytest.mark.parametrize("late", [cancelling, substituting])
async def test_a_change_that_waited_while_the_booking_moved_away_is_told_to_look_again(
    database: Database, late: Callable[[Scene, Booking, int], Act]
) -> None:
    at = await scene(database, people=2, policy=ANY_SHARE)
    other = await at.another_session()
    (row,) = await booked(at, at.firm, at.session, 0)

    async with at.writing() as db:
        await moving.move_booking(db, row.id, other.id, caller=at.firm.caller, now=make.NOW)
        waiting = asyncio.create_task(late(at, row, 1)())
        await lock_waited_for(at.database)

    with pytest.raises(Refused) as raised:
        await waiting
    assert codes(raised.value.reasons) == [Code.WRONG_STATE]
    assert (await at.booked(), await at.booked(other.id)) == ([], at.firm.ids(0))
    assert await at.violations() == []


async def lock_waited_for(database: Database) -> None:
    """Until some transaction waits for another's lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while True:
        # Each look is a transaction of its own: within one, the server answers what it saw first.
        async with database.reading() as db:
            if (await db.exec(waiting)).scalar_one():
                return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("round_", range(3))
async def test_moves_that_cross_each_other_neither_wait_for_ever_nor_lose_a_place(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    at = await scene(crowd, people=4, places=5 + round_, policy=ANY_SHARE)
    other, there = await at.another_session(places=5 + round_), await at.another_firm(4)
    here = await booked(at, at.firm, at.session)
    beyond = await booked(at, there, other)

    told = await all_at_once(
        [act for one, two in zip(here, beyond, strict=True) for act in (
            moving_to(at, one, other), moving_to(at, two, at.session, there),
        )]
    )  # fmt: skip

    assert set(told) <= {"done", "FULL"}
    assert told["done"] >= 1
    assert (await at.counts())[1] + (await at.counts(other.id))[1] == 8
    assert await at.violations() == []
