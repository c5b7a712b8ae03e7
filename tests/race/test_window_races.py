"""
Races around a ranked window: its end against whoever applies, withdraws, is booked elsewhere, or comes first.

The negative control applies without the window's lock, and must lose an application: else nothing is proven here.
"""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from models.bookings import Booking
from models.database import Database
from models.sessions import Session
from models.vocabulary import ApplicationState, BookingState, Role
from models.windows import Application, RankedWindow
from scheduler import applying, awarding, booking, windows
from scheduler.ranking import read, recount
from tests import factories as make
from tests.race.test_booking_races import Act, all_at_once, crowd
from tests.scenes import ANY_SHARE, Firm, Scene, scene

__all__ = ["crowd"]
pytestmark = pytest.mark.asyncio

UNTIL = make.NOW + timedelta(days=7)
JUST_BEFORE = UNTIL - timedelta(milliseconds=1)
PLACES, FIRMS = 6, 12


async def windowed(database: Database, *, places: int = PLACES, firms: int = FIRMS) -> tuple[Scene, RankedWindow, Any]:
    """A window, and firms of two people each that may apply."""
    at = await scene(database, places=places, policy=ANY_SHARE)
    bureau = await at.caller(Role.BUREAU)
    async with at.writing() as db:
        window = await windows.open_window(db, at.session.id, UNTIL, caller=bureau, now=make.NOW)
    return at, window, [await at.another_firm(2) for _ in range(firms)]


def applying_for(at: Scene, window: RankedWindow, firm: Firm, *places: int, together: bool = False) -> Act:
    async def act() -> None:
        bid = applying.Bid(window.id, tuple(firm.ids(*places)), together)
        async with at.database.writing(actor=firm.caller.actor, now=JUST_BEFORE) as db:
            await applying.apply(db, bid, caller=firm.caller, now=JUST_BEFORE)

    return act


def withdrawing(at: Scene, row: Application, firm: Firm) -> Act:
    async def act() -> None:
        async with at.database.writing(actor=firm.caller.actor, now=JUST_BEFORE) as db:
            await applying.withdraw(db, row.id, caller=firm.caller, now=JUST_BEFORE)

    return act


def ranking(at: Scene) -> Act:
    """A worker node whose clock has struck."""

    async def act() -> None:
        async with at.database.writing(actor="job:windows are ranked", now=UNTIL) as db:
            await awarding.rank_due(db, UNTIL)

    return act


def coming_first(at: Scene, firm: Firm, session: Session | None = None) -> Act:
    """A firm that books a place for its first worker as soon as it may."""

    async def act() -> None:
        async with at.database.writing(actor=firm.caller.actor, now=UNTIL) as db:
            target = (session or at.session).id
            await booking.create_bookings(db, target, firm.ids(0), caller=firm.caller, now=UNTIL)

    return act


async def applications(at: Scene) -> list[Application]:
    async with at.database.reading() as db:
        return list((await db.exec(select(Application).order_by(col(Application.id)))).all())


async def check(at: Scene, window: RankedWindow) -> RankedWindow:
    """One result, that comes to the same again, and an auditor with nothing to say."""
    ranked = await at.row(RankedWindow, window.id)
    assert recount(read(ranked.document)) == []
    assert await at.violations() == []
    return ranked


async def test_many_nodes_rank_a_window_once(crowd: Database) -> None:
    at, window, firms = await windowed(crowd)
    await all_at_once([applying_for(at, window, firm, 0) for firm in firms])

    told = await all_at_once([ranking(at) for _ in range(12)])

    ranked = await check(at, window)
    assert told == Counter(done=12)
    assert Counter(row.state for row in await applications(at)) == Counter(
        {ApplicationState.PLACED: PLACES, ApplicationState.QUEUED: FIRMS - PLACES}
    )
    assert ranked.document is not None
    assert len(ranked.document["entries"]) == FIRMS
    assert await at.counts() == (0, PLACES)


async def test_whoever_applies_as_the_window_ends_is_ranked_or_told_that_it_is_over(crowd: Database) -> None:
    at, window, firms = await windowed(crowd)
    await all_at_once([applying_for(at, window, firm, 0) for firm in firms[:4]])

    late = [applying_for(at, window, firm, 0) for firm in firms[4:]]
    told = await all_at_once([*late[:3], ranking(at), *late[3:], ranking(at)])
    await ranking(at)()

    ranked = await check(at, window)
    rows = await applications(at)
    assert ranked.document is not None
    assert len(rows) == len(ranked.document["entries"]) == 4 + told["done"] - 2
    assert told["done"] + told["TOO_LATE"] == len(late) + 2
    assert all(row.state in (ApplicationState.PLACED, ApplicationState.QUEUED) for row in rows)


async def test_whoever_withdraws_as_the_window_ends_has_no_place_or_is_told_that_it_has_one(crowd: Database) -> None:
    at, window, firms = await windowed(crowd)
    await all_at_once([applying_for(at, window, firm, 0) for firm in firms])
    rows, by_id = await applications(at), {firm.enterprise.id: firm for firm in firms}

    gone = [withdrawing(at, row, by_id[row.enterprise_id]) for row in rows]
    told = await all_at_once([*gone[:6], ranking(at), *gone[6:]])
    await ranking(at)()

    await check(at, window)
    after = Counter(row.state for row in await applications(at))
    assert after[ApplicationState.WITHDRAWN] == told["done"] - 1
    assert after[ApplicationState.APPLIED] == 0


async def test_one_person_applies_once_whatever_is_sent_at_once(crowd: Database) -> None:
    at, window, (firm,) = await windowed(crowd, firms=1)

    told = await all_at_once([applying_for(at, window, firm, 0, 1, together=True) for _ in range(20)])

    assert told == Counter(done=1, ALREADY_APPLIED=19)
    assert await at.violations() == []


async def test_nobody_comes_first_as_the_window_ends_and_nobody_is_in_two_sessions(crowd: Database) -> None:
    at, window, firms = await windowed(crowd)
    other = await at.another_session(places=20, day=date(2026, 4, 22))
    await all_at_once([applying_for(at, window, firm, 0) for firm in firms])
    strangers = [await at.another_firm(1) for _ in range(8)]

    told = await all_at_once(
        [
            *(coming_first(at, firm) for firm in strangers),
            *(coming_first(at, firm, other) for firm in firms),
            ranking(at),
            ranking(at),
        ]
    )
    await ranking(at)()

    await check(at, window)
    async with at.database.reading() as db:
        booked = (await db.exec(select(Booking).where(col(Booking.state) == BookingState.CONFIRMED))).all()
    assert len({row.worker_id for row in booked}) == len(booked)
    here = {row.enterprise_id for row in booked if row.session_id == at.session.id}
    placed = [row.enterprise_id for row in await applications(at) if row.state is ApplicationState.PLACED]
    assert set(placed) <= here
    # Strangers have only what those left over who found a place elsewhere.
    assert len(here) <= PLACES
    assert sum(told.values()) == len(strangers) + len(firms) + 2


async def test_without_the_windows_lock_an_application_is_lost_and_the_auditor_sees_it(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: whoever applies believes what was read before the ranking."""
    at, window, firms = await windowed(crowd, firms=4)
    await all_at_once([applying_for(at, window, firm, 0) for firm in firms[:3]])
    is_ranked = asyncio.Event()

    async def as_read_before(_db: Any, _window_id: int) -> RankedWindow:
        await is_ranked.wait()
        return window

    monkeypatch.setattr(applying, "lock_window", as_read_before)
    late = asyncio.create_task(applying_for(at, window, firms[3], 0)())
    await ranking(at)()
    is_ranked.set()
    await late

    assert {found.invariant for found in await at.violations()} == {"standing-once"}
