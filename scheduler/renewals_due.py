"""Which certificates fall due: renewals proposed ahead of expiry, and lapsed when nobody applied in time."""

from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import TIMESTAMP, ColumnElement, Integer, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.catalogue import ItemRule, Setting
from models.outcomes import Certificate, Renewal
from models.parties import Enterprise, Worker
from models.places import Jurisdiction
from models.vocabulary import CertificateState, Courtesy, RenewalState
from scheduler.calendar import SHANGHAI
from scheduler.jobs import Job
from scheduler.not_renewed import propose_exams
from scheduler.outbox import send
from scheduler.policy import Policy

BATCH = 100
Office = aliased(Jurisdiction)
Above = aliased(Jurisdiction)
Top = aliased(Jurisdiction)


def proposed_from() -> ColumnElement[Any]:
    """The day from which on a certificate's renewal is proposed, as a column: its bureau's own number of days ahead."""
    ahead = (
        select(col(Setting.value))
        .select_from(Worker)
        .join(Enterprise, col(Enterprise.id) == col(Worker.enterprise_id))
        .join(Office, col(Office.id) == col(Enterprise.office_id))
        # Three tiers: the bureau is the office's own parent, or its town's.
        .join(Above, col(Above.id) == col(Office.parent_id), isouter=True)
        .join(Top, col(Top.id) == col(Above.parent_id), isouter=True)
        .join(Setting, col(Setting.bureau_id) == func.coalesce(col(Top.id), col(Above.id), col(Office.id)))
        .where(col(Worker.id) == col(Certificate.worker_id), col(Setting.name) == "renewal_ahead_days")
        .correlate(Certificate)
        .scalar_subquery()
    )
    return col(Certificate.expires_on) - cast(func.coalesce(ahead, Policy().renewal_ahead_days), Integer)


def unproposed() -> ColumnElement[bool]:
    """Valid certificates that no renewal was proposed for."""
    proposed = select(col(Renewal.id)).where(col(Renewal.certificate_id) == col(Certificate.id)).exists()
    return (col(Certificate.state) == CertificateState.VALID) & ~proposed


async def propose_due(db: AsyncSession, now: datetime) -> int:
    """Propose to the firms to renew what expires in the bureau's number of days ahead."""
    today = now.astimezone(SHANGHAI).date()
    due = (
        select(Certificate, Worker, col(ItemRule.renewal_lead_months))
        .join(Worker, col(Worker.id) == col(Certificate.worker_id))
        .join(ItemRule, col(ItemRule.id) == col(Certificate.rule_id))
        .where(unproposed(), proposed_from() <= today)
        .order_by(col(Certificate.id))
        .limit(BATCH)
        .with_for_update(of=Certificate, skip_locked=True, key_share=True)
    )
    rows = (await db.exec(due)).all()
    for certificate, worker, months in rows:
        propose(db, certificate, worker, months=months, now=now)
    await db.flush()
    return len(rows)


def propose(db: AsyncSession, certificate: Certificate, worker: Worker, *, months: int, now: datetime) -> None:
    """Propose one renewal and tell the firm until when to apply."""
    if certificate.expires_on is None:
        message = f"certificate {certificate.id} is valid and has no last day"
        raise RuntimeError(message)
    due_on = certificate.expires_on - relativedelta(months=months)
    db.add(
        Renewal(
            certificate_id=certificate.id,
            enterprise_id=worker.enterprise_id,
            state=RenewalState.PROPOSED,
            due_on=due_on,
            proposed_at=now,
        )
    )
    body = (
        f"The certificate of {worker.name} expires on {certificate.expires_on}: apply for its renewal until {due_on},"
        " or the person has to be examined again."
    )
    courtesy = Courtesy.RENEWAL_REMINDER
    recipient = f"enterprise:{worker.enterprise_id}"
    send(db, recipient=recipient, subject="Renewal due", body=body, now=now, courtesy=courtesy)


def next_proposal() -> SelectOfScalar[Any]:
    """The midnight in Shanghai at which the next renewal is to be proposed."""
    first = func.min(proposed_from())
    return select(func.timezone("Asia/Shanghai", cast(first, TIMESTAMP))).select_from(Certificate).where(unproposed())


async def lapse_due(db: AsyncSession, now: datetime) -> int:
    """Let renewals lapse that nobody applied for in time; the exam that is due instead is proposed."""
    today = now.astimezone(SHANGHAI).date()
    over = select(Renewal).where(col(Renewal.state) == RenewalState.PROPOSED, col(Renewal.due_on) < today)
    locked = over.order_by(col(Renewal.id)).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    renewals = (await db.exec(locked)).all()
    for renewal in renewals:
        renewal.state = RenewalState.LAPSED
    await db.flush()
    await propose_exams(db, renewals, now=now)
    return len(renewals)


def next_lapse() -> SelectOfScalar[Any]:
    """The midnight in Shanghai after the earliest last day of a proposed renewal."""
    day_after = func.min(col(Renewal.due_on)) + 1
    return select(func.timezone("Asia/Shanghai", cast(day_after, TIMESTAMP))).where(
        col(Renewal.state) == RenewalState.PROPOSED
    )


PROPOSALS = Job("renewals are proposed", propose_due, next_proposal)
LAPSES = Job("renewals lapse", lapse_due, next_lapse)
