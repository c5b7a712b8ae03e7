"""A small bureau in consultation: two towns, three offices, two sites, four examiners, and plans written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.columns import Table
from models.database import Database
from models.demand import Request
from models.parties import Enterprise, ExamBody, Examiner
from models.places import Jurisdiction, Site
from models.rounds import Consent, Objection, Round
from models.sessions import Session
from models.vocabulary import ConsentParty, ConsentState, ObjectionKind, Role, RoundState, SessionState
from scheduler.callers import Caller
from scheduler.problem_keys import key_in_problem
from tests import factories as make

DAY = make.SESSION_DAY
AM = f"{DAY}-am"
PM = f"{DAY}-pm"
NOW = make.NOW
ROLE_OF = {
    ConsentParty.OFFICE: Role.OFFICE,
    ConsentParty.TOWN: Role.TOWN,
    ConsentParty.BUREAU: Role.BUREAU,
    ConsentParty.HOST: Role.ENTERPRISE,
    ConsentParty.STAFF: Role.EXAMINER,
    ConsentParty.EXAM_BODY: Role.EXAM_BODY,
}


@dataclass
class Place:
    """The bureau's ground and means; the first office owns the yard, its town the hall."""

    bureau: Jurisdiction
    town: Jurisdiction
    far_town: Jurisdiction
    office: Jurisdiction
    next_office: Jurisdiction
    far_office: Jurisdiction
    body: ExamBody
    item: make.MadeItem
    yard: Site
    hall: Site
    examiners: Sequence[Examiner]
    firm: Enterprise
    next_firm: Enterprise
    far_firm: Enterprise


async def make_place(db: AsyncSession, **body: Any) -> Place:
    bureau = await make.make_bureau(db)
    town, far_town = await make.make_town(db, bureau=bureau), await make.make_town(db, bureau=bureau)
    office, next_office = await make.make_office(db, town=town), await make.make_office(db, town=town)
    far_office = await make.make_office(db, town=far_town)
    item = await make.make_item(db, has_practical=False)
    exam_body = await make.make_exam_body(db, bureau=bureau, **body)
    return Place(
        bureau=bureau,
        town=town,
        far_town=far_town,
        office=office,
        next_office=next_office,
        far_office=far_office,
        body=exam_body,
        item=item,
        yard=await make.make_site(db, jurisdiction=office, exams=[item.theory]),
        hall=await make.make_site(db, jurisdiction=town, exams=[item.theory]),
        examiners=[await make.make_examiner(db, exam_body=exam_body, skills=[item.theory]) for _ in range(4)],
        firm=await make.make_enterprise(db, office=office),
        next_firm=await make.make_enterprise(db, office=next_office),
        far_firm=await make.make_enterprise(db, office=far_office),
    )


async def make_round(db: AsyncSession, place: Place, *, state: RoundState = RoundState.PLANNING, **given: Any) -> Round:
    days = {"first_day": DAY, "last_day": DAY + timedelta(days=6)}
    planned = await make.make_round(db, bureau=place.bureau, state=state, **(days | given))
    if state is RoundState.PLANNING:
        planned.solve_after = NOW
    await db.flush()
    return planned


async def ask_for(db: AsyncSession, place: Place, firm: Enterprise, people: int, **given: Any) -> Request:
    window = {"earliest_day": DAY, "latest_day": DAY + timedelta(days=2)}
    return await make.make_request(db, enterprise=firm, exam=place.item.theory, people=people, **(window | given))


@dataclass
class Held:
    """One session of a plan written by hand."""

    site: Site
    block: str
    seats: Mapping[int, int]
    staff: Sequence[Examiner]


def answer(place: Place, *sessions: Held, unplaced: Mapping[int, int] | None = None) -> dict[str, Any]:
    """A plan as the allocator would write it."""
    return {
        "format": "doorstep-plan/1",
        "sessions": [
            {
                "site": key_in_problem("site", held.site.id),
                "item": key_in_problem("exam", place.item.theory.id),
                "block": held.block,
                "tier": "office",
                "staff": [key_in_problem("examiner", examiner.id) for examiner in held.staff],
                "seated": [
                    {"request": key_in_problem("request", request_id), "people": people}
                    for request_id, people in held.seats.items()
                ],
            }
            for held in sessions
        ],
        "unplaced": [
            {"request": key_in_problem("request", request_id), "people": people, "reason": "FULL", "detail": {}}
            for request_id, people in (unplaced or {}).items()
        ],
        "objective": 1000.0,
        "terms": {"open": 1000.0},
        "bound": 900.0,
        "gap": 0.1,
        "seconds": 0.1,
        "seed": 0,
        "stopped": "optimal",
    }


async def proposed(
    db: AsyncSession, place: Place, planned: Round, site: Site, seats: Mapping[int, int], **given: Any
) -> Session:
    """A session in consultation with people in it and the first two examiners on duty."""
    examiners = given.pop("examiners", place.examiners[:2])
    shape = {"exam": place.item.theory, "exam_body": place.body, "state": SessionState.PROPOSED, "round_": planned}
    session = await make.make_session(db, site=site, examiners=examiners, **(shape | given))
    for request_id, people in seats.items():
        request = (await db.exec(select(Request).where(col(Request.id) == request_id))).one()
        await make.make_promise(db, session=session, request=request, people=people)
    return session


async def asked(db: AsyncSession, session: Session, party: ConsentParty, whom: Table, **given: Any) -> Consent:
    """A question to a party."""
    reference = {Enterprise: "enterprise_id", Jurisdiction: "jurisdiction_id", ExamBody: "exam_body_id"}
    own = {reference.get(type(whom), "examiner_id"): whom.id}  # type: ignore[attr-defined]
    shape = {"session_id": session.id, "party": party, "state": ConsentState.ASKED, "due_at": NOW + timedelta(days=3)}
    return await make.written(db, Consent(**(shape | own | given)))


async def objected(
    db: AsyncSession, session: Session, party: ConsentParty, whom: Table, kind: ObjectionKind, **given: Any
) -> Objection:
    """An objection that was raised."""
    consent = await asked(db, session, party, whom)
    consent.state = ConsentState.OBJECTED
    shape = {"site_id": session.site_id, "exam_id": session.exam_id, "block": f"{session.day}-{session.part}"}
    raised = {"round_id": session.round_id, "consent_id": consent.id, "kind": kind, "raised_at": NOW}
    return await make.written(db, Objection(**(shape | raised | given)))


async def caller_of(db: AsyncSession, party: ConsentParty, whom: Table) -> Caller:
    """Somebody who answers for a party."""
    return await make.make_caller(db, role=ROLE_OF[party], party=whom)


async def all_of(database: Database, table: type[Any], *where: Any) -> list[Any]:
    """The rows as they now stand."""
    async with database.reading() as db:
        return list((await db.exec(select(table).where(*where).order_by(col(table.id)))).all())


def at(days: float) -> datetime:
    """So many days after the tests' present."""
    return NOW + timedelta(days=days)


def keys_of(consent: Consent) -> set[int | None]:
    """The party that a consent is asked of."""
    return {consent.jurisdiction_id, consent.enterprise_id, consent.examiner_id, consent.exam_body_id} - {None}
