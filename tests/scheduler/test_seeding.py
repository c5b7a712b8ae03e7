from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from models.catalogue import Exam, ExamRule, Item, ItemRule
from models.columns import Table
from models.database import Database
from models.demand import Request
from models.parties import Account, Enterprise, ExamBody, Examiner, ExaminerSkill, Worker
from models.places import Jurisdiction, Room, Site, SiteClosure, SiteOffer
from models.sealing import Sealer
from models.vocabulary import Role, Tier
from scheduler.accounts import sign_in
from scheduler.seeding.accounts import logins_of
from scheduler.seeding.loading import AlreadySeeded, Loaded, is_a_demos, load, recipe_of
from scheduler.seeding.recipe import Recipe

NOW = datetime(2027, 1, 11, 1, tzinfo=UTC)
RECIPE = Recipe.prepared_from(NOW.date(), seed=1)
DISTRICT = RECIPE.district()
PASSWORD = "jia-men-kou"  # noqa: S105 - of a database that ends with the test
SEALER = Sealer(b"s" * 32, b"p" * 32)


async def seeded(database: Database, recipe: Recipe = RECIPE, *, actor: str = "operator:seed") -> Loaded:
    async with database.writing(actor=actor, now=NOW) as db:
        return await load(db, recipe, sealer=SEALER, password=PASSWORD, now=NOW)


async def count(database: Database, table: type[Table]) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count()).select_from(table))).one()


def test_the_quarter_begins_when_there_was_time_to_prepare_it() -> None:
    assert RECIPE.starts_on == date(2027, 3, 1)
    assert Recipe.prepared_from(date(2027, 1, 18), seed=1).starts_on == date(2027, 4, 1)
    assert Recipe.prepared_from(date(2026, 11, 23), seed=1).starts_on == date(2027, 2, 1)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_district_is_loaded_whole_and_its_requests_are_left_to_the_firms(database: Database) -> None:
    loaded = await seeded(database)

    assert loaded == Loaded(
        jurisdictions=45, items=26, enterprises=300, workers=1600, sites=45, examiners=14, accounts=362
    )
    expected = {
        Jurisdiction: 45,
        Item: 26,
        ItemRule: 26,
        Exam: sum(len(item.subjects) for item in DISTRICT.items),
        ExamRule: sum(len(item.subjects) for item in DISTRICT.items),
        Enterprise: 300,
        Worker: 1600,
        Site: 45,
        Room: sum(site.rooms for site in DISTRICT.sites),
        SiteOffer: sum(len(site.offers) for site in DISTRICT.sites),
        SiteClosure: sum(len(site.closures) for site in DISTRICT.sites),
        ExamBody: 1,
        Examiner: 14,
        ExaminerSkill: sum(len(examiner.skills) for examiner in DISTRICT.examiners),
        Request: 0,
    }
    assert {table: await count(database, table) for table in expected} == expected


@pytest.mark.asyncio(loop_scope="session")
async def test_every_row_hangs_where_the_district_says(database: Database) -> None:
    await seeded(database)

    async with database.reading() as db:
        nodes = {node.id: node for node in (await db.exec(select(Jurisdiction))).all()}
        firms = (await db.exec(select(Enterprise))).all()
        offers = await db.exec(
            select(Site.name, Item.code, Item.scope_limit, Exam.subject, SiteOffer.places)
            .join(SiteOffer, col(SiteOffer.site_id) == col(Site.id))
            .join(Exam, col(Exam.id) == col(SiteOffer.exam_id))
            .join(Item, col(Item.id) == col(Exam.item_id))
        )
        shown = {
            (name, code if limit is None else f"{code}-{limit}", subject, n) for name, code, limit, subject, n in offers
        }

    assert {(node.code, node.parent_id and nodes[node.parent_id].code) for node in nodes.values()} == {
        (node.code, node.parent) for node in DISTRICT.jurisdictions
    }
    assert {(firm.credit_code, nodes[firm.office_id].code) for firm in firms} == {
        (firm.credit_code, firm.office) for firm in DISTRICT.enterprises
    }
    assert shown == {
        (site.name, offer.exam.item, offer.exam.subject, offer.places)
        for site in DISTRICT.sites
        for offer in site.offers
    }


@pytest.mark.asyncio(loop_scope="session")
async def test_each_number_is_sealed_for_its_own_row(database: Database) -> None:
    await seeded(database)
    numbers = {worker.name: worker.document for worker in DISTRICT.workers}

    async with database.reading() as db:
        workers = (await db.exec(select(Worker).limit(20))).all()

    for worker in workers:
        opened = SEALER.unseal(worker.document_sealed, kind=worker.document_kind, context=f"worker:{worker.id}")
        assert opened == numbers[worker.name]
        assert opened.number not in worker.document_masked


@pytest.mark.asyncio(loop_scope="session")
async def test_every_number_of_a_rule_says_where_it_comes_from(database: Database) -> None:
    await seeded(database)

    async with database.reading() as db:
        rules = (await db.exec(select(ItemRule))).all()

    for rule in rules:
        assert {"valid_years", "most_age", "retakes", "THEORY.pass_mark"} <= set(rule.provenance)
        assert all(set(source) == {"source", "confidence"} for source in rule.provenance.values())


@pytest.mark.asyncio(loop_scope="session")
async def test_every_role_signs_in_with_the_one_password(database: Database) -> None:
    await seeded(database)
    roles = {
        "bureau": Role.BUREAU,
        "town-310117105": Role.TOWN,
        "office-310117105-1": Role.OFFICE,
        "firm-001": Role.ENTERPRISE,
        "exam-body": Role.EXAM_BODY,
        "examiner-01": Role.EXAMINER,
        "auditor": Role.AUDITOR,
        "operator": Role.OPERATOR,
    }

    signed_in = {login: await sign_in(database, login, PASSWORD, now=NOW) for login in roles}

    assert {login: done.caller.role for login, done in signed_in.items()} == roles
    assert set(roles.values()) == set(Role)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_second_load_is_refused_and_changes_nothing(database: Database) -> None:
    await seeded(database)

    with pytest.raises(AlreadySeeded, match="holds a district already"):
        await seeded(database, Recipe.prepared_from(NOW.date(), seed=2))

    assert await count(database, Enterprise) == 300
    assert await count(database, Account) == 362


@pytest.mark.asyncio(loop_scope="session")
async def test_a_database_remembers_what_its_district_was_drawn_from(database: Database) -> None:
    async with database.reading() as db:
        assert await recipe_of(db) is None
        assert await is_a_demos(db)

    await seeded(database)

    async with database.reading() as db:
        assert await recipe_of(db) == RECIPE
        assert not await is_a_demos(db)


@pytest.mark.asyncio(loop_scope="session")
async def test_what_a_demo_loaded_is_a_demos(database: Database) -> None:
    await seeded(database, actor="operator:demo")

    async with database.reading() as db:
        assert await is_a_demos(db)


def test_logins_are_plain_in_the_first_bureau_and_different_in_every_other() -> None:
    district = Recipe.prepared_from(NOW.date(), seed=1, bureaus=3).district()

    logins = logins_of(district)

    everyone = [
        *logins.jurisdictions.values(),
        *logins.enterprises.values(),
        *logins.exam_bodies.values(),
        *logins.examiners.values(),
    ]
    assert len(set(everyone)) == len(everyone) == 3 * (45 + 300 + 1 + 14)
    bureaus = [logins.jurisdictions[node.code] for node in district.jurisdictions if node.tier is Tier.BUREAU]
    assert bureaus == ["bureau", "bureau-sf0001", "bureau-sf0002"]
    assert list(logins.examiners.values())[:15:14] == ["examiner-01", "examiner-sf0001-01"]
