from collections.abc import Awaitable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.identifiers import DocumentKind
from models.journal import AuditEntry
from models.parties import Enterprise, ExaminerLeave, Worker
from models.vocabulary import Education, Part, Role, SessionState
from scheduler.calendar import Block
from scheduler.callers import Caller
from scheduler.leave import LeaveOrder, set_leave
from scheduler.refusals import Code, Refused
from scheduler.registration import EnterpriseOrder, WorkerOrder, register_enterprise, register_worker
from tests import factories as make
from tests.factories import NOW, SEALER, SESSION_DAY

pytestmark = pytest.mark.asyncio

FIRM = EnterpriseOrder(make.a_credit_code(), "测试企业", "测试联系人", "154 0000 0001")
PERSON = WorkerOrder("测试工", DocumentKind.RESIDENT_ID, make.a_citizen_number(), Education.COLLEGE, years_of_work=3)


async def reasons_of(awaited: Awaitable[object]) -> list[tuple[Code, tuple[str, ...]]]:
    with pytest.raises(Refused) as refused:
        await awaited
    return [(reason.code, reason.path) for reason in refused.value.reasons]


def misread(number: str) -> str:
    """The number with one digit mistyped, so that its check digit does not fit."""
    return f"{number[:10]}{(int(number[10]) + 1) % 10}{number[11:]}"


async def firm_of(db: AsyncSession) -> tuple[Enterprise, Caller]:
    firm = await make.make_enterprise(db)
    return firm, await make.make_caller(db, role=Role.ENTERPRISE, party=firm)


async def test_an_office_registers_a_firm_at_itself_and_at_its_own_point(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        office = await make.make_office(db, latitude=31.1, longitude=121.3)
        caller = await make.make_caller(db, role=Role.OFFICE, party=office)

        firm = await register_enterprise(db, replace(FIRM, credit_code=FIRM.credit_code.lower()), caller=caller)

        assert (firm.office_id, firm.latitude, firm.longitude) == (office.id, 31.1, 121.3)
        assert (firm.credit_code, firm.contact_phone) == (FIRM.credit_code, "15400000001")


async def test_a_town_and_a_bureau_say_which_office_of_theirs(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        foreign = await make.make_office(db)
        town = await make.make_caller(db, role=Role.TOWN, party=district.town)
        bureau = await make.make_caller(db, role=Role.BUREAU, party=district.bureau)

        firm = await register_enterprise(db, replace(FIRM, office_id=district.office.id), caller=town)

        assert firm.office_id == district.office.id
        assert await reasons_of(register_enterprise(db, FIRM, caller=bureau)) == [
            (Code.BAD_INPUT, ("input", "officeId"))
        ]
        for office_id in (foreign.id, district.town.id, foreign.id + 999):
            order = replace(FIRM, office_id=office_id)
            assert await reasons_of(register_enterprise(db, order, caller=bureau)) == [
                (Code.NOT_FOUND, ("input", "officeId"))
            ]


async def test_a_wrong_check_character_is_named_and_nothing_is_written(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=Role.OFFICE, party=await make.make_office(db))
        order = replace(FIRM, credit_code=misread(FIRM.credit_code))

        with pytest.raises(Refused) as refused:
            await register_enterprise(db, order, caller=caller)

        (reason,) = refused.value.reasons
        assert (reason.code, reason.path) == (Code.WRONG_IDENTIFIER, ("input", "creditCode"))
        assert reason.message.startswith("Character 18 does not fit the others")
        assert (await db.exec(select(func.count(col(Enterprise.id))))).one() == 0


async def test_a_phone_that_is_none_is_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=Role.OFFICE, party=await make.make_office(db))

        assert await reasons_of(register_enterprise(db, replace(FIRM, contact_phone="12345"), caller=caller)) == [
            (Code.WRONG_IDENTIFIER, ("input", "contactPhone"))
        ]


async def test_a_firm_is_registered_once(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=Role.OFFICE, party=await make.make_office(db))
        await register_enterprise(db, FIRM, caller=caller)

        assert await reasons_of(register_enterprise(db, FIRM, caller=caller)) == [
            (Code.ALREADY_KNOWN, ("input", "creditCode"))
        ]


async def test_a_workers_number_is_sealed_for_its_row_and_shown_masked(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        firm, caller = await firm_of(db)

        worker = await register_worker(db, PERSON, sealer=SEALER, caller=caller, now=NOW)

        opened = SEALER.unseal(worker.document_sealed, kind=worker.document_kind, context=f"worker:{worker.id}")
        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "worker registered"))).one()
        assert opened.number == PERSON.document_number
        assert worker.document_masked == f"9999**********{PERSON.document_number[-4:]}"
        assert (worker.enterprise_id, worker.born_on) == (firm.id, date(1990, 1, 1))
        assert noted.detail == {"enterprise": firm.id}


async def test_a_wrong_check_digit_is_refused_without_repeating_the_number(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await firm_of(db)
        order = replace(PERSON, document_number=misread(PERSON.document_number))

        with pytest.raises(Refused) as refused:
            await register_worker(db, order, sealer=SEALER, caller=caller, now=NOW)

        (reason,) = refused.value.reasons
        assert (reason.code, reason.path) == (Code.WRONG_IDENTIFIER, ("input", "documentNumber"))
        assert order.document_number not in reason.message
        assert order.document_number not in repr(order)
        assert (await db.exec(select(func.count(col(Worker.id))))).one() == 0


async def test_a_person_is_registered_once_and_nobody_learns_where(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        firm, caller = await firm_of(db)
        _, other = await firm_of(db)
        await register_worker(db, PERSON, sealer=SEALER, caller=caller, now=NOW)

        for again in (caller, other):
            with pytest.raises(Refused) as refused:
                await register_worker(db, PERSON, sealer=SEALER, caller=again, now=NOW)
            (reason,) = refused.value.reasons
            assert (reason.code, reason.path) == (Code.ALREADY_KNOWN, ("input", "documentNumber"))
            assert firm.name not in reason.message
        assert (await db.exec(select(func.count(col(Worker.id))))).one() == 1


async def test_a_passport_needs_the_day_of_birth(database: Database) -> None:
    passport = replace(PERSON, document_kind=DocumentKind.PASSPORT, document_number="E12345678")
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await firm_of(db)

        for order, code in (
            (passport, Code.BAD_INPUT),
            (replace(passport, born_on=date(2026, 3, 3)), Code.OUT_OF_RANGE),  # tomorrow
            (replace(PERSON, born_on=date(1990, 1, 2)), Code.BAD_INPUT),  # not the one in the number
        ):
            assert await reasons_of(register_worker(db, order, sealer=SEALER, caller=caller, now=NOW)) == [
                (code, ("input", "bornOn"))
            ]
        worker = await register_worker(
            db, replace(passport, born_on=date(1988, 2, 29)), sealer=SEALER, caller=caller, now=NOW
        )
        assert (worker.born_on, worker.document_masked) == (date(1988, 2, 29), "E1*****78")


async def test_only_firms_register_workers_and_only_officials_firms(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        _, caller = await firm_of(db)
        office = await make.make_caller(db, role=Role.OFFICE, party=await make.make_office(db))

        assert await reasons_of(register_enterprise(db, FIRM, caller=caller)) == [(Code.NOT_ALLOWED, ())]
        assert await reasons_of(register_worker(db, PERSON, sealer=SEALER, caller=office, now=NOW)) == [
            (Code.NOT_ALLOWED, ())
        ]


async def test_leave_is_set_twice_and_taken_back(database: Database) -> None:
    morning, evening = Block(SESSION_DAY, Part.AM), Block(SESSION_DAY, Part.EVE)
    kept = select(col(ExaminerLeave.part)).order_by(col(ExaminerLeave.id))
    async with database.writing(actor="test", now=NOW) as db:
        examiner = await make.make_examiner(db)
        caller = await make.make_caller(db, role=Role.EXAMINER, party=examiner)
        order = LeaveOrder(examiner.id, (morning, evening, morning))

        await set_leave(db, order, caller=caller, now=NOW)
        await set_leave(db, order, caller=caller, now=NOW)
        away = (await db.exec(kept)).all()
        await set_leave(db, LeaveOrder(examiner.id, (morning,), is_away=False), caller=caller, now=NOW)

        assert away == [Part.AM, Part.EVE]
        assert (await db.exec(kept)).all() == [Part.EVE]


@pytest.mark.parametrize(
    ("state", "part", "is_refused"),
    [
        (SessionState.PUBLISHED, Part.AM, True),
        (SessionState.PROPOSED, Part.AM, True),
        (SessionState.PUBLISHED, Part.PM, False),
        (SessionState.CANCELLED, Part.AM, False),
    ],
)
async def test_nobody_is_away_from_a_session_they_serve(
    database: Database, state: SessionState, part: Part, *, is_refused: bool
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        examiner = await make.make_examiner(db, exam_body=district.exam_body)
        body = await make.make_caller(db, role=Role.EXAM_BODY, party=district.exam_body)
        await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            examiners=[examiner],
            state=state,
        )
        order = LeaveOrder(examiner.id, (Block(date(2026, 4, 14), Part.AM), Block(SESSION_DAY, part)))

        if is_refused:
            assert await reasons_of(set_leave(db, order, caller=body, now=NOW)) == [
                (Code.OVERLAPS, ("input", "halfDays", "1"))
            ]
        else:
            await set_leave(db, order, caller=body, now=NOW)
        written = (await db.exec(select(func.count(col(ExaminerLeave.id))))).one()
        assert written == (0 if is_refused else 2)


async def test_leave_of_days_that_are_over_or_none_at_all_is_refused(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        examiner = await make.make_examiner(db)
        caller = await make.make_caller(db, role=Role.EXAMINER, party=examiner)

        over = LeaveOrder(examiner.id, (Block(date(2026, 3, 1), Part.AM),))
        for order, reason in (
            (over, (Code.WINDOW_PAST, ("input", "halfDays", "0"))),
            (LeaveOrder(examiner.id, ()), (Code.OUT_OF_RANGE, ("input", "halfDays"))),
        ):
            assert await reasons_of(set_leave(db, order, caller=caller, now=NOW)) == [reason]


async def test_an_examiner_sets_nobody_elses_leave(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        body = await make.make_exam_body(db)
        mine, colleague, stranger = [
            await make.make_examiner(db, exam_body=body),
            await make.make_examiner(db, exam_body=body),
            await make.make_examiner(db),
        ]
        examiner = await make.make_caller(db, role=Role.EXAMINER, party=mine)
        exam_body = await make.make_caller(db, role=Role.EXAM_BODY, party=body)
        half_days = (Block(SESSION_DAY, Part.AM),)

        for caller, whose in ((examiner, colleague), (exam_body, stranger)):
            assert await reasons_of(set_leave(db, LeaveOrder(whose.id, half_days), caller=caller, now=NOW)) == [
                (Code.NOT_FOUND, ("input", "examinerId"))
            ]
