"""
Renewals (复审) on paper: applied for by the firm, decided by the bureau.

A renewed certificate counts from the last day of the one it renews, so that deciding early takes no day away and
deciding late gives none (TSG Z6001: valid for four years, renewed before it expires). Whoever does not renew in time is
examined again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.outcomes import Certificate, Renewal
from models.parties import Worker
from models.vocabulary import CertificateState, RenewalState, Role
from scheduler.booking_rules import refuse_for
from scheduler.calendar import SHANGHAI
from scheduler.calendar_days import work_calendar
from scheduler.callers import Caller, require
from scheduler.catalogue import exam_in_force, exams_of
from scheduler.certificates import issue, rules_of, tell_firms
from scheduler.decisions import lock_all, lock_decidable, refuse_wrong_number
from scheduler.eligibility import age_on
from scheduler.not_renewed import propose_exams
from scheduler.outbox import send
from scheduler.policy import policy_of
from scheduler.refusals import Code, Refusal, Refused, not_found
from scheduler.visibility import visible

RENEWAL_ID = ("input", "renewalId")
IDS = ("input", "renewalIds")
EXAMINED_AGAIN = "without it the certificate is not renewed and the person has to be examined again."


@dataclass(frozen=True, slots=True)
class Application:
    """A firm's application with what it declares of its worker."""

    renewal_id: int
    had_no_responsible_accident: bool
    had_no_long_break: bool


async def apply_for_renewal(db: AsyncSession, asked: Application, *, caller: Caller, now: datetime) -> Renewal:
    """
    Apply for a renewal, in time and with both declarations.

    Raises:
        Refused: NOT_FOUND, WRONG_STATE, TOO_LATE; DECLARATION_MISSING and TOO_OLD together.
    """
    renewal = await lock_own(db, asked.renewal_id, caller=caller)
    today = now.astimezone(SHANGHAI).date()
    if today > renewal.due_on:
        message = f"Renewal was to be applied for until {renewal.due_on}: the person has to be examined again."
        raise Refused(Refusal(Code.TOO_LATE, message, RENEWAL_ID))
    reasons = [*why_not_declared(asked), *await why_not_age(db, renewal, bureau_id=caller.tenant, now=now)]
    if reasons:
        raise Refused(*reasons)

    days = int((await policy_of(db, caller.tenant)).decision_working_days)
    renewal.applied_at = now
    renewal.decision_due_at = (await work_calendar(db, caller.tenant)).add_working_days(now, days)
    renewal.had_no_responsible_accident = renewal.had_no_long_break = True
    renewal.state = RenewalState.APPLIED
    await db.flush()
    return renewal


async def decline_renewal(db: AsyncSession, renewal_id: int, *, caller: Caller) -> Renewal:
    """Say that the firm does not renew; the certificate runs out on its day."""
    renewal = await lock_own(db, renewal_id, caller=caller)
    renewal.state = RenewalState.DECLINED
    await db.flush()
    return renewal


async def lock_own(db: AsyncSession, renewal_id: int, *, caller: Caller) -> Renewal:
    """
    A renewal proposed to the caller's firm, locked.

    Raises:
        Refused: NOT_FOUND; WRONG_STATE where it is answered already.
    """
    require(caller, Role.ENTERPRISE)
    found = await lock_all(db, visible(Renewal, caller), Renewal, [renewal_id])
    renewal: Renewal | None = found.get(renewal_id)
    if renewal is None:
        raise not_found("Renewal", *RENEWAL_ID)
    refuse_for(why_not_state(renewal, RenewalState.PROPOSED), *RENEWAL_ID)
    return renewal


def why_not_state(renewal: Renewal, wanted: RenewalState) -> Refusal | None:
    """Only a renewal in the wanted state goes on."""
    if renewal.state is wanted:
        return None
    is_now, needed = renewal.state.value.lower(), wanted.value.lower()
    return Refusal(Code.WRONG_STATE, f"The renewal is {is_now}: this goes only while it is {needed}.")


def why_not_declared(asked: Application) -> list[Refusal]:
    """Both declarations are conditions of a renewal on paper."""
    given = (
        (asked.had_no_responsible_accident, "no responsible accident", "hadNoResponsibleAccident"),
        (asked.had_no_long_break, "no break in the work of more than a year", "hadNoLongBreak"),
    )
    return [
        Refusal(Code.DECLARATION_MISSING, f"Declare that there was {what}; {EXAMINED_AGAIN}", ("input", name))
        for is_given, what, name in given
        if not is_given
    ]


async def why_not_age(db: AsyncSession, renewal: Renewal, *, bureau_id: int, now: datetime) -> list[Refusal]:
    """Age on application is within the rule in force on that day."""
    certificate = (await db.exec(select(Certificate).where(col(Certificate.id) == renewal.certificate_id))).one()
    worker = (await db.exec(select(Worker).where(col(Worker.id) == certificate.worker_id))).one()
    today = now.astimezone(SHANGHAI).date()
    exam = next(iter((await exams_of(db, certificate.item_id)).values()))
    most = (await exam_in_force(db, exam.id, bureau_id=bureau_id, on=today)).item_rule.renewal_most_age
    age = age_on(worker.born_on, today)
    if age <= most:
        return []
    message = f"The worker is {age}; the most on renewal is {most}: the certificate runs out on its day."
    return [Refusal(Code.TOO_OLD, message, RENEWAL_ID, worker.id)]


async def decide_renewals(
    db: AsyncSession, renewal_ids: Sequence[int], *, grant: bool, caller: Caller, now: datetime
) -> list[Renewal]:
    """
    Renew certificates from the day the old ones end, or refuse; all or none, and the firms are told.

    Raises:
        Refused: NOT_ALLOWED, BAD_INPUT; NOT_FOUND or WRONG_STATE for each renewal that cannot be decided.
    """
    require(caller, Role.BUREAU)
    refuse_wrong_number(renewal_ids, *IDS)
    renewals = await lock_decidable(db, visible(Renewal, caller), renewal_ids, why_not_applied, *IDS)

    if grant:
        await grant_all(db, renewals, now=now)
    else:
        await refuse_all(db, renewals, now=now)
    await db.flush()
    return renewals


def why_not_applied(renewal: Renewal) -> Refusal | None:
    """Only a renewal that was applied for is decided."""
    return why_not_state(renewal, RenewalState.APPLIED)


async def grant_all(db: AsyncSession, renewals: Sequence[Renewal], *, now: datetime) -> None:
    """Put a new certificate in the place of each old one."""
    keys = [renewal.certificate_id for renewal in renewals]
    old = await lock_all(db, select(Certificate), Certificate, keys)
    rules = await rules_of(db, old.values())
    for certificate in old.values():
        certificate.state = CertificateState.RENEWED
    await db.flush()
    new = {key: successor_of(certificate, now=now) for key, certificate in old.items()}
    db.add_all(new.values())
    await db.flush()
    for renewal in renewals:
        successor, before = new[renewal.certificate_id], old[renewal.certificate_id]
        issue(successor, rules[before.rule_id], on=last_day_of(before))
        renewal.state, renewal.successor_id = RenewalState.GRANTED, successor.id
    await db.flush()
    await tell_firms(db, list(new.values()), "", now=now)


def last_day_of(certificate: Certificate) -> date:
    """The last day of a certificate that was issued."""
    if certificate.expires_on is None:
        message = f"certificate {certificate.id} was never issued"
        raise ValueError(message)
    return certificate.expires_on


def successor_of(certificate: Certificate, *, now: datetime) -> Certificate:
    """The certificate that renews one, pending for the moment in which it is granted."""
    return Certificate(
        worker_id=certificate.worker_id,
        item_id=certificate.item_id,
        rule_id=certificate.rule_id,
        state=CertificateState.PENDING,
        decision_due_at=now,
        renews_id=certificate.id,
    )


async def refuse_all(db: AsyncSession, renewals: Sequence[Renewal], *, now: datetime) -> None:
    """Refuse each, tell its firm, and propose the exam that is due instead."""
    for renewal in renewals:
        renewal.state = RenewalState.REFUSED
        body = "A renewal was refused: the certificate runs out on its day, and the person has to be examined again."
        send(db, recipient=f"enterprise:{renewal.enterprise_id}", subject="Renewal refused", body=body, now=now)
    await db.flush()
    await propose_exams(db, renewals, now=now)
