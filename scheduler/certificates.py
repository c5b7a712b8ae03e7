"""Certificates: decided by the issuing authority (发证机关), valid for the rule's years, expired after them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import TIMESTAMP, cast, func
from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.catalogue import Item, ItemRule
from models.outcomes import Certificate
from models.parties import Worker
from models.vocabulary import CertificateState, Role
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.decisions import lock_decidable, refuse_wrong_number
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.refusals import Code, Refusal, refuse
from scheduler.visibility import visible

LONGEST_REMARK = 500
BATCH = 100
IDS = ("input", "certificateIds")


@dataclass(frozen=True, slots=True)
class Decision:
    """What the issuing authority decides, for all of these alike; a refusal says why."""

    certificate_ids: tuple[int, ...]
    grant: bool
    remark: str = ""


async def decide_certificates(
    db: AsyncSession, decision: Decision, *, caller: Caller, now: datetime
) -> list[Certificate]:
    """
    Issue certificates from today on, or refuse them with a remark; all or none, and the firms are told.

    Raises:
        Refused: NOT_ALLOWED, BAD_INPUT; NOT_FOUND or WRONG_STATE for each certificate that cannot be decided.
    """
    require(caller, Role.BUREAU)
    refuse_wrong_number(decision.certificate_ids, *IDS)
    refuse_wrong_remark(decision)
    seen = visible(Certificate, caller)
    certificates = await lock_decidable(db, seen, decision.certificate_ids, why_not_pending, *IDS)

    rules = await rules_of(db, certificates)
    today = now.astimezone(SHANGHAI).date()
    if decision.grant:
        await replace_earlier(db, certificates, today=today)
    for certificate in certificates:
        if decision.grant:
            issue(certificate, rules[certificate.rule_id], on=today)
        else:
            certificate.state = CertificateState.REFUSED
    await db.flush()
    for certificate in certificates:
        await note(db, "decided", "certificate", certificate.id, grant=decision.grant, remark=decision.remark)
    await tell_firms(db, certificates, decision.remark, now=now)
    return certificates


async def replace_earlier(db: AsyncSession, certificates: Sequence[Certificate], *, today: date) -> None:
    """Let a certificate that was not renewed in time give way to the one earned by a new exam."""
    earned = {(certificate.worker_id, certificate.item_id) for certificate in certificates}
    standing = (
        select(Certificate)
        .where(
            tuple_(col(Certificate.worker_id), col(Certificate.item_id)).in_(earned),
            col(Certificate.state) == CertificateState.VALID,
        )
        .order_by(col(Certificate.id))
        .with_for_update(key_share=True)
    )
    for earlier in (await db.exec(standing)).all():
        is_over = earlier.expires_on is not None and earlier.expires_on < today
        earlier.state = CertificateState.EXPIRED if is_over else CertificateState.REPLACED
    await db.flush()


def why_not_pending(certificate: Certificate) -> Refusal | None:
    """Only a certificate that awaits its decision is decided."""
    if certificate.state is CertificateState.PENDING:
        return None
    state = certificate.state.value.lower()
    return Refusal(Code.WRONG_STATE, f"It is {state} already: only a pending one is decided.")


def issue(certificate: Certificate, rule: ItemRule, *, on: date) -> None:
    """Make a certificate valid from a day for the rule's years; 29 February becomes the 28th."""
    certificate.issued_on, certificate.expires_on = on, on + relativedelta(years=rule.valid_years)
    certificate.state = CertificateState.VALID


def refuse_wrong_remark(decision: Decision) -> None:
    """
    A refusal has its reason, and no remark is a novel.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE.
    """
    if not decision.grant and not decision.remark.strip():
        raise refuse(Code.BAD_INPUT, "A refusal needs its reason: say it in the remark.", "input", "remark")
    if len(decision.remark) > LONGEST_REMARK:
        raise refuse(Code.OUT_OF_RANGE, f"A remark has {LONGEST_REMARK} characters at most.", "input", "remark")


async def rules_of(db: AsyncSession, certificates: Any) -> dict[int, ItemRule]:  # any iterable of certificates
    """The rules under which certificates were earned, by key."""
    wanted = select(ItemRule).where(col(ItemRule.id).in_({certificate.rule_id for certificate in certificates}))
    return {rule.id: rule for rule in (await db.exec(wanted)).all()}


async def tell_firms(db: AsyncSession, certificates: Sequence[Certificate], remark: str, *, now: datetime) -> None:
    """One message for each firm, naming its own people."""
    holders = (
        select(Certificate, Worker, col(Item.code))
        .join(Worker, col(Worker.id) == col(Certificate.worker_id))
        .join(Item, col(Item.id) == col(Certificate.item_id))
        .where(col(Certificate.id).in_([certificate.id for certificate in certificates]))
        .order_by(col(Certificate.id))
    )
    lines: dict[int, list[str]] = defaultdict(list)
    for certificate, worker, code in (await db.exec(holders)).all():
        until = f"valid until {certificate.expires_on}" if certificate.expires_on else f"refused: {remark}"
        lines[worker.enterprise_id].append(f"{worker.name} ({code}): {until}")
    for enterprise_id, said in sorted(lines.items()):
        send(db, recipient=f"enterprise:{enterprise_id}", subject="Certificates", body="; ".join(said), now=now)


async def expire_due(db: AsyncSession, now: datetime) -> int:
    """Let certificates expire whose last day is over."""
    today = now.astimezone(SHANGHAI).date()
    over = select(Certificate).where(
        col(Certificate.state) == CertificateState.VALID, col(Certificate.expires_on) < today
    )
    locked = over.order_by(col(Certificate.id)).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    certificates = (await db.exec(locked)).all()
    for certificate in certificates:
        certificate.state = CertificateState.EXPIRED
    await db.flush()
    return len(certificates)


def next_expiry() -> SelectOfScalar[Any]:
    """The midnight in Shanghai after the earliest last day of a valid certificate."""
    day_after = func.min(col(Certificate.expires_on)) + 1
    return select(func.timezone("Asia/Shanghai", cast(day_after, TIMESTAMP))).where(
        col(Certificate.state) == CertificateState.VALID
    )


EXPIRIES = Job("certificates expire", expire_due, next_expiry)
