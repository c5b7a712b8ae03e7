"""
Rows for tests: each function writes one noun with sensible defaults, and makes what it hangs on where none is given.

They run inside `database.writing(actor=…, now=NOW)`. States are walked through the listed transitions, so that the
audit trail is the one a real row would have. All people and numbers are invented; check digits are right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold, Promise, Waiting
from models.catalogue import Exam, ExamRule, Item, ItemRule
from models.columns import Table
from models.demand import Request, RequestPerson
from models.identifiers import (
    DocumentKind,
    born_on,
    citizen_number_check_character,
    credit_code_check_character,
    identity_document,
)
from models.outcomes import Certificate, Result
from models.parties import Account, Enterprise, ExamBody, Examiner, ExaminerSkill, Worker
from models.places import Jurisdiction, Room, Site, SiteOffer
from models.rounds import Round
from models.sealing import Sealer
from models.sessions import Claim, Session, SessionStaff
from models.vocabulary import (
    Attendance,
    BookingState,
    CertificateState,
    Education,
    HoldState,
    Outcome,
    Part,
    PromiseState,
    RequestOrigin,
    RequestState,
    ResourceKind,
    Role,
    RoundState,
    SessionState,
    Subject,
    Tier,
    WaitingState,
)
from scheduler.accounts import HASHER, caller_of
from scheduler.calendar import Block, DayHours, WorkCalendar
from scheduler.callers import Caller

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # a Monday, ten in the morning in Shanghai
TODAY = date(2026, 3, 2)
SESSION_DAY = date(2026, 4, 15)  # a Wednesday
SEALER = Sealer(b"a secret for tests only, 32 byte", b"a pepper for tests only, 32 byte")
POINT = {"latitude": 31.03, "longitude": 121.23}

T = TypeVar("T")

_numbers = count(1)
_calendar = WorkCalendar({}, DayHours())


async def written(db: AsyncSession, row: T) -> T:
    """The row with its key."""
    db.add(row)
    await db.flush()
    return row


async def walked(db: AsyncSession, row: Any, path: Sequence[StrEnum]) -> None:
    """The row moved through these states one after the other."""
    for state in path:
        row.state = state
        await db.flush()


async def make_bureau(db: AsyncSession, **given: Any) -> Jurisdiction:
    n = next(_numbers)
    return await written(
        db, Jurisdiction(**({"code": f"B{n:05d}", "name": f"测试局{n}", "tier": Tier.BUREAU} | POINT | given))
    )


async def make_town(db: AsyncSession, *, bureau: Jurisdiction | None = None, **given: Any) -> Jurisdiction:
    bureau, n = bureau or await make_bureau(db), next(_numbers)
    own = {"code": f"T{n:05d}", "name": f"测试镇{n}", "tier": Tier.TOWN, "parent_id": bureau.id}
    return await written(db, Jurisdiction(**(own | POINT | given)))


async def make_office(db: AsyncSession, *, town: Jurisdiction | None = None, **given: Any) -> Jurisdiction:
    town, n = town or await make_town(db), next(_numbers)
    own = {"code": f"O{n:05d}", "name": f"测试所{n}", "tier": Tier.OFFICE, "parent_id": town.id}
    return await written(db, Jurisdiction(**(own | POINT | given)))


async def bureau_above(db: AsyncSession, jurisdiction: Jurisdiction) -> Jurisdiction:
    while jurisdiction.parent_id is not None:
        above = select(Jurisdiction).where(col(Jurisdiction.id) == jurisdiction.parent_id)
        jurisdiction = (await db.exec(above)).one()
    return jurisdiction


def a_credit_code() -> str:
    """A credit code that belongs to nobody: organisation codes beginning with XX are not issued."""
    first = f"91310117XX9{next(_numbers):06d}"
    return first + credit_code_check_character(first)


def a_citizen_number(born: date = date(1990, 1, 1)) -> str:
    """A citizen's number that belongs to nobody: nobody lives in area 999999."""
    first = f"999999{born:%Y%m%d}{next(_numbers) % 1000:03d}"
    return first + citizen_number_check_character(first)


async def make_enterprise(db: AsyncSession, *, office: Jurisdiction | None = None, **given: Any) -> Enterprise:
    office, n = office or await make_office(db), next(_numbers)
    own = {"credit_code": a_credit_code(), "name": f"测试企业{n}", "office_id": office.id}
    contact = {"contact_name": "测试联系人", "contact_phone": "15400000000"}
    return await written(db, Enterprise(**(own | contact | POINT | given)))


async def make_worker(
    db: AsyncSession, *, enterprise: Enterprise | None = None, born: date = date(1990, 1, 1), **given: Any
) -> Worker:
    enterprise, n = enterprise or await make_enterprise(db), next(_numbers)
    document = identity_document(DocumentKind.RESIDENT_ID, a_citizen_number(born))
    sealed = SEALER.seal(document, context="worker:0")
    own = {"enterprise_id": enterprise.id, "name": f"测试工{n}", "born_on": born_on(document)}
    number = {
        "document_kind": document.kind,
        "document_sealed": sealed.box,
        "document_hash": sealed.fingerprint,
        "document_masked": sealed.masked,
    }
    return await written(
        db, Worker(**(own | number | {"education": Education.JUNIOR_SECONDARY, "years_of_work": 5} | given))
    )


@dataclass
class MadeItem:
    """An item with its exams and the rule in force; no practical where it is theory only."""

    item: Item
    theory: Exam
    practical: Exam | None
    rule: ItemRule
    theory_rule: ExamRule
    practical_rule: ExamRule | None


async def make_item(db: AsyncSession, *, code: str | None = None, has_practical: bool = True, **given: Any) -> MadeItem:
    """`given` are fields of the rule, such as `most_age=60`; each number is FOUND in TSG Z6001-2019."""
    n = next(_numbers)
    item = await written(db, Item(code=code or f"X{n}", name=f"测试项目{n}", english_name=f"Test item {n}"))
    numbers = {
        "valid_years": 4,
        "least_age": 18,
        "most_age": 60,
        "renewal_most_age": 65,
        "renewal_lead_months": 1,
        "least_education": Education.JUNIOR_SECONDARY,
        "least_years_of_work": 0,
        "retakes": 1 if has_practical else 0,
        "retake_window_months": 12 if has_practical else 0,
    } | given
    provenance = {name: {"source": "TSG Z6001-2019", "confidence": "FOUND"} for name in numbers}
    own = {"in_force_from": date(2019, 6, 1), "provenance": provenance} | numbers
    rule = await written(db, ItemRule(item_id=item.id, **own))
    theory, theory_rule = await make_exam(db, item, rule, Subject.THEORY)
    practical, practical_rule = await make_exam(db, item, rule, Subject.PRACTICAL) if has_practical else (None, None)
    return MadeItem(item, theory, practical, rule, theory_rule, practical_rule)


async def make_exam(
    db: AsyncSession, item: Item, rule: ItemRule, subject: Subject, **given: Any
) -> tuple[Exam, ExamRule]:
    exam = await written(db, Exam(item_id=item.id, subject=subject))
    numbers = {"pass_mark": 70, "minutes_a_candidate": 15, "staff": 2, "least_people": 6} | given
    return exam, await written(db, ExamRule(rule_id=rule.id, exam_id=exam.id, **numbers))


async def make_site(
    db: AsyncSession,
    *,
    jurisdiction: Jurisdiction | None = None,
    exams: Sequence[Exam] = (),
    rooms: int = 1,
    places: int = 12,
    **given: Any,
) -> Site:
    """A site with its rooms and an offer for each of the exams."""
    jurisdiction, n = jurisdiction or await make_office(db), next(_numbers)
    site = await written(db, Site(**({"jurisdiction_id": jurisdiction.id, "name": f"测试场{n}"} | POINT | given)))
    db.add_all(Room(site_id=site.id, number=number) for number in range(1, rooms + 1))
    db.add_all(SiteOffer(site_id=site.id, exam_id=exam.id, places=places, open_cost_fen=50_000) for exam in exams)
    await db.flush()
    return site


async def make_exam_body(db: AsyncSession, *, bureau: Jurisdiction | None = None, **given: Any) -> ExamBody:
    bureau, n = bureau or await make_bureau(db), next(_numbers)
    return await written(db, ExamBody(**({"bureau_id": bureau.id, "name": f"测试考试机构{n}"} | given)))


async def make_examiner(
    db: AsyncSession, *, exam_body: ExamBody | None = None, skills: Sequence[Exam] = (), **given: Any
) -> Examiner:
    exam_body, n = exam_body or await make_exam_body(db), next(_numbers)
    own = {"exam_body_id": exam_body.id, "name": f"测试考评员{n}", "block_cost_fen": 40_000, "most_blocks_a_round": 20}
    examiner = await written(db, Examiner(**(own | given)))
    db.add_all(ExaminerSkill(examiner_id=examiner.id, exam_id=exam.id) for exam in skills)
    await db.flush()
    return examiner


async def make_account(
    db: AsyncSession, *, role: Role, party: Table | None = None, password: str | None = None, **given: Any
) -> Account:
    """An account of this role for a party; only one with a password can sign in, as hashing is slow."""
    reference = {Enterprise: "enterprise_id", Jurisdiction: "jurisdiction_id", ExamBody: "exam_body_id"}
    acts_for = {} if party is None else {reference.get(type(party), "examiner_id"): party.id}  # type: ignore[attr-defined]
    own = {"login": f"login-{next(_numbers)}", "password_hash": HASHER.hash(password) if password else "-"}
    return await written(db, Account(**(own | {"role": role, "name": "测试账号"} | acts_for | given)))


async def caller_for(db: AsyncSession, account: Account) -> Caller:
    """The account as a signed-in caller."""
    return await caller_of(db, account)


async def make_caller(db: AsyncSession, *, role: Role, party: Table | None = None) -> Caller:
    """A new account of this role, signed in."""
    return await caller_of(db, await make_account(db, role=role, party=party))


@dataclass
class District:
    """A small district in which everything hangs together."""

    bureau: Jurisdiction
    town: Jurisdiction
    office: Jurisdiction
    exam_body: ExamBody
    item: MadeItem
    site: Site
    enterprise: Enterprise


async def make_district(db: AsyncSession, **item: Any) -> District:
    """A bureau, a town, an office, its site offering both exams of an item, an exam body and a firm."""
    bureau = await make_bureau(db)
    town = await make_town(db, bureau=bureau)
    office = await make_office(db, town=town)
    made = await make_item(db, **item)
    exams = [exam for exam in (made.theory, made.practical) if exam]
    return District(
        bureau=bureau,
        town=town,
        office=office,
        exam_body=await make_exam_body(db, bureau=bureau),
        item=made,
        site=await make_site(db, jurisdiction=office, exams=exams),
        enterprise=await make_enterprise(db, office=office),
    )


ROUND_LINE = (RoundState.COLLECTING, RoundState.PLANNING, RoundState.CONSULTING, RoundState.PUBLISHED)
SESSION_LINE = (
    SessionState.PROPOSED,
    SessionState.AGREED,
    SessionState.PUBLISHED,
    SessionState.FROZEN,
    SessionState.HELD,
    SessionState.CLOSED,
)
REQUEST_LINE = (RequestState.OPEN, RequestState.PLANNED, RequestState.PROMISED, RequestState.SETTLED)
PROMISE_LINE = (PromiseState.PLANNED, PromiseState.HELD)
TO_CANCELLED = (SessionState.AGREED, SessionState.PUBLISHED, SessionState.CANCELLED)


def way_to(line: Sequence[StrEnum], state: StrEnum) -> Sequence[StrEnum]:
    """The listed moves from birth to a state: along the line, or straight off it."""
    if state is SessionState.CANCELLED:
        return TO_CANCELLED
    return line[1 : line.index(state) + 1] if state in line else [state]


async def make_round(
    db: AsyncSession, *, bureau: Jurisdiction | None = None, state: RoundState = RoundState.COLLECTING, **given: Any
) -> Round:
    bureau = bureau or await make_bureau(db)
    last = (await db.exec(select(func.max(col(Round.number))).where(col(Round.bureau_id) == bureau.id))).one()
    own = {"bureau_id": bureau.id, "number": (last or 0) + 1, "state": RoundState.COLLECTING}
    days = {"first_day": date(2026, 4, 1), "last_day": date(2026, 5, 31)}
    ends = [NOW + timedelta(days=days) for days in (3, 10, 12)]
    deadlines = dict(zip(("collect_until", "consult_until", "publish_at"), ends, strict=True))
    planned = await written(db, Round(**(own | days | deadlines | given)))
    await walked(db, planned, way_to(ROUND_LINE, state))
    return planned


async def make_session(  # noqa: PLR0913  # every keyword but the first three has a default
    db: AsyncSession,
    *,
    site: Site,
    exam: Exam,
    exam_body: ExamBody,
    state: SessionState = SessionState.PUBLISHED,
    day: date = SESSION_DAY,
    part: Part = Part.AM,
    round_: Round | None = None,
    examiners: Sequence[Examiner] = (),
    **given: Any,
) -> Session:
    """A session in a state, with its room and examiners claimed; its round is in consultation or published."""
    ground = (await db.exec(select(Jurisdiction).where(col(Jurisdiction.id) == site.jurisdiction_id))).one()
    bureau, block = await bureau_above(db, ground), Block(day, part)
    consulting = state in (SessionState.PROPOSED, SessionState.AGREED, SessionState.DROPPED)
    of_round = RoundState.CONSULTING if consulting else RoundState.PUBLISHED
    planned = round_ or await make_round(db, bureau=bureau, state=of_round)
    starts_at, ends_at = _calendar.starts_at(block), _calendar.ends_at(block)
    room = (await db.exec(select(Room).where(col(Room.site_id) == site.id).order_by(col(Room.number)))).first()
    own = {"bureau_id": bureau.id, "round_id": planned.id, "exam_id": exam.id, "site_id": site.id}
    when = {"day": day, "part": part, "starts_at": starts_at, "ends_at": ends_at}
    due = {"roster_freezes_at": starts_at - timedelta(days=2), "results_due_at": ends_at + timedelta(days=28)}
    due |= {"confirm_due_at": given.get("roster_freezes_at", due["roster_freezes_at"]) - timedelta(days=1)}
    if state in (SessionState.FROZEN, SessionState.HELD, SessionState.CLOSED):
        due |= {"confirmed_at": due["confirm_due_at"]}
    tier = {"tier": ground.tier, "jurisdiction_id": ground.id, "room_id": room.id if room else None}
    shape = {"exam_body_id": exam_body.id, "places": 12, "state": SessionState.PROPOSED}
    session = await written(db, Session(**(own | when | due | tier | shape | given)))
    if room:
        await claim(db, session, ResourceKind.ROOM, session.room_id or room.id)
    for examiner in examiners:
        await written(db, SessionStaff(session_id=session.id, examiner_id=examiner.id))
        await claim(db, session, ResourceKind.STAFF, examiner.id)
    await walked(db, session, way_to(SESSION_LINE, state))
    return session


async def claim(db: AsyncSession, session: Session, resource: ResourceKind, resource_id: int) -> None:
    during = Range(session.starts_at, session.ends_at)
    await written(db, Claim(session_id=session.id, resource=resource, resource_id=resource_id, during=during))


async def make_request(
    db: AsyncSession,
    *,
    enterprise: Enterprise,
    exam: Exam,
    state: RequestState = RequestState.OPEN,
    workers: Sequence[Worker] = (),
    **given: Any,
) -> Request:
    """A request with the people named on it; PROPOSED and DECLINED ones come from a failed subject."""
    by_rules = state in (RequestState.PROPOSED, RequestState.DECLINED)
    own = {
        "enterprise_id": enterprise.id,
        "exam_id": exam.id,
        "people": max(1, len(workers)),
        "earliest_day": date(2026, 4, 1),
        "latest_day": date(2026, 5, 31),
        "latitude": enterprise.latitude,
        "longitude": enterprise.longitude,
        "origin": RequestOrigin.RETAKE if by_rules else RequestOrigin.ENTERPRISE,
        "state": RequestState.PROPOSED if by_rules else RequestState.OPEN,
        "asked_at": NOW,
    }
    request = await written(db, Request(**(own | given)))
    db.add_all(RequestPerson(request_id=request.id, worker_id=worker.id) for worker in workers)
    await walked(db, request, () if request.state is state else [state] if by_rules else way_to(REQUEST_LINE, state))
    return request


async def make_promise(
    db: AsyncSession, *, session: Session, request: Request, people: int | None = None, **given: Any
) -> Promise:
    """Places set aside: HELD in a public session, PLANNED before; the session's count and the request follow."""
    public = session.state not in (SessionState.PROPOSED, SessionState.AGREED)
    people = people or request.people
    session.promised += people
    own = {"session_id": session.id, "request_id": request.id, "people": people, "state": PromiseState.PLANNED}
    promise = await written(db, Promise(**(own | {"held_until": session.roster_freezes_at} | given)))
    request.round_id = session.round_id
    if request.state is RequestState.OPEN:
        await walked(db, request, [RequestState.PLANNED])
    if public:
        await walked(db, promise, [PromiseState.HELD])
        if request.state is RequestState.PLANNED:
            await walked(db, request, [RequestState.PROMISED])
    await db.flush()
    return promise


async def make_hold(
    db: AsyncSession, *, session: Session, enterprise: Enterprise, people: int = 1, **given: Any
) -> Hold:
    """Open places held for a firm, for a quarter of an hour; the session's count follows."""
    session.held += people
    own = {"session_id": session.id, "enterprise_id": enterprise.id, "people": people, "state": HoldState.HELD}
    when = {"held_at": NOW, "held_until": NOW + timedelta(minutes=15)}
    return await written(db, Hold(**(own | when | given)))


async def make_waiting(db: AsyncSession, *, session: Session, enterprise: Enterprise, **given: Any) -> Waiting:
    """A firm in the queue of a session."""
    own = {"bureau_id": session.bureau_id, "enterprise_id": enterprise.id, "exam_id": session.exam_id, "people": 1}
    place = {"session_id": session.id, "until_day": session.day} | POINT
    return await written(db, Waiting(**(own | place | {"state": WaitingState.WAITING, "asked_at": NOW} | given)))


async def make_booking(
    db: AsyncSession, *, session: Session, worker: Worker, promise: Promise | None = None, **given: Any
) -> Booking:
    """A named place, out of a promise or of the open ones, with the worker's time claimed."""
    session.taken += 1
    if promise:
        session.promised -= 1
        promise.named += 1
        if promise.named == promise.people:
            promise.state = PromiseState.USED
    own = {"session_id": session.id, "worker_id": worker.id, "enterprise_id": worker.enterprise_id, "booked_at": NOW}
    shape = {"promise_id": promise.id if promise else None, "state": BookingState.CONFIRMED}
    booking = await written(db, Booking(**(own | shape | {"attendance": Attendance.EXPECTED} | given)))
    await claim(db, session, ResourceKind.WORKER, worker.id)
    return booking


async def give_up(db: AsyncSession, booking: Booking, session: Session) -> None:
    """The place taken back, and the worker's time free again."""
    session.taken -= 1
    booking.state = BookingState.CANCELLED
    await db.flush()
    await db.exec(delete(Claim).where(col(Claim.session_id) == session.id, col(Claim.resource_id) == booking.worker_id))


async def make_result(
    db: AsyncSession, *, booking: Booking, exam: Exam, rule: ExamRule, mark: float | None, sat_on: date, **given: Any
) -> Result:
    """What the exam body reported; no mark means absent."""
    passed = mark is not None and mark >= rule.pass_mark
    outcome = Outcome.ABSENT if mark is None else Outcome.PASSED if passed else Outcome.FAILED
    own = {"booking_id": booking.id, "worker_id": booking.worker_id, "exam_id": exam.id, "exam_rule_id": rule.id}
    said = {"mark": mark, "outcome": outcome, "sat_on": sat_on, "recorded_at": NOW}
    return await written(db, Result(**(own | said | given)))


async def make_certificate(
    db: AsyncSession, *, worker: Worker, item: MadeItem, state: CertificateState = CertificateState.VALID, **given: Any
) -> Certificate:
    """A certificate: pending, or issued two years ago for four."""
    own = {"worker_id": worker.id, "item_id": item.item.id, "rule_id": item.rule.id, "decision_due_at": NOW}
    certificate = await written(db, Certificate(**(own | {"state": CertificateState.PENDING} | given)))
    if state is CertificateState.PENDING:
        return certificate
    if state is not CertificateState.REFUSED:
        certificate.issued_on = certificate.issued_on or date(2024, 3, 1)
        certificate.expires_on = certificate.expires_on or date(2028, 2, 29)
    final = (CertificateState.RENEWED, CertificateState.REPLACED, CertificateState.EXPIRED)
    await walked(db, certificate, [CertificateState.VALID, state] if state in final else [state])
    return certificate
