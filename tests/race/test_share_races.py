"""Grants, bookings, hand-backs and dates at one moment: every place of a share is counted once, whoever is first."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.grants import PlaceGrant
from models.sessions import Session
from scheduler import booking, booking_changes, granted_places, granting, rosters
from tests import factories as make
from tests.race.test_booking_races import Act, all_at_once, crowd
from tests.race.test_change_races import lock_waited_for
from tests.scenes import Firm
from tests.sharing import UNTIL, Tiers, tiers

pytestmark = pytest.mark.asyncio

__all__ = ["crowd"]

PLACES = 20
JUST_BEFORE = UNTIL - timedelta(seconds=1)


def granting_places(of: Tiers, places: int, **given: Any) -> Act:
    async def act() -> None:
        await of.grant(places, now=JUST_BEFORE, **given)

    return act


def handing_back(of: Tiers, grant: PlaceGrant, places: int, **given: Any) -> Act:
    async def act() -> None:
        await of.hand_back(grant, places, now=JUST_BEFORE, **given)

    return act


def choosing(of: Tiers, firm: Firm, people: int, *, now: Any = JUST_BEFORE) -> Act:
    async def act() -> None:
        await of.choose(firm, people, now=now)

    return act


def taking(of: Tiers, firm: Firm, person: int, *, now: Any = JUST_BEFORE) -> Act:
    async def act() -> None:
        async with of.at.writing(now) as db:
            ids, caller = firm.ids(person), firm.caller
            await booking.create_bookings(db, of.at.session.id, ids, caller=caller, now=now)

    return act


def sweeping(of: Tiers) -> Act:
    """A node whose clock says that the shares' date has come."""

    async def act() -> None:
        async with of.at.database.writing(actor="job:places lapse", now=UNTIL) as db:
            await rosters.release_due(db, UNTIL)

    return act


@pytest.mark.parametrize("round_", range(4))
async def test_shares_are_conserved_whoever_grants_books_hands_back_or_sweeps_at_once(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    of = await tiers(crowd, people=6, places=PLACES)
    town, office = await of.grant(8), await of.grant_office(4, until=UNTIL)
    rows = [row for person in (4, 5) for row in await booked(of, of.at.firm, person)]
    later = {"now": UNTIL} if round_ % 2 else {}
    acts = [
        *(taking(of, of.at.firm, person) for person in range(4)),
        *(taking(of, of.neighbour, person, **later) for person in range(4)),
        *(choosing(of, of.stranger, people, **later) for people in (1, 2, 3)),
        *(granting_places(of, places, to=of.elsewhere, until=UNTIL) for places in (2, 5)),
        *(granting_places(of, 2, by=of.town, to=of.at.district.office) for _ in range(2)),
        *(handing_back(of, office, 1, by=of.office) for _ in range(3)),
        *(handing_back(of, town, 2, by=of.town) for _ in range(2)),
        *(cancelling(of, row.id) for row in rows),
        *([sweeping(of), sweeping(of)] if round_ % 2 else []),
    ]

    told = await all_at_once(acts[round_ * 5 :] + acts[: round_ * 5])

    assert set(told) <= {"done", "FULL", "OUT_OF_RANGE", "WRONG_STATE"}
    session = await of.at.row(Session, of.at.session.id)
    async with crowd.reading() as db:
        unused = sum(grant.unused for grant in (await db.exec(select(PlaceGrant))).all())
    assert (session.shared, session.held + session.taken + session.shared <= PLACES) == (unused, True)
    assert await of.at.violations() == []


async def booked(of: Tiers, firm: Firm, person: int) -> Any:
    async with of.at.writing() as db:
        ids = firm.ids(person)
        return await booking.create_bookings(db, of.at.session.id, ids, caller=firm.caller, now=make.NOW)


def cancelling(of: Tiers, booking_id: int) -> Act:
    async def act() -> None:
        async with of.at.writing(JUST_BEFORE) as db:
            await booking_changes.cancel_booking(db, booking_id, caller=of.at.firm.caller, now=JUST_BEFORE)

    return act


async def met_by(of: Tiers, act: Callable[[], Any]) -> str:
    """What somebody is told who comes while four people of the office's firm are booked and not yet committed."""
    async with of.at.writing() as db:
        ids = of.at.firm.ids(0, 1, 2, 3)
        await booking.create_bookings(db, of.at.session.id, ids, caller=of.at.firm.caller, now=make.NOW)
        other = asyncio.ensure_future(all_at_once([act]))
        await lock_waited_for(of.at.database)
    (code,) = await other
    return code


async def test_what_was_drawn_at_the_same_moment_is_not_handed_back(database: Database) -> None:
    of = await tiers(database)
    share = await of.grant(6)

    assert await met_by(of, lambda: of.hand_back(share, 6, by=of.town)) == "OUT_OF_RANGE"
    assert await of.shares() == [(6, 4, 0, 0)]
    assert await of.at.violations() == []


async def test_what_was_booked_at_the_same_moment_is_not_granted(database: Database) -> None:
    of = await tiers(database)

    assert await met_by(of, lambda: of.grant(12)) == "OUT_OF_RANGE"
    assert await of.counts() == (0, 4, 0)


UNGUARDED = (
    "ALTER TABLE session DROP CONSTRAINT ck_session_never_oversold",
    "ALTER TABLE place_grant DROP CONSTRAINT ck_place_grant_every_place_once",
    "DROP TRIGGER shares_add_up ON session",
    "DROP TRIGGER shares_add_up ON place_grant",
)


async def test_without_the_lock_and_the_databases_checks_the_same_race_gives_places_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await tiers(database)
    share = await of.grant(6)

    async def looked_at(db: AsyncSession, session_id: int) -> Session:
        return (await db.exec(select(Session).where(col(Session.id) == session_id))).one()

    async def read(db: AsyncSession, session: Session) -> dict[int, PlaceGrant]:
        rows = await db.exec(select(PlaceGrant).where(col(PlaceGrant.session_id) == session.id))
        return {grant.id: grant for grant in rows.all()}

    async def hand_back() -> None:
        monkeypatch.setattr(granting, "lock_session", looked_at)
        monkeypatch.setattr(granting, "grants_in", read)
        monkeypatch.setattr(granted_places, "grants_in", read)
        await of.hand_back(share, 6, by=of.town)

    async with of.at.writing() as db:
        for statement in UNGUARDED:
            await (await db.connection()).execute(text(statement))

    assert await met_by(of, hand_back) == "done"
    assert {found.invariant for found in await of.at.violations()} == {"shares-add-up"}


@pytest.mark.parametrize("corruption", ["UPDATE session SET shared = 5", "UPDATE place_grant SET given = given + 1"])
async def test_the_database_commits_no_shares_that_do_not_add_up(database: Database, corruption: str) -> None:
    of = await tiers(database)
    await of.grant(6)

    with pytest.raises(IntegrityError, match="do not add up"):
        async with of.at.writing() as db:
            await (await db.connection()).execute(text(corruption))

    assert await of.at.violations() == []
