"""What a bureau is told of its work: counted from the rows, by tier, by town, by exam, by way."""

from datetime import timedelta

import pytest

from models.bookings import Promise
from models.database import Database
from models.demand import Request
from models.sessions import Session
from models.vocabulary import Tier
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.reports import Reach, Report, report_of
from tests import factories as make
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio


async def told(at: Scene) -> Report:
    async with at.database.reading() as db:
        return await report_of(db, at.district.bureau.id, round_id=None)


async def test_a_request_counts_at_the_highest_tier_it_needed_and_its_people_where_they_sit(
    database: Database,
) -> None:
    at = await scene(database, tier=Tier.OFFICE)
    pooled = await at.another_session(tier=Tier.TOWN)
    near = await at.promise(people=3)
    await at.promise(people=2)
    async with at.writing() as db:
        spread, far = await db.get_one(Request, near.request_id), await db.get_one(Session, pooled.id)
        await make.make_promise(db, session=far, request=spread, people=4)

    report = await told(at)

    assert report.requests_by_tier == [Reach("OFFICE", 1, 5), Reach("TOWN", 1, 4), Reach("BUREAU", 0, 0)]


async def test_of_a_released_promise_those_named_in_time_still_count(database: Database) -> None:
    at = await scene(database, tier=Tier.OFFICE)
    promise = await at.promise(people=3)
    async with at.writing() as db:
        session = await lock_session(db, at.session.id)
        named = await db.get_one(Promise, promise.id)
        await make.make_booking(db, session=session, worker=at.firm.workers[0], promise=named)
    lapsed = promise.held_until + timedelta(seconds=1)
    async with at.writing(now=lapsed) as db:
        assert await release_lapsed(db, await lock_session(db, at.session.id), now=lapsed) == 1

    report = await told(at)

    assert report.way.people == 1


async def test_a_bureau_without_sessions_is_told_of_none(database: Database) -> None:
    at = await scene(database)

    async with at.database.reading() as db:
        report = await report_of(db, at.district.bureau.id + 1, round_id=None)

    assert (report.by_tier, report.way.people, report.way.mean_km) == ([], 0, 0.0)
