"""Registering firms at their office, and workers at their firm: identifiers are checked at the door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.identifiers import (
    DocumentKind,
    IdentifierError,
    IdentityDocument,
    born_on,
    credit_code,
    identity_document,
    phone,
)
from models.mailboxes import email_address
from models.parties import Contact, Enterprise, Worker
from models.places import Jurisdiction
from models.sealing import Sealer
from models.vocabulary import Education, Role, Tier
from scheduler.calendar import SHANGHAI
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.eligibility import age_on
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.typed import refuse_any, why_not_between, why_not_point, why_not_text

T = TypeVar("T")
EARLIEST_BIRTH = date(1900, 1, 1)
MOST_YEARS_OF_WORK = 70
YOUNGEST_AT_WORK = 14


@dataclass(frozen=True, slots=True)
class EnterpriseOrder:
    """A firm as it was typed; office and point default to the registering office's own."""

    credit_code: str
    name: str
    contact_name: str
    contact_phone: str
    contact_email: str | None = field(default=None, repr=False)
    office_id: int | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """A worker as typed; the day of birth is needed where the document's number does not carry it."""

    name: str
    document_kind: DocumentKind
    document_number: str = field(repr=False)
    education: Education
    years_of_work: int = 0
    born_on: date | None = None


async def register_enterprise(db: AsyncSession, order: EnterpriseOrder, *, caller: Caller) -> Enterprise:
    """
    Register a firm at the office that looks after it: an office at itself, town and bureau within their territory.

    Raises:
        Refused: The office is not the caller's, an identifier or a field is wrong, or the credit code is known.
    """
    require(caller, *OFFICIALS)
    office = await office_of(db, order, caller=caller)
    refuse_any(
        why_not_text(order.name, "input", "name"),
        why_not_text(order.contact_name, "input", "contactName"),
        why_not_point(order.latitude, order.longitude),
    )
    code = checked(credit_code, order.credit_code, "creditCode")
    number = checked(phone, order.contact_phone, "contactPhone")
    email = checked(email_address, order.contact_email, "contactEmail") if order.contact_email else None
    if (await db.exec(select(col(Enterprise.id)).where(col(Enterprise.credit_code) == code))).first() is not None:
        message = "An enterprise with this credit code is already registered: look it up, or correct the code."
        raise refuse(Code.ALREADY_KNOWN, message, "input", "creditCode")
    firm = Enterprise(
        credit_code=code,
        name=order.name.strip(),
        office_id=office.id,
        latitude=office.latitude if order.latitude is None else order.latitude,
        longitude=office.longitude if order.longitude is None else order.longitude,
        contact_name=order.contact_name.strip(),
        contact_phone=number,
    )
    db.add(firm)
    await db.flush()
    if email is not None:
        db.add(Contact(recipient=f"enterprise:{firm.id}", email=email))
    await note(db, "enterprise registered", "enterprise", firm.id, office=office.id)
    return firm


async def office_of(db: AsyncSession, order: EnterpriseOrder, *, caller: Caller) -> Jurisdiction:
    """
    The office that is to look after the firm.

    Raises:
        Refused: NOT_FOUND for one outside the caller's territory; BAD_INPUT where a town or bureau names none.
    """
    office_id = order.office_id
    if office_id is None and caller.role is Role.OFFICE:
        office_id = caller.jurisdiction_id
    if office_id is None:
        raise refuse(Code.BAD_INPUT, "Say which office looks after the firm.", "input", "officeId")
    own = select(Jurisdiction).where(
        col(Jurisdiction.id) == office_id,
        col(Jurisdiction.id).in_(caller.territory),
        col(Jurisdiction.tier) == Tier.OFFICE,
    )
    office = (await db.exec(own)).one_or_none()
    if office is None:
        raise not_found("office", "input", "officeId")
    return office


def checked(check: Callable[[str], T], typed: str, field_name: str) -> T:
    """
    The normal form of an identifier.

    Raises:
        Refused: WRONG_IDENTIFIER with the sentence that says what is wrong; never the number itself.
    """
    try:
        return check(typed)
    except IdentifierError as error:
        raise refuse(Code.WRONG_IDENTIFIER, error.detail, "input", field_name) from error


async def register_worker(
    db: AsyncSession, order: WorkerOrder, *, sealer: Sealer, caller: Caller, now: datetime
) -> Worker:
    """
    Register a worker with the calling firm; whether somebody may sit an exam is judged when it is asked for.

    Raises:
        Refused: The document or a field is wrong; or the person is known, here or elsewhere: nobody learns where.
    """
    require(caller, Role.ENTERPRISE)
    refuse_any(
        why_not_text(order.name, "input", "name"),
        why_not_between(order.years_of_work, 0, MOST_YEARS_OF_WORK, "input", "yearsOfWork"),
    )
    document = checked(lambda typed: identity_document(order.document_kind, typed), order.document_number, DOCUMENT)
    birth = birth_of(document, order.born_on, today=now.astimezone(SHANGHAI).date())
    refuse_any(why_not_work(order, age=age_on(birth, now.astimezone(SHANGHAI).date())))
    await refuse_known(db, sealer.fingerprint(document), caller=caller)

    # A number is sealed for one row, so that row's key must be known before.
    worker_id = (await db.exec(select(func.nextval(func.pg_get_serial_sequence("worker", "id"))))).one()
    sealed = sealer.seal(document, context=f"worker:{worker_id}")
    worker = Worker(
        id=worker_id,
        enterprise_id=caller.enterprise_id or 0,
        name=order.name.strip(),
        document_kind=sealed.kind,
        document_sealed=sealed.box,
        document_hash=sealed.fingerprint,
        document_masked=sealed.masked,
        born_on=birth,
        education=order.education,
        years_of_work=order.years_of_work,
    )
    db.add(worker)
    await db.flush()
    await note(db, "worker registered", "worker", worker.id, enterprise=worker.enterprise_id)
    return worker


DOCUMENT = "documentNumber"


def why_not_work(order: WorkerOrder, *, age: int) -> Refusal | None:
    """Nobody has worked since childhood."""
    most = max(0, age - YOUNGEST_AT_WORK)
    if order.years_of_work <= most:
        return None
    message = f"At {age} somebody has worked for {most} years at most: correct the years or the day of birth."
    return Refusal(Code.OUT_OF_RANGE, message, ("input", "yearsOfWork"))


def birth_of(document: IdentityDocument, typed: date | None, *, today: date) -> date:
    """
    The day of birth: the one in the number, else the one typed.

    Raises:
        Refused: BAD_INPUT where there is none or both differ; OUT_OF_RANGE for one that cannot be.
    """
    inside = born_on(document)
    if inside is None and typed is None:
        message = "The number on this document carries no day of birth: give it as well."
        raise refuse(Code.BAD_INPUT, message, "input", "bornOn")
    if inside is not None and typed not in (None, inside):
        message = "The day of birth is not the one in the document's number: correct one of them."
        raise refuse(Code.BAD_INPUT, message, "input", "bornOn")
    birth = inside or typed or today
    if not EARLIEST_BIRTH <= birth <= today:
        where = DOCUMENT if inside else "bornOn"
        raise refuse(Code.OUT_OF_RANGE, f"A day of birth lies between {EARLIEST_BIRTH} and today.", "input", where)
    return birth


async def refuse_known(db: AsyncSession, fingerprint: bytes, *, caller: Caller) -> None:
    """
    Make sure that nobody with this document is registered.

    Raises:
        Refused: ALREADY_KNOWN.
    """
    known = select(col(Worker.enterprise_id)).where(col(Worker.document_hash) == fingerprint)
    firm_id = (await db.exec(known)).one_or_none()
    if firm_id is None:
        return
    if firm_id == caller.enterprise_id:
        message = "This person is already registered with your firm: look them up in your workers."
    else:
        message = "A person with this document is already registered elsewhere: check the number, or ask your office."
    raise refuse(Code.ALREADY_KNOWN, message, "input", DOCUMENT)
