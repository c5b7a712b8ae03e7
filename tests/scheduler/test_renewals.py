"""Renewals: proposed ahead, applied for in time with both declarations, decided by the bureau."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from models.catalogue import Setting
from models.database import Database
from models.journal import OutboxMessage
from models.outcomes import Certificate, Renewal
from models.vocabulary import CertificateState, RenewalState, Role
from scheduler.callers import Caller
from scheduler.certificates import EXPIRIES
from scheduler.jobs import Job
from scheduler.refusals import Code, Refusal, Refused
from scheduler.renewals import Application, apply_for_renewal, decide_renewals, decline_renewal
from scheduler.renewals_due import LAPSES, PROPOSALS
from tests import factories as make
from tests.scenes import Scene, codes, scene

pytestmark = pytest.mark.asyncio

LAST_DAY = date(2026, 8, 29)  # 180 days after NOW's day
DUE = date(2026, 7, 29)
AFTER_DUE = datetime(2026, 7, 29, 16, 0, tzinfo=UTC)  # midnight in Shanghai
AFTER_THE_END = datetime(2026, 8, 29, 16, 0, tzinfo=UTC)


async def holder(at: Scene, *, expires_on: date = LAST_DAY, place: int = 0) -> Certificate:
    issued_on = expires_on.replace(year=expires_on.year - 4)
    async with at.writing() as db:
        return await make.make_certificate(
            db, worker=at.firm.workers[place], item=at.district.item, issued_on=issued_on, expires_on=expires_on
        )


async def step(at: Scene, job: Job, now: datetime = make.NOW) -> int:
    async with at.database.writing(actor=f"job:{job.name}", now=now) as db:
        return await job.step(db, now)


async def due(at: Scene, job: Job) -> datetime | None:
    async with at.database.reading() as db:
        return (await db.exec(job.next_due())).one()


async def proposed(at: Scene) -> Renewal:
    """The renewal of a certificate that falls due now."""
    made = await holder(at)
    await step(at, PROPOSALS)
    async with at.database.reading() as db:
        return (await db.exec(select(Renewal).where(col(Renewal.certificate_id) == made.id))).one()


async def apply(
    at: Scene,
    key: int,
    *,
    accident: bool = True,
    break_: bool = True,
    caller: Caller | None = None,
    now: datetime = make.NOW,
) -> Renewal:
    """`accident` and `break_` say whether the firm declares that there was none."""
    async with at.writing(now) as db:
        asked = Application(key, had_no_responsible_accident=accident, had_no_long_break=break_)
        return await apply_for_renewal(db, asked, caller=caller or at.firm.caller, now=now)


async def decide(
    at: Scene, keys: list[int], *, grant: bool = True, caller: Caller | None = None, now: datetime = make.NOW
) -> list[Renewal]:
    caller = caller or await at.caller(Role.BUREAU)
    async with at.writing(now) as db:
        return await decide_renewals(db, keys, grant=grant, caller=caller, now=now)


async def refused_application(at: Scene, key: int, **given: object) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await apply(at, key, **given)  # type: ignore[arg-type]
    assert await at.entries() == before
    return list(raised.value.reasons)


async def refused_decision(at: Scene, keys: list[int], **given: object) -> list[Refusal]:
    before = await at.entries()
    with pytest.raises(Refused) as raised:
        await decide(at, keys, **given)  # type: ignore[arg-type]
    assert await at.entries() == before
    return list(raised.value.reasons)


async def test_a_renewal_is_proposed_half_a_year_ahead_and_due_a_month_before_the_end(database: Database) -> None:
    at = await scene(database)
    made = await holder(at)
    await holder(at, expires_on=LAST_DAY + timedelta(days=1), place=1)

    first_due = await due(at, PROPOSALS)
    done = [await step(at, PROPOSALS), await step(at, PROPOSALS)]

    async with database.reading() as db:
        row = (await db.exec(select(Renewal))).one()
        message = (await db.exec(select(OutboxMessage))).one()
    assert first_due == datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
    assert done == [1, 0]
    assert (row.certificate_id, row.enterprise_id) == (made.id, at.firm.enterprise.id)
    assert (row.state, row.due_on, row.proposed_at) == (RenewalState.PROPOSED, DUE, make.NOW)
    assert message.recipient == f"enterprise:{at.firm.enterprise.id}"
    assert f"expires on {LAST_DAY}: apply for its renewal until {DUE}" in message.body
    assert await due(at, PROPOSALS) == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


async def test_each_bureau_says_how_far_ahead(database: Database) -> None:
    at = await scene(database)
    await holder(at)
    async with at.writing() as db:
        db.add(Setting(bureau_id=at.district.bureau.id, name="renewal_ahead_days", value=90, source="test"))

    assert await step(at, PROPOSALS) == 0
    assert await due(at, PROPOSALS) == datetime(2026, 5, 30, 16, 0, tzinfo=UTC)


async def test_a_renewal_that_nobody_applied_for_lapses_after_its_last_day(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)

    assert await due(at, LAPSES) == AFTER_DUE
    done = [await step(at, LAPSES, AFTER_DUE - timedelta(seconds=1)), await step(at, LAPSES, AFTER_DUE)]

    assert done == [0, 1]
    assert (await at.row(Renewal, row.id)).state is RenewalState.LAPSED
    assert await due(at, LAPSES) is None


async def test_a_firm_applies_in_time_with_both_declarations(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    last_moment = AFTER_DUE - timedelta(seconds=1)

    await apply(at, row.id, now=last_moment)

    stored = await at.row(Renewal, row.id)
    assert (stored.state, stored.applied_at) == (RenewalState.APPLIED, last_moment)
    assert (stored.had_no_responsible_accident, stored.had_no_long_break) == (True, True)
    # 25 working days after 29 July 2026.
    assert stored.decision_due_at == datetime(2026, 9, 2, 16, 0, tzinfo=UTC)


async def test_an_application_a_day_late_means_to_be_examined_again(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)

    reasons = await refused_application(at, row.id, now=AFTER_DUE)

    assert reasons == [
        Refusal(
            Code.TOO_LATE,
            f"Renewal was to be applied for until {DUE}: the person has to be examined again.",
            ("input", "renewalId"),
        )
    ]


async def test_each_missing_declaration_is_named_with_its_consequence(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)

    reasons = await refused_application(at, row.id, accident=False, break_=False)

    assert [(reason.code, reason.path[-1]) for reason in reasons] == [
        (Code.DECLARATION_MISSING, "hadNoResponsibleAccident"),
        (Code.DECLARATION_MISSING, "hadNoLongBreak"),
    ]
    assert all("has to be examined again" in reason.message for reason in reasons)


async def test_somebody_above_the_age_of_renewal_is_not_renewed(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        worker = await make.make_worker(db, enterprise=at.firm.enterprise, born=date(1960, 3, 2))
    at.firm.workers.insert(0, worker)
    row = await proposed(at)

    reasons = await refused_application(at, row.id)

    assert [(reason.code, reason.worker_id) for reason in reasons] == [(Code.TOO_OLD, worker.id)]


async def test_sixty_five_is_not_too_old(database: Database) -> None:
    at = await scene(database)
    async with at.writing() as db:
        worker = await make.make_worker(db, enterprise=at.firm.enterprise, born=date(1960, 3, 3))
    at.firm.workers.insert(0, worker)

    assert (await apply(at, (await proposed(at)).id)).state is RenewalState.APPLIED


async def test_another_firms_renewal_and_none_at_all_give_the_same_answer(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    other = await at.another_firm()

    foreign = await refused_application(at, row.id, caller=other.caller)

    assert foreign == await refused_application(at, 10**15)
    assert codes(foreign) == [Code.NOT_FOUND]


async def test_a_renewal_is_answered_once(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    async with at.writing() as db:
        await decline_renewal(db, row.id, caller=at.firm.caller)

    assert (await at.row(Renewal, row.id)).state is RenewalState.DECLINED
    assert codes(await refused_application(at, row.id)) == [Code.WRONG_STATE]


async def test_only_firms_apply_and_only_the_bureau_decides(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    bureau, office = await at.caller(Role.BUREAU), await at.caller(Role.OFFICE)

    assert codes(await refused_application(at, row.id, caller=bureau)) == [Code.NOT_ALLOWED]
    for caller in (at.firm.caller, office):
        assert codes(await refused_decision(at, [row.id], caller=caller)) == [Code.NOT_ALLOWED]


async def test_a_granted_renewal_counts_from_the_end_of_the_one_before(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    await apply(at, row.id)

    (granted,) = await decide(at, [row.id])

    assert granted.state is RenewalState.GRANTED
    assert granted.successor_id is not None
    old, new = await at.row(Certificate, row.certificate_id), await at.row(Certificate, granted.successor_id)
    assert old.state is CertificateState.RENEWED
    assert (new.state, new.renews_id, new.worker_id) == (CertificateState.VALID, old.id, old.worker_id)
    assert (new.issued_on, new.expires_on) == (LAST_DAY, date(2030, 8, 29))
    assert [v for v in await at.violations() if v.invariant != "certificates-earned"] == []


async def test_a_certificate_that_ended_while_its_renewal_was_decided_is_renewed_all_the_same(
    database: Database,
) -> None:
    at = await scene(database)
    row = await proposed(at)
    await apply(at, row.id)
    await step(at, EXPIRIES, AFTER_THE_END)

    (granted,) = await decide(at, [row.id], now=AFTER_THE_END)

    assert (await at.row(Certificate, row.certificate_id)).state is CertificateState.RENEWED
    assert (await at.row(Certificate, granted.successor_id or 0)).expires_on == date(2030, 8, 29)
    assert [v for v in await at.violations() if v.invariant != "certificates-earned"] == []


async def test_a_refused_renewal_leaves_the_certificate_to_run_out(database: Database) -> None:
    at = await scene(database)
    row = await proposed(at)
    await apply(at, row.id)

    (answered,) = await decide(at, [row.id], grant=False)

    assert (answered.state, answered.successor_id) == (RenewalState.REFUSED, None)
    assert (await at.row(Certificate, row.certificate_id)).state is CertificateState.VALID
    async with database.reading() as db:
        subjects = (await db.exec(select(col(OutboxMessage.subject)).order_by(col(OutboxMessage.id)))).all()
    assert subjects == ["Renewal due", "Renewal refused", "Exam instead of a renewal"]


async def test_each_renewal_that_cannot_be_decided_is_named_and_none_is(database: Database) -> None:
    at = await scene(database)
    applied = await proposed(at)
    await apply(at, applied.id)
    await holder(at, place=1)
    await step(at, PROPOSALS)

    reasons = await refused_decision(at, [applied.id, applied.id + 1, 10**15])

    assert [(reason.code, reason.path[-1]) for reason in reasons] == [(Code.WRONG_STATE, "1"), (Code.NOT_FOUND, "2")]
    assert (await at.row(Renewal, applied.id)).state is RenewalState.APPLIED
