"""Whoever did not renew in time, or was refused, is examined again: the exam is proposed to the firm by itself."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.outcomes import Certificate, Renewal
from models.parties import Enterprise, Worker
from models.vocabulary import RequestOrigin, RequestState, Subject
from scheduler.calendar import SHANGHAI
from scheduler.candidates import standings_of
from scheduler.catalogue import exam_in_force, exams_of
from scheduler.eligibility import REQUEST_RULES, Occasion, why_not
from scheduler.outbox import send
from scheduler.policy import policy_of
from scheduler.tiers import bureau_of
from scheduler.wishes import Wish, ask, first_day, waiting_among


async def propose_exams(db: AsyncSession, renewals: Sequence[Renewal], *, now: datetime) -> None:
    """For each of these renewals that came to nothing, the item's first exam to the firm, or why there is none."""
    for renewal in sorted(renewals, key=lambda each: each.id):
        certificate = (await db.exec(select(Certificate).where(col(Certificate.id) == renewal.certificate_id))).one()
        enterprise = (await db.exec(select(Enterprise).where(col(Enterprise.id) == renewal.enterprise_id))).one()
        worker = (
            await db.exec(select(Worker).where(col(Worker.id) == certificate.worker_id).with_for_update(key_share=True))
        ).one()
        await propose_exam(db, certificate, worker, enterprise, now=now)


async def propose_exam(
    db: AsyncSession, certificate: Certificate, worker: Worker, enterprise: Enterprise, *, now: datetime
) -> None:
    """The item's first exam, in time before the certificate runs out where that can be, unless a rule forbids it."""
    today = now.astimezone(SHANGHAI).date()
    bureau_id = await bureau_of(db, enterprise.office_id)
    exams = await exams_of(db, certificate.item_id)
    first = exams.get(Subject.THEORY) or next(iter(exams.values()))
    exam = await exam_in_force(db, first.id, bureau_id=bureau_id, on=today)
    policy = await policy_of(db, bureau_id)
    earliest = first_day(policy, now=now)
    standing = (await standings_of(db, [worker], first, gated=True, today=today))[worker.id]
    occasion = Occasion(enterprise_id=enterprise.id, rule=exam.item_rule, on=earliest, asked_on=today)
    if await waiting_among(db, [worker.id], first.id):
        return
    if reasons := why_not(standing, occasion, REQUEST_RULES):
        body = f"The certificate of {worker.name} is not renewed, and no exam is proposed. {reasons[0].message}"
        send(db, recipient=f"enterprise:{enterprise.id}", subject="Not renewed", body=body, now=now)
        return
    latest = max(earliest + timedelta(days=policy.next_subject_days), certificate.expires_on or date.min)
    wish = Wish(first.id, RequestOrigin.NOT_RENEWED, RequestState.PROPOSED, earliest, latest)
    await ask(db, enterprise, [worker.id], wish, now=now)
