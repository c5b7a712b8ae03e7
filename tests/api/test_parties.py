import pytest
from sqlalchemy import event
from sqlmodel import col, func, select
from strawberry.relay import from_base64

from models.database import Database
from models.parties import Enterprise, Worker
from models.vocabulary import Role
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.factories import NOW, District

pytestmark = pytest.mark.asyncio

FIRM = {"name": "测试企业", "contactName": "测试联系人", "contactPhone": "154-0000-0001"}
PERSON = {"name": "测试工", "documentKind": "RESIDENT_ID", "education": "COLLEGE"}
FIRMS = "{ enterprises(first: 50) { nodes { name contactPhone office { name } } } }"


async def district_of(database: Database, role: Role) -> tuple[District, Caller]:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        parties = {
            Role.OFFICE: district.office,
            Role.TOWN: district.town,
            Role.BUREAU: district.bureau,
            Role.ENTERPRISE: district.enterprise,
            Role.EXAM_BODY: district.exam_body,
        }
        return district, await make.make_caller(db, role=role, party=parties.get(role))


async def test_an_office_registers_a_firm(database: Database) -> None:
    district, caller = await district_of(database, Role.OFFICE)

    payload = await act(
        database,
        caller,
        "enterpriseRegister",
        FIRM | {"creditCode": make.a_credit_code()},
        "enterprise { contactPhone office { code } latitude }",
    )

    assert payload["enterprise"] == {
        "contactPhone": "15400000001",
        "office": {"code": district.office.code},
        "latitude": 31.03,
    }


async def test_a_firm_is_registered_with_an_e_mail_address_that_it_sees_as_its_contact(database: Database) -> None:
    _, office = await district_of(database, Role.OFFICE)
    taken = FIRM | {"creditCode": make.a_credit_code()}

    wrong = await act(database, office, "enterpriseRegister", taken | {"contactEmail": "nobody"}, "enterprise { id }")
    done = await act(
        database, office, "enterpriseRegister", taken | {"contactEmail": "wang@Firm.cn"}, "enterprise { id }"
    )

    assert wrong["refused"] == ["WRONG_IDENTIFIER input contactEmail"]
    async with database.writing(actor="test", now=NOW) as db:
        key = int(from_base64(done["enterprise"]["id"])[1])
        firm = await make.make_caller(db, role=Role.ENTERPRISE, party=await db.get_one(Enterprise, key))
    assert (await read(database, firm, "{ contact { email } }"))["contact"] == {"email": "wang@firm.cn"}


async def test_a_wrong_credit_code_is_explained(database: Database) -> None:
    _, caller = await district_of(database, Role.OFFICE)

    payload = await act(
        database, caller, "enterpriseRegister", FIRM | {"creditCode": "91110108551385082X"}, "enterprise { id }"
    )

    assert (payload["enterprise"], payload["refused"]) == (None, ["WRONG_IDENTIFIER input creditCode"])
    assert "Character 18" in payload["userErrors"][0]["message"]


async def test_forged_foreign_and_absent_offices_answer_alike(database: Database) -> None:
    _, caller = await district_of(database, Role.BUREAU)
    foreign, _ = await district_of(database, Role.BUREAU)
    office_ids = ("%%%", global_id("Jurisdiction", foreign.office.id), global_id("Jurisdiction", 10**9))

    for office_id in office_ids:
        order = FIRM | {"creditCode": make.a_credit_code(), "officeId": office_id}
        payload = await act(database, caller, "enterpriseRegister", order)
        assert payload["refused"] == ["NOT_FOUND input officeId"]


async def test_a_firm_registers_a_worker_and_sees_the_number_masked_only(database: Database) -> None:
    _, caller = await district_of(database, Role.ENTERPRISE)
    number = make.a_citizen_number()

    payload = await act(
        database,
        caller,
        "workerRegister",
        PERSON | {"documentNumber": number},
        "worker { documentMasked documentKind bornOn enterprise { name } }",
    )

    assert payload["worker"]["documentMasked"] == f"9999**********{number[-4:]}"
    assert payload["worker"]["documentKind"] == "RESIDENT_ID"
    assert payload["worker"]["bornOn"] == "1990-01-01"
    assert number not in str(payload)


async def test_a_wrong_check_digit_writes_nothing(database: Database) -> None:
    _, caller = await district_of(database, Role.ENTERPRISE)
    number = make.a_citizen_number()
    wrong = number[:17] + ("0" if number[17] != "0" else "1")

    payload = await act(database, caller, "workerRegister", PERSON | {"documentNumber": wrong}, "worker { id }")

    assert (payload["worker"], payload["refused"]) == (None, ["WRONG_IDENTIFIER input documentNumber"])
    assert wrong not in str(payload)
    async with database.reading() as db:
        assert (await db.exec(select(func.count(col(Worker.id))))).one() == 0


async def test_a_person_known_to_another_firm_is_refused_without_saying_which(database: Database) -> None:
    district, caller = await district_of(database, Role.ENTERPRISE)
    _, other = await district_of(database, Role.ENTERPRISE)
    order = PERSON | {"documentNumber": make.a_citizen_number()}
    await act(database, caller, "workerRegister", order)

    payload = await act(database, other, "workerRegister", order)

    assert payload["refused"] == ["ALREADY_KNOWN input documentNumber"]
    assert district.enterprise.name not in str(payload)
    assert "elsewhere" in payload["userErrors"][0]["message"]


async def test_leave_is_refused_where_the_examiner_serves(database: Database) -> None:
    district, caller = await district_of(database, Role.EXAM_BODY)
    async with database.writing(actor="test", now=NOW) as db:
        examiner = await make.make_examiner(db, exam_body=district.exam_body)
        await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            examiners=[examiner],
        )
    leave = {"examinerId": global_id("Examiner", examiner.id)}

    refused = await act(
        database, caller, "examinerLeaveSet", leave | {"halfDays": [{"day": "2026-04-15", "part": "AM"}]}
    )
    granted = await act(
        database,
        caller,
        "examinerLeaveSet",
        leave | {"halfDays": [{"day": "2026-04-15", "part": "PM"}]},
        "examiner { name examBody { name } }",
    )

    assert refused["refused"] == ["OVERLAPS input halfDays 0"]
    assert granted["examiner"] == {"name": examiner.name, "examBody": {"name": district.exam_body.name}}


@pytest.mark.parametrize(
    ("role", "seen"), [(Role.OFFICE, 1), (Role.TOWN, 1), (Role.BUREAU, 1), (Role.ENTERPRISE, 1), (Role.AUDITOR, 2)]
)
async def test_everyone_sees_the_firms_of_their_ground_only(database: Database, role: Role, seen: int) -> None:
    _, caller = await district_of(database, role)
    await district_of(database, role)

    assert len((await read(database, caller, FIRMS))["enterprises"]["nodes"]) == seen


async def test_an_exam_body_sees_the_firms_on_its_rosters_with_their_phone_masked(database: Database) -> None:
    district, caller = await district_of(database, Role.EXAM_BODY)
    before = (await read(database, caller, "{ enterprises { nodes { name } } }"))["enterprises"]["nodes"]
    async with database.writing(actor="test", now=NOW) as db:
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        worker = await make.make_worker(db, enterprise=district.enterprise)
        await make.make_booking(db, session=session, worker=worker)

    after = (await read(database, caller, "{ enterprises { nodes { contactPhone } } }"))["enterprises"]["nodes"]

    assert (before, after) == ([], [{"contactPhone": "154****0000"}])


async def test_a_foreign_worker_is_not_there_by_its_id(database: Database) -> None:
    _, caller = await district_of(database, Role.ENTERPRISE)
    async with database.writing(actor="test", now=NOW) as db:
        stranger = await make.make_worker(db)

    for worker_id in (stranger.id, 10**9):
        found = await ask(
            database, caller, "query ($id: ID!) { node(id: $id) { id } }", id=global_id("Worker", worker_id)
        )
        assert found["data"] == {"node": None}


async def test_firms_cost_the_same_statements_for_one_and_for_many(database: Database) -> None:
    district, caller = await district_of(database, Role.BUREAU)
    counted: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    await read(database, caller, FIRMS)
    for_one = len(counted)
    async with database.writing(actor="test", now=NOW) as db:
        for _ in range(10):
            await make.make_enterprise(db, office=district.office)
    counted.clear()

    assert len((await read(database, caller, FIRMS))["enterprises"]["nodes"]) == 11
    assert len(counted) == for_one
