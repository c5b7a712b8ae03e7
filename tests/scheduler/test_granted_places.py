"""Booking within shares: the lowest tier's places first, back to where they came from, and returned at their date."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from models.bookings import Booking, Waiting
from models.database import Database
from models.sessions import Session
from models.vocabulary import GrantState, HoldState, Role, SessionState, WaitingState
from scheduler import booking, booking_changes, holding, moving, rosters, waiting
from scheduler.availability import footing_of
from scheduler.places_taken import places_at
from scheduler.refusals import Code, Refused
from scheduler.session_places import PlacesOrder, set_places
from tests import factories as make
from tests.scenes import Firm, codes
from tests.sharing import SOONER, UNTIL, Tiers, tiers

pytestmark = pytest.mark.asyncio


async def seen_by(of: Tiers, firm: Firm, *, now: datetime = make.NOW) -> tuple[int, int, int]:
    """Open to all, shared, and what this firm may book."""
    async with of.at.database.reading() as db:
        places = (await places_at(db, [of.at.session.id], now=now))[of.at.session.id]
        session = await db.get_one(Session, of.at.session.id)
        footing = await footing_of(db, session, firm.enterprise.id, now=now)
    return places.open, places.shared, footing.open


async def full(of: Tiers, firm: Firm, people: int, **given: object) -> None:
    with pytest.raises(Refused) as no:
        await of.choose(firm, people, **given)
    assert codes(no.value.reasons) == [Code.FULL]


async def book(of: Tiers, firm: Firm, *places: int, now: datetime = make.NOW) -> list[Booking]:
    async with of.at.writing(now) as db:
        rows = await booking.create_bookings(
            db,
            of.at.session.id,
            firm.ids(*places),
            caller=firm.caller,
            now=now,
        )
    return list(rows)


async def test_everybody_sees_and_books_what_is_open_and_what_is_shared_with_their_own_tier(
    database: Database,
) -> None:
    of = await tiers(database)
    await of.grant(10)
    await of.grant_office(4)

    assert await seen_by(of, of.at.firm) == (2, 10, 12)
    assert await seen_by(of, of.neighbour) == (2, 10, 8)
    assert await seen_by(of, of.stranger) == (2, 10, 2)
    await full(of, of.stranger, 3)
    await of.choose(of.stranger, 2)
    await full(of, of.neighbour, 7)
    await of.choose(of.neighbour, 6)
    await of.choose(of.at.firm, 4)
    assert await of.shares() == [(10, 6, 4, 0), (4, 4, 0, 0)]
    assert await of.counts() == (12, 0, 0)
    assert await of.at.violations() == []


async def test_a_booking_draws_from_the_office_then_the_town_then_all(database: Database) -> None:
    of = await tiers(database, people=7)
    await of.grant(4)
    await of.grant_office(2)

    await book(of, of.at.firm, 0)
    one = await of.shares()
    await book(of, of.at.firm, 1, 2)
    two = await of.shares()
    await book(of, of.at.firm, 3, 4, 5, 6)

    assert one == [(4, 0, 2, 0), (2, 1, 0, 0)]
    assert two == [(4, 1, 2, 0), (2, 2, 0, 0)]
    assert await of.shares() == [(4, 2, 2, 0), (2, 2, 0, 0)]
    assert await of.counts() == (0, 7, 0)
    assert await of.at.violations() == []


async def test_as_many_as_there_are_counts_shares_and_the_firms_own_limit(database: Database) -> None:
    of = await tiers(database, places=5)
    await of.grant(3)

    await of.choose(of.stranger, 5, or_fewer=True)
    await of.choose(of.neighbour, 5, or_fewer=True)

    assert await of.counts() == (5, 0, 0)
    assert await of.shares() == [(3, 3, 0, 0)]


async def test_held_places_that_nobody_is_named_into_go_back_to_their_share(database: Database) -> None:
    of = await tiers(database)
    await of.grant(4)
    await of.grant_office(2)
    given_back, lapsing = await of.choose(of.at.firm, 1), await of.choose(of.at.firm, 2)

    async with of.at.writing() as db:
        await holding.release_hold(db, given_back, caller=of.at.firm.caller, now=make.NOW)
    assert await of.shares() == [(4, 1, 2, 0), (2, 1, 0, 0)]
    later = make.NOW + timedelta(minutes=15)
    # Unswept, too, what lapsed is its tier's and nobody else's.
    assert await seen_by(of, of.stranger, now=later) == (8, 4, 8)
    assert await seen_by(of, of.at.firm, now=later) == (8, 4, 12)
    async with of.at.writing(later) as db:
        assert await rosters.release_due(db, later) == 1

    assert (await of.at.row(holding.Hold, lapsing)).state is HoldState.LAPSED
    assert await of.shares() == [(4, 0, 2, 0), (2, 0, 0, 0)]
    assert await of.counts() == (0, 0, 4)
    assert await of.at.violations() == []


async def test_a_cancelled_place_goes_back_to_the_share_it_came_from_while_that_stands(database: Database) -> None:
    of = await tiers(database)
    await of.grant(4)
    await of.grant_office(2)
    early, middle, late = await book(of, of.at.firm, 0, 1, 2)

    async def cancel(row: Booking, now: datetime) -> None:
        async with of.at.writing(now) as db:
            await booking_changes.cancel_booking(db, row.id, caller=of.at.firm.caller, now=now)

    await cancel(early, make.NOW)
    assert await of.shares() == [(4, 1, 2, 0), (2, 1, 0, 0)]
    await cancel(middle, SOONER)
    assert await of.shares() == [(4, 1, 0, 0), (2, 0, 0, 2)]
    await cancel(late, UNTIL)

    assert await of.shares() == [(4, 0, 0, 4), (2, 0, 0, 2)]
    assert await of.counts() == (0, 0, 0)
    assert await of.at.violations() == []


async def test_what_is_unused_at_the_date_returns_to_the_tier_above_then_to_all(database: Database) -> None:
    of = await tiers(database)
    await of.grant(10)
    await of.grant_office(4)
    await book(of, of.at.firm, 0)

    for now, open_, shared in ((SOONER, 2, 9), (UNTIL, 11, 0)):
        # Nobody has swept, and it binds nobody already.
        assert await seen_by(of, of.stranger, now=now) == (open_, shared, open_)
        async with of.at.writing(now) as db:
            assert await rosters.release_due(db, now) == 1
            assert await rosters.release_due(db, now) == 0
        assert await seen_by(of, of.stranger, now=now) == (open_, shared, open_)

    assert await of.shares() == [(10, 0, 1, 9), (4, 1, 0, 3)]
    assert await of.counts() == (0, 1, 0)
    assert await of.at.violations() == []


async def test_an_expired_share_is_returned_by_whoever_meets_it_when_no_worker_lives(database: Database) -> None:
    of = await tiers(database)
    share = await of.grant(12)

    await full(of, of.stranger, 1, now=UNTIL - timedelta(seconds=1))
    await of.choose(of.stranger, 6, now=UNTIL)

    assert await of.shares() == [(12, 0, 0, 12)]
    assert (await of.at.row(type(share), share.id)).state is GrantState.RETURNED
    assert await of.at.violations() == []


async def test_the_next_date_of_a_share_wakes_the_worker(database: Database) -> None:
    of = await tiers(database)
    await of.grant(4)
    await of.grant_office(2)

    async with database.reading() as db:
        assert (await db.exec(rosters.next_release())).one() == SOONER


async def test_who_waits_is_offered_what_is_handed_back_or_open_to_their_own_tier(database: Database) -> None:
    of = await tiers(database, places=4)
    share = await of.grant(4)
    await of.choose(of.neighbour, 4)
    async with of.at.writing() as db:
        for firm in (of.stranger, of.at.firm):
            wish = waiting.Wish(2, session_id=of.at.session.id)
            await waiting.join(db, wish, caller=firm.caller, now=make.NOW)

    async def states() -> list[WaitingState]:
        async with database.reading() as db:
            return list((await db.exec(select(col(Waiting.state)).order_by(col(Waiting.id)))).all())

    later = make.NOW + timedelta(minutes=15)
    async with of.at.writing(later) as db:
        await rosters.release_due(db, later)
    # The stranger is first in the queue, but the places are the town's.
    assert await states() == [WaitingState.WAITING, WaitingState.OFFERED]
    assert await of.shares() == [(4, 2, 0, 0)]
    await of.hand_back(share, 2, by=of.town, now=later)

    assert await states() == [WaitingState.OFFERED, WaitingState.OFFERED]
    async with database.reading() as db:
        assert (await db.exec(select(col(Waiting.passed)))).all() == [0, 0]
    assert await of.counts() == (4, 0, 0)
    assert await of.at.violations() == []


async def test_a_move_draws_there_and_gives_back_here(database: Database) -> None:
    of = await tiers(database)
    there = await of.at.another_session(places=1)
    await of.grant(2)
    await of.grant(1, session_id=there.id)
    (row,) = await book(of, of.at.firm, 0)

    async with of.at.writing() as db:
        await moving.move_booking(db, row.id, there.id, caller=of.at.firm.caller, now=make.NOW)

    assert await of.shares() == [(2, 0, 0, 0), (1, 1, 0, 0)]
    assert (await of.counts(), (await of.at.row(Session, there.id)).taken) == ((0, 0, 2), 1)
    assert await of.at.violations() == []


async def test_fewer_places_take_from_shares_what_nobody_has_before_anybody_leaves(database: Database) -> None:
    of = await tiers(database)
    await of.grant(10)
    await of.grant_office(4)
    await book(of, of.at.firm, 0, 1)
    caller = await of.at.caller(Role.BUREAU)

    async def resize(places: int) -> None:
        async with of.at.writing() as db:
            await set_places(db, PlacesOrder(of.at.session.id, places, "车辆故障"), caller=caller, now=make.NOW)

    await resize(9)
    assert await of.shares() == [(10, 0, 3, 1), (4, 2, 0, 1)]
    await resize(2)
    assert await of.shares() == [(10, 0, 2, 8), (4, 2, 0, 2)]
    assert await of.at.booked() == of.at.firm.ids(0, 1)
    await resize(1)

    assert await of.counts() == (0, 1, 0)
    assert await of.at.violations() == []


async def test_a_frozen_roster_has_no_shares_left(database: Database) -> None:
    of = await tiers(database)
    freeze = of.at.session.roster_freezes_at
    await of.grant(6, until=freeze)
    await book(of, of.at.firm, 0)
    await of.choose(of.at.firm, 2, now=freeze - timedelta(minutes=1))

    async with of.at.writing(freeze) as db:
        await rosters.freeze_due(db, freeze)

    assert (await of.at.row(Session, of.at.session.id)).state is SessionState.FROZEN
    assert await of.shares() == [(6, 1, 0, 5)]
    assert await of.counts() == (0, 1, 0)
    assert await of.at.violations() == []
