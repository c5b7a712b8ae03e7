import pytest
from sqlalchemy import event
from sqlmodel import col, func, select

from models.database import Database
from models.places import Jurisdiction, SiteClosure
from models.sessions import Session
from models.vocabulary import Role, SessionState
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, global_id, read
from tests.factories import NOW, District

pytestmark = pytest.mark.asyncio

SITES = """{
  sites(first: 50) {
    nodes { name roomCount jurisdiction { code } host { name } offers { places exam { subject } } closures { fromDay } }
  }
}"""


async def district_of(database: Database, role: Role = Role.BUREAU) -> tuple[District, Caller]:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        party = {Role.BUREAU: district.bureau, Role.OFFICE: district.office, Role.ENTERPRISE: district.enterprise}
        return district, await make.make_caller(db, role=role, party=party[role])


def closing(district: District, **given: object) -> dict[str, object]:
    site_id = global_id("Site", district.site.id)
    return {"siteId": site_id, "fromDay": "2026-04-15", "beforeDay": "2026-04-16", "reason": "修缮"} | given


async def test_the_tree_grows_and_is_read_with_its_parents(database: Database) -> None:
    district, caller = await district_of(database)
    new = {
        "parentId": global_id("Jurisdiction", district.town.id),
        "code": "NEW-1",
        "name": "新所",
        "latitude": 31.0,
        "longitude": 121.2,
    }

    payload = await act(database, caller, "jurisdictionAdd", new, "jurisdiction { tier parent { code } }")
    renamed = await act(
        database,
        caller,
        "jurisdictionUpdate",
        {"jurisdictionId": global_id("Jurisdiction", district.town.id), "name": "改名镇"},
        "jurisdiction { name code }",
    )
    tree = await read(database, caller, "{ jurisdictions { code parent { code } } }")

    assert payload["jurisdiction"] == {"tier": "OFFICE", "parent": {"code": district.town.code}}
    assert renamed["jurisdiction"] == {"name": "改名镇", "code": district.town.code}
    assert {"code": "NEW-1", "parent": {"code": district.town.code}} in tree["jurisdictions"]


async def test_a_code_is_taken_once(database: Database) -> None:
    district, caller = await district_of(database)
    new = {
        "parentId": global_id("Jurisdiction", district.bureau.id),
        "name": "镇",
        "latitude": 31.0,
        "longitude": 121.2,
    }

    payload = await act(
        database, caller, "jurisdictionAdd", new | {"code": district.office.code}, "jurisdiction { id }"
    )

    assert (payload["jurisdiction"], payload["refused"]) == (None, ["ALREADY_KNOWN input code"])
    async with database.reading() as db:
        assert (await db.exec(select(func.count(col(Jurisdiction.id))))).one() == 3


async def test_a_site_is_added_offers_and_is_read(database: Database) -> None:
    district, caller = await district_of(database, Role.OFFICE)
    new = {
        "jurisdictionId": global_id("Jurisdiction", district.office.id),
        "name": "新场",
        "latitude": 31.0,
        "longitude": 121.2,
        "rooms": 2,
        "hostEnterpriseId": global_id("Enterprise", district.enterprise.id),
    }

    added = await act(database, caller, "siteAdd", new, "site { id roomCount host { name } }")
    offered = await act(
        database,
        caller,
        "siteOfferSet",
        {
            "siteId": added["site"]["id"],
            "examId": global_id("Exam", district.item.theory.id),
            "places": 20,
            "openCostFen": 5000,
        },
        "site { offers { places openCostFen exam { subject } } }",
    )

    assert added["site"]["roomCount"] == 2
    assert added["site"]["host"] == {"name": district.enterprise.name}
    assert offered["site"]["offers"] == [{"places": 20, "openCostFen": 5000, "exam": {"subject": "THEORY"}}]


async def test_closing_a_site_in_use_says_how_many_and_when(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )

    refused = await act(database, caller, "siteClose", closing(district))
    async with database.reading() as db:
        closures = (await db.exec(select(func.count(col(SiteClosure.id))))).one()
    closed = await act(
        database,
        caller,
        "siteClose",
        closing(district, cancelSessions=True),
        "site { closures { fromDay beforeDay reason } }",
    )

    assert refused["refused"] == ["SITE_IN_USE input cancelSessions"]
    assert "2026-04-15 (1)" in refused["userErrors"][0]["message"]
    assert closures == 0
    assert closed["site"]["closures"] == [{"fromDay": "2026-04-15", "beforeDay": "2026-04-16", "reason": "修缮"}]
    async with database.reading() as db:
        state = (await db.exec(select(col(Session.state)).where(col(Session.id) == session.id))).one()
        assert state is SessionState.CANCELLED


async def test_a_firm_closes_no_site(database: Database) -> None:
    district, caller = await district_of(database, Role.ENTERPRISE)

    assert (await act(database, caller, "siteClose", closing(district)))["refused"] == ["NOT_ALLOWED"]


async def test_forged_foreign_and_absent_sites_answer_alike(database: Database) -> None:
    _, caller = await district_of(database)
    foreign, _ = await district_of(database)
    site_ids = ("%%%", global_id("Site", foreign.site.id), global_id("Site", 10**9), global_id("Room", 1))

    messages = set()
    for site_id in site_ids:
        payload = await act(database, caller, "siteClose", closing(foreign, siteId=site_id))
        assert payload["refused"] == ["NOT_FOUND input siteId"]
        messages |= {error["message"].lower() for error in payload["userErrors"]}
    assert len(messages) == 1


async def test_sites_cost_the_same_statements_for_one_and_for_many(database: Database) -> None:
    district, caller = await district_of(database)
    counted: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    await read(database, caller, SITES)
    for_one = len(counted)
    async with database.writing(actor="test", now=NOW) as db:
        for _ in range(10):
            await make.make_site(db, jurisdiction=district.office, exams=[district.item.theory], rooms=2)
    counted.clear()
    found = (await read(database, caller, SITES))["sites"]["nodes"]

    assert len(found) == 11
    assert found[1]["roomCount"] == 2
    assert len(counted) == for_one


async def test_sites_are_found_by_what_they_offer(database: Database) -> None:
    district, caller = await district_of(database)
    async with database.writing(actor="test", now=NOW) as db:
        other = await make.make_item(db)
        await make.make_site(db, jurisdiction=district.office, exams=[other.theory])
    exam_id = global_id("Exam", district.item.practical.id)

    found = await read(database, caller, f'{{ sites(examId: "{exam_id}") {{ nodes {{ name }} }} }}')

    assert found["sites"]["nodes"] == [{"name": district.site.name}]
