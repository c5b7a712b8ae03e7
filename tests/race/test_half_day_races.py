"""Half-days granted, handed back and returned at one moment: none is anybody's twice."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.database import Database
from models.grants import StaffGrant
from scheduler import staff_granting
from tests import consulting as scene
from tests.consulting import NOW
from tests.race.test_booking_races import Act, all_at_once, crowd
from tests.race.test_change_races import lock_waited_for
from tests.scheduler.test_staff_granting import APRIL, SOONER, Tiers, make_tiers

pytestmark = pytest.mark.asyncio

__all__ = ["crowd"]


async def free(of: Tiers) -> int:
    """The half-days of the month, whoever has them."""
    order = staff_granting.StaffOrder(of.place.item.item.id, APRIL, of.place.town.id, 1, SOONER)
    async with of.database.reading() as db:
        return await staff_granting.free_half_days(db, order, bureau_id=of.place.bureau.id, now=NOW)


async def granted(of: Tiers) -> int:
    """The half-days that some tier has for itself."""
    return sum(grant.kept for grant in await scene.all_of(of.database, StaffGrant))


@pytest.mark.parametrize("round_", range(3))
async def test_half_days_are_conserved_whoever_grants_hands_back_or_sweeps_at_once(
    crowd: Database,  # the fixture of the other races
    round_: int,
) -> None:
    of = await make_tiers(crowd)
    town, office = await of.grant(20, until=SOONER), await of.grant_office(10)
    just_before = SOONER - timedelta(seconds=1)

    async def sweep() -> None:
        async with of.database.writing(actor="job:half-days return", now=SOONER) as db:
            await staff_granting.return_due(db, SOONER)

    acts: list[Act] = [
        *(lambda: of.grant(30, to=of.place.far_town, now=just_before) for _ in range(6)),
        *(lambda: of.grant(30, until=SOONER, now=just_before) for _ in range(3)),
        *(lambda: of.grant_office(6, now=just_before) for _ in range(4)),
        *(lambda: of.hand_back(office, 4, by=of.office, now=just_before) for _ in range(4)),
        *(lambda: of.hand_back(town, 5, by=of.town, now=just_before) for _ in range(3)),
        *([sweep, sweep] if round_ else []),
    ]

    told = await all_at_once(acts[round_ * 6 :] + acts[: round_ * 6])

    assert set(told) <= {"done", "OUT_OF_RANGE", "WRONG_STATE"}
    assert await granted(of) <= await free(of)
    assert await of.violations() == []


async def both_grant(of: Tiers) -> str:
    """What the second of two is told who each grant more than half of the month, while the first is not done yet."""
    most = await free(of)
    order = staff_granting.StaffOrder(of.place.item.item.id, APRIL, of.place.far_town.id, most - 10, SOONER)
    async with of.database.writing(actor="test", now=NOW) as db:
        await staff_granting.grant_half_days(db, order, caller=of.bureau, now=NOW)
        other = asyncio.ensure_future(all_at_once([lambda: of.grant(most - 10)]))
        await asyncio.wait({other, asyncio.ensure_future(lock_waited_for(of.database))}, return_when="FIRST_COMPLETED")
    (code,) = await other
    return code


async def test_two_who_grant_at_once_do_not_grant_the_same_half_days(database: Database) -> None:
    of = await make_tiers(database)

    assert await both_grant(of) == "OUT_OF_RANGE"
    assert await granted(of) == await free(of) - 10


async def test_without_the_lock_both_grant_the_same_half_days(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await make_tiers(database)

    async def unlocked(*_: object) -> None:
        """Let everybody in."""

    monkeypatch.setattr(staff_granting, "lock_staff_shares", unlocked)

    assert await both_grant(of) == "done"
    assert await granted(of) > await free(of)


async def test_the_database_commits_no_half_days_that_do_not_add_up(database: Database) -> None:
    of = await make_tiers(database)
    await of.grant(6)
    await of.grant_office(2)

    async def corrupt() -> None:
        async with database.writing(actor="test", now=NOW) as db:
            corruption = "UPDATE staff_grant SET gone_back = 1 WHERE parent_id IS NOT NULL"
            await (await db.connection()).execute(text(corruption))

    with pytest.raises(IntegrityError, match="do not add up"):
        await corrupt()

    assert await of.violations() == []
