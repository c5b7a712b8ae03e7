"""Certificates: decided by the issuing authority (发证机关), valid for the rule's years, expired after them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import TIMESTAMP, cast, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.catalogue import Item, ItemRule
from models.columns import Table
from models.outcomes import Certificate
from models.parties import Worker
from models.vocabulary import CertificateState, Role
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.refusals import Code, Refusal, Refused, not_found, refuse
from scheduler.visibility import visible

MOST_ROWS = 200
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
    found = await lock_all(db, visible(Certificate, caller), Certificate, decision.certificate_ids)
    refuse_wrong(found, decision.certificate_ids)

    rules = await rules_of(db, found.values())
    today = now.astimezone(SHANGHAI).date()
    for certificate in found.values():
        if decision.grant:
            issue(certificate, rules[certificate.rule_id], on=today)
        else:
            certificate.state = CertificateState.REFUSED
    await db.flush()
    for certificate in found.values():
        await note(db, "decided", "certificate", certificate.id, grant=decision.grant, remark=decision.remark)
    await tell_firms(db, list(found.values()), decision.remark, now=now)
    return [found[key] for key in decision.certificate_ids]


def issue(certificate: Certificate, rule: ItemRule, *, on: date) -> None:
    """Make a certificate valid from a day for the rule's years; 29 February becomes the 28th."""
    certificate.issued_on, certificate.expires_on = on, on + relativedelta(years=rule.valid_years)
    certificate.state = CertificateState.VALID


def refuse_wrong_number(row_ids: Sequence[int], *path: str) -> None:
    """
    One row at least, 200 at most, each once.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE.
    """
    if not row_ids:
        raise refuse(Code.BAD_INPUT, "Nothing is named: name one at least.", *path)
    if len(row_ids) > MOST_ROWS:
        raise refuse(Code.OUT_OF_RANGE, f"Decide {MOST_ROWS} at most at a time.", *path)
    if len(set(row_ids)) != len(row_ids):
        raise refuse(Code.BAD_INPUT, "One is named twice: name each once.", *path)


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


async def lock_all(
    db: AsyncSession, seen: SelectOfScalar[Any], table: type[Table], row_ids: Sequence[int]
) -> dict[int, Any]:
    """The rows with these keys that the caller sees, locked in id order."""
    key = col(table.id)  # type: ignore[attr-defined]  # every table has its surrogate key
    wanted = seen.where(key.in_(row_ids)).order_by(key).with_for_update(of=table, key_share=True)
    return {row.id: row for row in (await db.exec(wanted)).all()}


def refuse_wrong(found: dict[int, Certificate], certificate_ids: Sequence[int]) -> None:
    """
    Make sure that each is there and awaits its decision.

    Raises:
        Refused: The reason for each that is not.
    """
    wrong: list[Refusal] = []
    for at, key in enumerate(certificate_ids):
        path = (*IDS, str(at))
        certificate = found.get(key)
        if certificate is None:
            wrong += not_found("Certificate", *path).reasons
        elif certificate.state is not CertificateState.PENDING:
            state = certificate.state.value.lower()
            wrong.append(Refusal(Code.WRONG_STATE, f"It is {state} already: only a pending one is decided.", path))
    if wrong:
        raise Refused(*wrong)


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
