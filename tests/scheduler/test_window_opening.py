"""Opening a ranked window: by the bureau for a session, or by policy for whatever a round publishes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.database import Database
from models.rounds import Round
from models.sessions import Session
from models.vocabulary import Role, RoundState, SessionState
from models.windows import RankedWindow
from scheduler import booking, publication, windows
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, codes, scene
from tests.scheduler.test_windows import UNTIL, open_window

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("until", [make.NOW, make.NOW - timedelta(days=1), datetime(2026, 4, 13, 0, 30, tzinfo=UTC)])
async def test_a_window_ends_after_now_and_before_the_roster_freezes(database: Database, until: datetime) -> None:
    at = await scene(database)
    bureau = await at.caller(Role.BUREAU)

    with pytest.raises(Refused) as no:
        async with at.writing() as db:
            await windows.open_window(db, at.session.id, until, caller=bureau, now=make.NOW)

    assert [(reason.code, reason.path) for reason in no.value.reasons] == [(Code.OUT_OF_RANGE, ("input", "applyUntil"))]


async def test_a_window_needs_an_open_place_and_there_is_one_at_a_time(database: Database) -> None:
    at = await scene(database, people=2, places=2, policy=ANY_SHARE)
    other, bureau = await at.another_session(places=2, day=date(2026, 4, 22)), await at.caller(Role.BUREAU)
    async with at.writing() as db:
        await booking.create_bookings(db, at.session.id, at.firm.ids(), caller=at.firm.caller, now=make.NOW)
    await open_window(at, other)
    found = []
    for session in (at.session, other):
        with pytest.raises(Refused) as no:
            async with at.writing() as db:
                await windows.open_window(db, session.id, UNTIL, caller=bureau, now=make.NOW)
        found += no.value.reasons

    assert codes(found) == ["FULL", "WRONG_STATE"]


@pytest.mark.parametrize("days", [0, 7])
async def test_by_policy_what_a_round_publishes_is_applied_for_so_many_days(database: Database, days: int) -> None:
    at = await scene(database, policy={"ranked_window_days": float(days)})
    async with at.writing() as db:
        planned = await make.make_round(db, bureau=at.district.bureau, state=RoundState.CONSULTING)
        site = await make.make_site(db, jurisdiction=at.district.office, exams=[at.district.item.theory])
        shape = {"exam": at.district.item.theory, "exam_body": at.district.exam_body, "round_": planned}
        agreed = await make.make_session(db, site=site, state=SessionState.AGREED, **shape)

    async with at.writing() as db:
        planned = (await db.exec(select(Round).where(col(Round.id) == planned.id))).one()
        await publication.publish(db, planned, await publication.lock_sessions(db, planned), now=make.NOW)

    published = await at.row(Session, agreed.id)
    assert published.state is SessionState.PUBLISHED
    assert published.ranked_until == (make.NOW + timedelta(days=days) if days else None)
    async with at.database.reading() as db:
        opened = (await db.exec(select(RankedWindow))).all()
    assert [row.session_id for row in opened] == ([agreed.id] if days else [])
    assert await at.violations() == []
