"""No place or result is lost in silence: names are asked for, final rosters are told, late results are noticed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from models.bookings import Promise
from models.database import Database
from models.journal import OutboxMessage
from models.sessions import Session
from models.vocabulary import SessionState
from scheduler import booking
from scheduler.final_rosters import FINAL
from scheduler.jobs import Job
from scheduler.reminders import NAMES_MISSING, NAMING, OVERDUE, RESULTS_LATE
from scheduler.rosters import FREEZES
from tests import factories as make
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

SOON = make.NOW + timedelta(days=5)
MORNING = SOON - timedelta(days=1)


async def run(at: Scene, job: Job, now: datetime) -> int:
    """One step of a job; how much it did."""
    async with at.database.writing(actor=f"job:{job.name}", now=now) as db:
        return await job.step(db, now)


async def due(at: Scene, job: Job) -> datetime | None:
    async with at.database.reading() as db:
        return (await db.exec(job.next_due())).one()


async def told(at: Scene, subject: str) -> Sequence[tuple[str, str]]:
    """Who was told under a subject, and what."""
    about = select(col(OutboxMessage.recipient), col(OutboxMessage.body)).where(col(OutboxMessage.subject) == subject)
    async with at.database.reading() as db:
        return [(who, what) for who, what in (await db.exec(about.order_by(col(OutboxMessage.id)))).all()]


async def test_a_firm_is_reminded_once_of_places_that_have_no_names(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=3, held_until=SOON, remind_at=MORNING)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)

    assert await due(at, NAMING) == MORNING
    early, done, again = [await run(at, NAMING, MORNING + timedelta(seconds=n)) for n in (-1, 0, 1)]

    assert (early, done, again) == (0, 1, 0)
    ((recipient, body),) = await told(at, NAMES_MISSING)
    assert recipient == f"enterprise:{at.firm.enterprise.id}"
    assert "2 without a name yet" in body
    assert (await at.row(Promise, promise.id)).remind_at is None
    assert await due(at, NAMING) is None


async def test_who_has_named_everybody_is_not_reminded(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=1, held_until=SOON, remind_at=MORNING)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0), caller=at.firm.caller, now=make.NOW)

    assert await run(at, NAMING, MORNING) == 0
    assert await told(at, NAMES_MISSING) == []


async def test_everybody_who_has_a_part_in_a_session_is_told_when_its_roster_is_final(database: Database) -> None:
    at = await scene(database)
    promise = await at.promise(people=2)
    async with at.writing() as db:
        await booking.confirm_bookings(db, promise.id, at.firm.ids(0, 1), caller=at.firm.caller, now=make.NOW)
    frozen = await at.row(Session, at.session.id)

    assert await run(at, FREEZES, frozen.roster_freezes_at) == 1

    said = dict(await told(at, FINAL))
    assert f"exam_body:{frozen.exam_body_id}" in said
    assert said[f"enterprise:{at.firm.enterprise.id}"].startswith("Of your people, 2 come to be examined on ")
    assert "08:30-11:30" in said[f"enterprise:{at.firm.enterprise.id}"]


async def test_overdue_results_are_told_once_to_the_exam_body_and_the_bureau(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        site = at.session.site_id
        held = (await db.exec(select(Session).where(col(Session.site_id) == site))).one()
        held.confirmed_at, held.state = make.NOW, SessionState.FROZEN
        await db.flush()
        held.state = SessionState.HELD

    assert await due(at, OVERDUE) == held.results_due_at
    early, done, again = [await run(at, OVERDUE, held.results_due_at + timedelta(seconds=n)) for n in (-1, 0, 1)]

    assert (early, done, again) == (0, 1, 0)
    assert [who for who, _ in await told(at, RESULTS_LATE)] == [
        f"exam_body:{held.exam_body_id}",
        f"jurisdiction:{held.bureau_id}",
    ]
    assert await due(at, OVERDUE) is None
