"""A session with a ranked window on its open places, and what becomes of who applies."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from sqlmodel import col, select

from models.bookings import Waiting
from models.database import Database
from models.journal import OutboxMessage
from models.outcomes import Renewal
from models.sessions import Session
from models.vocabulary import ApplicationState, Attendance, RenewalState, Role, SessionState
from models.windows import Application, RankedWindow
from scheduler import (
    applying,
    awarding,
    windows,
)
from scheduler.eligibility import retake_window
from scheduler.ranking import read, recount
from scheduler.recounting import rows_differ
from scheduler.refusals import Refusal, Refused
from tests import factories as make
from tests.scenes import ANY_SHARE, Firm, Scene, scene

UNTIL = make.NOW + timedelta(days=7)


async def open_window(at: Scene, session: Session | None = None, *, now: datetime = make.NOW) -> RankedWindow:
    bureau = await at.caller(Role.BUREAU)
    async with at.writing(now) as db:
        return await windows.open_window(db, (session or at.session).id, UNTIL, caller=bureau, now=now)


async def windowed(database: Database, *, places: int = 2, **given: Any) -> tuple[Scene, RankedWindow]:
    """A session with a window on its open places; a firm may have all of them unless told otherwise."""
    at = await scene(database, places=places, policy=ANY_SHARE | given.pop("policy", {}), **given)
    return at, await open_window(at)


async def apply(
    at: Scene,
    window: RankedWindow,
    firm: Firm,
    *places: int,
    now: datetime = make.NOW,
    together: bool = True,
) -> Sequence[Application]:
    bid = applying.Bid(window.id, tuple(firm.ids(*places)), together)
    async with at.database.writing(actor=firm.caller.actor, now=now) as db:
        return await applying.apply(db, bid, caller=firm.caller, now=now)


async def refused_apply(at: Scene, *given: Any, **also: Any) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as no:
        await apply(at, *given, **also)
    assert await at.entries() == before
    return list(no.value.reasons)


async def rank(at: Scene, *, now: datetime = UNTIL) -> int:
    async with at.database.writing(actor="job:windows are ranked", now=now) as db:
        return await awarding.rank_due(db, now)


async def states(at: Scene, *rows: Application) -> list[ApplicationState]:
    return [(await at.row(Application, row.id)).state for row in rows]


async def told(at: Scene, subject: str) -> list[str]:
    async with at.database.reading() as db:
        messages = select(col(OutboxMessage.body)).where(col(OutboxMessage.subject).contains(subject))
        return list((await db.exec(messages.order_by(col(OutboxMessage.id)))).all())


async def queue(at: Scene) -> list[Waiting]:
    async with at.database.reading() as db:
        return list((await db.exec(select(Waiting).order_by(col(Waiting.asked_at), col(Waiting.id)))).all())


async def check_result(at: Scene, window: RankedWindow, *, apart_from: frozenset[str] = frozenset()) -> None:
    """What was published comes to the same again, and is what the rows say."""
    document = read((await at.row(RankedWindow, window.id)).document)
    async with at.database.reading() as db:
        differing = await rows_differ(db, document)
    assert (recount(document), differing) == ([], [])
    assert {found.invariant for found in await at.violations()} <= apart_from


async def failed(at: Scene, firm: Firm, day: date) -> None:
    """The firm's first worker failed the theory on a day, and may sit it again for twelve months."""
    item = at.district.item
    async with at.writing() as db:
        site = await make.make_site(db, jurisdiction=at.district.office, exams=[item.theory])
        earlier = await make.make_session(
            db, site=site, exam=item.theory, exam_body=at.district.exam_body, day=day, state=SessionState.CLOSED
        )
        sat = await make.make_booking(db, session=earlier, worker=firm.workers[0], attendance=Attendance.PRESENT)
        opens, ends = retake_window(day, item.rule) or (None, None)
        window = {"retake_from": opens, "retake_until": ends}
        await make.make_result(db, booking=sat, exam=item.theory, rule=item.theory_rule, mark=40, sat_on=day, **window)


async def not_renewed(at: Scene, firm: Firm, *, expires_on: date) -> None:
    """The firm's first worker holds a certificate that the firm did not want renewed: the worker is examined again."""
    issued = {"issued_on": expires_on - relativedelta(years=4), "expires_on": expires_on}
    async with at.writing() as db:
        certificate = await make.make_certificate(db, worker=firm.workers[0], item=at.district.item, **issued)
        renewal = Renewal(
            certificate_id=certificate.id,
            enterprise_id=firm.enterprise.id,
            state=RenewalState.PROPOSED,
            due_on=expires_on - relativedelta(months=1),
            proposed_at=datetime(2026, 1, 5, tzinfo=UTC),
        )
        await make.written(db, renewal)
        await make.walked(db, renewal, [RenewalState.DECLINED])
