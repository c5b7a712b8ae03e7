"""Nobody sees or changes rows of others: every table and every mutation, tried by all who have no part in it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.graphql.schema import schema
from models.catalogue import Exam, ExamRule, Item, ItemRule
from models.columns import Table
from models.database import Database
from models.journal import AuditEntry
from models.parties import ApiKey, Contact, ExamBody
from models.places import CalendarOverride, Jurisdiction, Site, SiteClosure, SiteOffer, WeatherBlock
from models.rounds import RoundCalendar
from models.vocabulary import KeyScope, Role
from scheduler.callers import Caller
from scheduler.visibility import WHERE, visible
from tests import factories as make
from tests.asking import act, global_id
from tests.factories import NOW
from tests.scheduler.audited_world import World, make_world

pytestmark = pytest.mark.asyncio

# Which row of the world each id of an input stands for, by the input's field without its plural.
ROWS = {
    "apiKeyId": ("ApiKey", "key"),
    "applicationId": ("Application", "applied"),
    "windowId": ("RankedWindow", "open"),
    "bookingId": ("Booking", "named"),
    "absentBookingId": ("Booking", "named"),
    "presentBookingId": ("Booking", "taken"),
    "certificateId": ("Certificate", "renewed"),
    "closureId": ("SiteClosure", "closure"),
    "consentId": ("Consent", "last_consent"),
    "endpointId": ("WebhookEndpoint", "endpoint"),
    "enterpriseId": ("Enterprise", "enterprise"),
    "examBodyId": ("ExamBody", "body"),
    "examId": ("Exam", "exam"),
    "examinerId": ("Examiner", "e1"),
    "holdId": ("Hold", "held"),
    "hostEnterpriseId": ("Enterprise", "enterprise"),
    "itemId": ("Item", "item"),
    "jurisdictionId": ("Jurisdiction", "office"),
    "jobRunId": ("JobRun", "ran"),
    "messageId": ("OutboxMessage", "message"),
    "officeId": ("Jurisdiction", "office"),
    "parentId": ("Jurisdiction", "town"),
    "placeGrantId": ("PlaceGrant", "town_share"),
    "promiseId": ("Promise", "promise"),
    "renewalId": ("Renewal", "renewal"),
    "requestId": ("Request", "request"),
    "roundId": ("Round", "round"),
    "sessionId": ("Session", "to_come"),
    "siteId": ("Site", "empty"),
    "staffGrantId": ("StaffGrant", "town_half_days"),
    "waitingId": ("Waiting", "waiting"),
    "workerId": ("Worker", "w1"),
}
PUBLIC = {"examId", "itemId"}  # everybody's: they make no row of a bureau theirs
VALUES = {"Int": 1, "Float": 1.0, "Boolean": True, "Date": "2026-04-15", "DateTime": NOW.isoformat(), "String": "x"}
MASTER_DATA = {
    *(Jurisdiction, Site, SiteOffer, SiteClosure, WeatherBlock, CalendarOverride),
    *(Item, Exam, ItemRule, ExamRule, ExamBody),
}
COMING_AND_GOING = {"signIn", "signOut", "passwordChange"}
# An operator's own acts; the message and the run of this world are not dead.
OPERATORS = {"deadLettersRetry": {"WRONG_STATE"}, "jobRunsRetry": {"WRONG_STATE"}}
NO = {"NOT_ALLOWED", "NOT_FOUND", "NOT_YOUR_WORKER", "NOT_ON_ROSTER"}


def mutations() -> Iterator[tuple[str, GraphQLInputObjectType]]:
    """Every mutation with its input."""
    kind = schema._schema.mutation_type  # noqa: SLF001 - graphql-core's own schema is inside
    assert kind
    for name, declared in kind.fields.items():
        if name not in COMING_AND_GOING:
            shape = get_named_type(declared.args["input"].type)
            assert isinstance(shape, GraphQLInputObjectType)
            yield name, shape


def typed(name: str, kind: GraphQLInputType, world: World) -> Any:
    """Something of this type; an id is the world's own row."""
    if isinstance(kind, GraphQLNonNull):
        return typed(name, kind.of_type, world)
    if isinstance(kind, GraphQLList):
        return [typed(name.removesuffix("s"), kind.of_type, world)]
    if isinstance(kind, GraphQLInputObjectType):
        return filled(kind, world)
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if kind.name == "ID":
        type_name, row = ROWS[name]
        return global_id(type_name, world.ids[row])
    return VALUES[kind.name]


def filled(shape: GraphQLInputObjectType, world: World) -> dict[str, Any]:
    """An input with all that it needs, and with every id of a row that it takes."""
    wanted = {
        name: each.type
        for name, each in shape.fields.items()
        if isinstance(each.type, GraphQLNonNull) or (get_named_type(each.type).name == "ID" and name not in PUBLIC)
    }
    return {name: typed(name, kind, world) for name, kind in wanted.items()}


def names_a_row(shape: GraphQLInputObjectType) -> bool:
    """Whether an input is about a row that belongs to somebody."""
    ids = {name.removesuffix("s") for name, each in shape.fields.items() if get_named_type(each.type).name == "ID"}
    return bool(ids - PUBLIC)


async def make_strangers(db: AsyncSession) -> list[Caller]:
    """Everyone of another bureau."""
    there = await make.make_district(db)
    parties = {
        Role.ENTERPRISE: there.enterprise,
        Role.OFFICE: there.office,
        Role.TOWN: there.town,
        Role.BUREAU: there.bureau,
        Role.EXAM_BODY: there.exam_body,
        Role.EXAMINER: await make.make_examiner(db, exam_body=there.exam_body),
    }
    return [await make.make_caller(db, role=role, party=party) for role, party in parties.items()]


async def made(database: Database) -> World:
    async with database.writing(actor="account:1", now=NOW) as db:
        world = await make_world(db)
        closed = {"from_day": date(2026, 5, 1), "before_day": date(2026, 5, 3), "reason": "x", "recorded_at": NOW}
        closure = await make.written(db, SiteClosure(site_id=world.district.site.id, **closed))
        account = await make.make_account(db, role=Role.ENTERPRISE, party=world.district.enterprise)
        dated = {"made_at": NOW, "expires_at": NOW + timedelta(days=90)}
        key = ApiKey(account_id=account.id, name="x", prefix="x", secret_hash=b"x", scope=KeyScope.READ, **dated)
        world.ids |= {"exam": world.district.item.theory.id, "body": world.district.exam_body.id, "closure": closure.id}
        world.ids["key"] = (await make.written(db, key)).id
        firm, bureau = world.district.enterprise, world.district.bureau
        await make.written(db, Contact(recipient=f"enterprise:{firm.id}", email="a@example.cn"))
        rhythm = {"months": 1, "collect_days": 10, "consult_working_days": 5, "settle_working_days": 1}
        due = {"next_first_day": date(2026, 5, 1), "opens_at": NOW + timedelta(days=30), "time_limit_seconds": 10}
        await make.written(db, RoundCalendar(bureau_id=bureau.id, **rhythm, **due))
        return world


async def strangers_to(database: Database) -> list[Caller]:
    async with database.writing(actor="account:1", now=NOW) as db:
        return await make_strangers(db)


async def keys_seen(database: Database, table: type[Table], caller: Caller | None = None) -> set[int]:
    """The keys of the rows that somebody sees, or of all that there are."""
    rows = select(table) if caller is None else visible(table, caller)
    async with database.reading() as db:
        return {row.id for row in (await db.exec(rows)).all()}  # type: ignore[attr-defined]  # every table has its key


async def entries(database: Database) -> int:
    async with database.reading() as db:
        return (await db.exec(select(func.count(col(AuditEntry.id))))).one()


async def answers(database: Database, world: World, caller: Caller, *, about_rows: bool) -> dict[str, set[str]]:
    """The codes that each mutation refuses with, and nothing where it is done."""
    found = {}
    for name, shape in mutations():
        if names_a_row(shape) or not about_rows:
            payload = await act(database, caller, name, filled(shape, world), shape=shape.name)
            found[name] = {error["code"] for error in payload["userErrors"]}
    return found


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
async def test_who_sees_everything_changes_nothing(database: Database, role: Role) -> None:
    world = await made(database)
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=role)
    before = await entries(database)

    found = await answers(database, world, caller, about_rows=False)

    assert len(found) >= 40
    wrong = {name: codes for name, codes in found.items() if not codes or codes - NO - OPERATORS.get(name, set())}
    assert wrong == {}
    assert await entries(database) == before


async def test_another_bureaus_people_act_on_none_of_these_rows(database: Database) -> None:
    world, strangers = await made(database), await strangers_to(database)
    before = await entries(database)

    found = {caller.role: await answers(database, world, caller, about_rows=True) for caller in strangers}

    wrong = [(role, name, codes) for role, each in found.items() for name, codes in each.items() if codes - NO]
    done = [(role, name) for role, each in found.items() for name, codes in each.items() if not codes]
    assert len(found[Role.ENTERPRISE]) > 30
    assert (wrong, done) == ([], [])
    assert await entries(database) == before


async def test_another_bureaus_people_see_none_of_these_rows(database: Database) -> None:
    await made(database)
    theirs = {table: await keys_seen(database, table) for table in WHERE if table not in MASTER_DATA}

    for caller in await strangers_to(database):
        seen = {table.__name__: await keys_seen(database, table, caller) & keys for table, keys in theirs.items()}
        assert {name for name, keys in seen.items() if keys} == set(), caller.role

    assert {table.__name__ for table, keys in theirs.items() if not keys} == {"Setting", "Objection"}
