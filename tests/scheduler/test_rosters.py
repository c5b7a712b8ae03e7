"""What happens at a date by itself: promises lapse, rosters freeze."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import col, func, select

from models.bookings import Promise
from models.database import Database
from models.demand import Request
from models.journal import AuditEntry, OutboxMessage
from models.sessions import Claim, Session
from models.vocabulary import PromiseState, RequestState, SessionState
from scheduler import booking
from scheduler.jobs import Job
from scheduler.rosters import FREEZES, NOBODY_COMES, RELEASES
from tests import factories as make
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

SOON = make.NOW + timedelta(days=5)


async def run(at: Scene, job: Job, now: datetime) -> int:
    """Let the job's steps run until nothing is due."""
    done = 0
    while True:
        async with at.database.writing(actor=f"job:{job.name}", now=now) as db:
            handled = await job.step(db, now)
        if not handled:
            return done
        done += handled


async def told(at: Scene) -> Sequence[str]:
    """What the firm was told."""
    mine = select(col(OutboxMessage.body)).where(col(OutboxMessage.recipient) == f"enterprise:{at.firm.enterprise.id}")
    async with at.database.reading() as db:
        return (await db.exec(mine.order_by(col(OutboxMessage.id)))).all()


async def due(at: Scene, job: Job) -> datetime | None:
    async with at.database.reading() as db:
        return (await db.exec(job.next_due())).one()


async def test_a_promise_that_nobody_was_named_for_opens_its_places_and_its_request_again(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3, held_until=SOON)

    assert await due(at, RELEASES) == SOON
    early = await run(at, RELEASES, SOON - timedelta(seconds=1))
    done = await run(at, RELEASES, SOON)

    assert (early, done) == (0, 1)
    assert (await at.row(Promise, promise.id)).state is PromiseState.RELEASED
    request = await at.row(Request, promise.request_id)
    assert (request.state, request.round_id) == (RequestState.OPEN, None)
    assert await at.counts() == (0, 0)
    assert await due(at, RELEASES) is None
    assert await at.violations() == []


async def test_a_request_whose_window_is_over_lapses_with_its_promise(database: Database) -> None:
    at = await scene(database)
    over = {"earliest_day": date(2026, 3, 3), "latest_day": date(2026, 3, 7)}
    promise = await at.promise(people=3, held_until=SOON, request=over)

    await run(at, RELEASES, SOON)

    assert (await at.row(Request, promise.request_id)).state is RequestState.LAPSED


async def test_what_was_named_in_time_stays_booked_and_settles_the_request(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3, held_until=SOON)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)

    await run(at, RELEASES, SOON)

    kept = await at.row(Promise, promise.id)
    assert (kept.people, kept.named, kept.state) == (3, 1, PromiseState.RELEASED)
    assert (await at.row(Request, promise.request_id)).state is RequestState.SETTLED
    assert (await at.counts(), await at.booked()) == ((0, 1), at.firm.ids(0))
    assert await at.violations() == []
    (body,) = await told(at)
    assert "on 2026-04-15 (am), 2 were not named in time and are open to everyone now" in body
    assert body.endswith("Ask anew for whoever still needs a place.")


async def test_a_request_with_another_promise_under_way_waits_for_it(database: Database) -> None:
    at = await scene(database)
    first = await at.promise(people=1, held_until=SOON, request={"people": 2})
    other = await at.another_session(day=date(2026, 4, 16))
    async with at.writing() as db:
        request, session = await db.get_one(Request, first.request_id), await db.merge(other)
        await make.make_promise(db, session=session, request=request, people=1)

    await run(at, RELEASES, SOON)

    assert (await at.row(Request, first.request_id)).state is RequestState.PROMISED


async def test_a_roster_freezes_at_its_moment_and_nameless_places_are_released_first(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)
    moment = at.session.roster_freezes_at

    assert await due(at, FREEZES) == moment
    early = await run(at, FREEZES, moment - timedelta(seconds=1))
    done = await run(at, FREEZES, moment)

    assert (early, done) == (0, 1)
    assert (await at.row(Session, at.session.id)).state is SessionState.FROZEN
    assert (await at.row(Promise, promise.id)).state is PromiseState.RELEASED
    assert (await at.counts(), await at.booked()) == ((0, 1), at.firm.ids(0))
    assert await due(at, FREEZES) is None
    assert await at.violations() == []


async def test_a_roster_that_freezes_empty_is_called_off_and_sets_room_and_staff_free(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    moment = at.session.roster_freezes_at

    done = await run(at, FREEZES, moment)

    async with at.database.reading() as db:
        claims = (await db.exec(select(func.count(col(Claim.id))))).one()
        told = (await db.exec(select(col(OutboxMessage.recipient), col(OutboxMessage.body)))).all()
        trail = select(col(AuditEntry.actor), col(AuditEntry.detail)).where(col(AuditEntry.act) == "cancelled")
        entries = (await db.exec(trail)).all()
    assert (done, claims) == (1, 0)
    assert (await at.row(Session, at.session.id)).state is SessionState.CANCELLED
    assert (await at.row(Promise, promise.id)).state is PromiseState.RELEASED
    assert (await at.row(Request, promise.request_id)).state is RequestState.OPEN
    assert "2 were not named before the roster was final" in told[0][1]
    assert [recipient for recipient, _ in told] == [
        f"enterprise:{at.firm.enterprise.id}",
        f"examiner:{at.examiner.id}",
        f"exam_body:{at.district.exam_body.id}",
    ]
    assert all(NOBODY_COMES in body for _, body in told[1:])
    assert entries == [("job:rosters freeze", {"reason": NOBODY_COMES})]
    assert await due(at, FREEZES) is None
    assert await at.violations() == []
