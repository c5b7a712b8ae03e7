"""Whoever does not renew is examined again: before the old certificate runs out, or after it, never both at once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam, ExamRule
from models.database import Database
from models.demand import Request, RequestPerson
from models.journal import OutboxMessage
from models.outcomes import Certificate, Renewal
from models.parties import Worker
from models.vocabulary import (
    Attendance,
    CertificateState,
    RenewalState,
    RequestOrigin,
    RequestState,
    Role,
    SessionState,
)
from scheduler.certificates import Decision, decide_certificates
from scheduler.demand import RequestOrder, submit_request
from scheduler.refusals import Code, Refused
from scheduler.renewals import Application, apply_for_renewal, decide_renewals, decline_renewal
from scheduler.renewals_due import LAPSES, PROPOSALS
from tests import factories as make
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

LAST_DAY = date(2026, 8, 29)  # 180 days after NOW's day
DUE = date(2026, 7, 29)
ON_THE_LAST_DAY = datetime(2026, 7, 29, 4, 0, tzinfo=UTC)
AFTER_DUE = datetime(2026, 7, 29, 16, 0, tzinfo=UTC)  # midnight in Shanghai
AFTER_THE_END = datetime(2026, 8, 29, 16, 0, tzinfo=UTC)


@dataclass
class Holder:
    """Somebody whose certificate falls due, with the renewal that was proposed."""

    at: Scene
    worker: Worker
    certificate: Certificate
    renewal: Renewal

    async def lapses(self, now: datetime = AFTER_DUE) -> None:
        """The sweeper passes by after the last day to apply."""
        async with self.at.database.writing(actor="job:lapses", now=now) as db:
            await LAPSES.step(db, now)

    async def applies(self, now: datetime = make.NOW) -> None:
        """The firm applies with both declarations."""
        asked = Application(self.renewal.id, had_no_responsible_accident=True, had_no_long_break=True)
        async with self.at.writing(now) as db:
            await apply_for_renewal(db, asked, caller=self.at.firm.caller, now=now)

    async def asks_for_an_exam(self, now: datetime) -> Request:
        """The firm asks for the worker's theory on its own account."""
        today = now.date()
        order = RequestOrder(
            item_id=self.at.district.item.item.id,
            people=1,
            worker_ids=(self.worker.id,),
            earliest_day=today + timedelta(days=12),
            latest_day=today + timedelta(days=80),
        )
        async with self.at.writing(now) as db:
            return await submit_request(db, order, caller=self.at.firm.caller, now=now)

    async def is_refused(self, now: datetime) -> list[Code]:
        """Why the firm may not ask for an exam."""
        with pytest.raises(Refused) as raised:
            await self.asks_for_an_exam(now)
        return [reason.code for reason in raised.value.reasons]

    async def proposals(self) -> list[Request]:
        """The exams proposed in place of the renewal, each for this worker alone."""
        mine = select(col(RequestPerson.request_id)).where(col(RequestPerson.worker_id) == self.worker.id)
        proposed = select(Request).where(
            col(Request.id).in_(mine), col(Request.origin) == RequestOrigin.NOT_RENEWED, col(Request.people) == 1
        )
        async with self.at.database.reading() as db:
            return list((await db.exec(proposed.order_by(col(Request.id)))).all())

    async def told(self) -> OutboxMessage:
        """The last message to the firm."""
        mine = select(OutboxMessage).where(col(OutboxMessage.recipient) == f"enterprise:{self.at.firm.enterprise.id}")
        async with self.at.database.reading() as db:
            return (await db.exec(mine.order_by(col(OutboxMessage.id).desc()).limit(1))).one()


async def holder(database: Database, **person: object) -> Holder:
    at = await scene(database)
    async with at.writing() as db:
        worker = await make.make_worker(db, enterprise=at.firm.enterprise, **person)
        certificate = await make.make_certificate(
            db, worker=worker, item=at.district.item, issued_on=date(2022, 8, 29), expires_on=LAST_DAY
        )
    async with at.writing() as db:
        await PROPOSALS.step(db, make.NOW)
        renewal = (await db.exec(select(Renewal).where(col(Renewal.certificate_id) == certificate.id))).one()
    return Holder(at, worker, certificate, renewal)


async def passes(db: AsyncSession, who: Holder, exam: Exam, rule: ExamRule, day: date) -> None:
    """The worker sits on a day, and passes."""
    district = who.at.district
    session = await make.make_session(
        db, site=district.site, exam_body=district.exam_body, exam=exam, state=SessionState.CLOSED, day=day
    )
    booking = await make.make_booking(db, session=session, worker=who.worker, attendance=Attendance.PRESENT)
    await make.make_result(db, booking=booking, exam=exam, rule=rule, mark=80, sat_on=day)


async def test_a_lapsed_renewal_proposes_the_exam_to_the_firm(database: Database) -> None:
    who = await holder(database)

    await who.lapses()
    await who.lapses()

    (request,) = await who.proposals()
    assert (request.state, request.exam_id) == (RequestState.PROPOSED, who.at.district.item.theory.id)
    # From the first day that can be published on, and for as long as a next subject is given.
    assert (request.earliest_day, request.latest_day) == (date(2026, 8, 9), date(2026, 11, 7))
    assert (await who.told()).subject == "Exam instead of a renewal"


async def test_a_refused_renewal_proposes_the_exam_in_time_before_the_end(database: Database) -> None:
    who = await holder(database)
    await who.applies()
    bureau = await who.at.caller(Role.BUREAU)

    async with who.at.writing() as db:
        await decide_renewals(db, [who.renewal.id], grant=False, caller=bureau, now=make.NOW)

    (request,) = await who.proposals()
    assert (request.earliest_day, request.latest_day) == (date(2026, 3, 12), LAST_DAY)


async def test_a_firm_that_declines_is_proposed_nothing_but_may_ask(database: Database) -> None:
    who = await holder(database)
    async with who.at.writing() as db:
        await decline_renewal(db, who.renewal.id, caller=who.at.firm.caller)

    assert await who.proposals() == []
    assert (await who.asks_for_an_exam(make.NOW)).state is RequestState.OPEN


@pytest.mark.parametrize("applied", [False, True])
async def test_while_the_renewal_may_still_come_nobody_is_examined(database: Database, *, applied: bool) -> None:
    who = await holder(database)
    if applied:
        await who.applies()

    assert await who.is_refused(ON_THE_LAST_DAY) == [Code.ALREADY_CERTIFIED]


async def test_an_application_blocks_the_exam_even_after_the_certificate_ran_out(database: Database) -> None:
    who = await holder(database)
    await who.applies()

    assert await who.is_refused(AFTER_THE_END) == [Code.ALREADY_CERTIFIED]


@pytest.mark.parametrize("now", [AFTER_DUE, AFTER_THE_END])
async def test_the_day_decides_also_when_no_worker_is_alive(database: Database, now: datetime) -> None:
    who = await holder(database)

    request = await who.asks_for_an_exam(now)
    await who.lapses(now)

    assert request.state is RequestState.OPEN
    assert await who.proposals() == []  # the firm has asked already


async def test_somebody_too_old_for_an_exam_is_told_so(database: Database) -> None:
    who = await holder(database, born=date(1964, 1, 1))

    await who.lapses()

    assert await who.proposals() == []
    told = await who.told()
    assert told.subject == "Not renewed"
    assert "the most on application is 60" in told.body


async def test_the_new_certificate_takes_the_place_of_the_one_that_was_not_renewed(database: Database) -> None:
    who = await holder(database)
    await who.lapses()
    item = who.at.district.item
    async with who.at.writing(AFTER_DUE) as db:
        await passes(db, who, item.theory, item.theory_rule, date(2026, 7, 10))
        await passes(db, who, item.practical, item.practical_rule, date(2026, 7, 20))
        earned = await make.make_certificate(db, worker=who.worker, item=item, state=CertificateState.PENDING)

    assert await who.is_refused(AFTER_DUE) == [Code.ALREADY_CERTIFIED, Code.ALREADY_PASSED]
    bureau = await who.at.caller(Role.BUREAU)
    async with who.at.writing(AFTER_DUE) as db:
        await decide_certificates(db, Decision((earned.id,), grant=True), caller=bureau, now=AFTER_DUE)

    old, new = await who.at.row(Certificate, who.certificate.id), await who.at.row(Certificate, earned.id)
    assert (old.state, old.expires_on) == (CertificateState.REPLACED, LAST_DAY)
    assert (new.state, new.issued_on, new.expires_on) == (
        CertificateState.VALID,
        date(2026, 7, 30),
        date(2030, 7, 30),
    )
    assert (await who.at.row(Renewal, who.renewal.id)).state is RenewalState.LAPSED
    found = await who.at.violations()
    assert [v for v in found if v.entity_id != old.id] == []  # nobody sat for the first one in this scene
