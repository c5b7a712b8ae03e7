"""Whoever looks after a party lets it sign in; the password is its own."""

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry
from models.parties import Account
from models.vocabulary import Role
from scheduler.account_opening import AccountOrder, PasswordOrder, change_password, open_account
from scheduler.accounts import caller_with, sign_in
from scheduler.callers import Caller
from scheduler.refusals import Code, Refused
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

NEW = "a password of one's own"


async def official(database: Database, role: Role) -> tuple[make.District, Caller]:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        party = {Role.OFFICE: district.office, Role.TOWN: district.town, Role.BUREAU: district.bureau}[role]
        return district, await make.make_caller(db, role=role, party=party)


async def opened(database: Database, order: AccountOrder, caller: Caller) -> tuple[Account, str]:
    async with database.writing(actor=caller.actor, now=NOW) as db:
        return await open_account(db, order, caller=caller)


async def refused(database: Database, order: AccountOrder, caller: Caller) -> list[tuple[Code, str]]:
    with pytest.raises(Refused) as raised:
        await opened(database, order, caller)
    return [(reason.code, reason.path[-1] if reason.path else "") for reason in raised.value.reasons]


async def test_a_new_firm_signs_in_with_the_password_that_its_office_hands_over(database: Database) -> None:
    district, office = await official(database, Role.OFFICE)

    account, password = await opened(
        database, AccountOrder("new-firm", "新企业", enterprise_id=district.enterprise.id), office
    )
    caller = (await sign_in(database, "new-firm", password, now=NOW)).caller

    assert (caller.role, caller.enterprise_id) == (Role.ENTERPRISE, district.enterprise.id)
    async with database.reading() as db:
        entry = (await db.exec(select(AuditEntry).where(col(AuditEntry.act) == "account opened"))).one()
    assert (entry.actor, entry.entity_id) == (office.actor, account.id)
    assert password not in str(entry.detail)


async def test_the_bureau_opens_accounts_for_its_offices_exam_bodies_and_examiners(database: Database) -> None:
    district, bureau = await official(database, Role.BUREAU)
    async with database.writing(actor="test", now=NOW) as db:
        examiner = await make.make_examiner(db, exam_body=district.exam_body)

    for order, role in (
        (AccountOrder("an-office", "所", jurisdiction_id=district.office.id), Role.OFFICE),
        (AccountOrder("a-town", "镇", jurisdiction_id=district.town.id), Role.TOWN),
        (AccountOrder("a-body", "机构", exam_body_id=district.exam_body.id), Role.EXAM_BODY),
        (AccountOrder("an-examiner", "考评员", examiner_id=examiner.id), Role.EXAMINER),
    ):
        _, password = await opened(database, order, bureau)
        assert (await sign_in(database, order.login, password, now=NOW)).caller.role is role


async def test_nobody_opens_accounts_beyond_their_own_ground(database: Database) -> None:
    district, office = await official(database, Role.OFFICE)
    elsewhere, _ = await official(database, Role.OFFICE)

    for order, expected in (
        (AccountOrder("login-1", "x", enterprise_id=elsewhere.enterprise.id), (Code.NOT_FOUND, "enterpriseId")),
        (AccountOrder("login-2", "x", jurisdiction_id=district.town.id), (Code.NOT_FOUND, "jurisdictionId")),
        (AccountOrder("login-3", "x", exam_body_id=district.exam_body.id), (Code.NOT_ALLOWED, "")),
    ):
        assert await refused(database, order, office) == [expected]


async def test_what_makes_no_account_is_named(database: Database) -> None:
    district, office = await official(database, Role.OFFICE)
    firm = {"enterprise_id": district.enterprise.id}
    await opened(database, AccountOrder("taken", "x", **firm), office)

    assert await refused(database, AccountOrder("taken", "x", **firm), office) == [(Code.ALREADY_KNOWN, "login")]
    assert await refused(database, AccountOrder("Ä", " ", **firm), office) == [
        (Code.BAD_INPUT, "login"),
        (Code.BAD_INPUT, "name"),
    ]
    both = AccountOrder("both", "x", jurisdiction_id=district.office.id, **firm)
    assert await refused(database, both, office) == [(Code.BAD_INPUT, "enterpriseId")]


async def test_a_changed_password_ends_every_other_sign_in(database: Database) -> None:
    district, office = await official(database, Role.OFFICE)
    _, first = await opened(database, AccountOrder("firm", "x", enterprise_id=district.enterprise.id), office)
    here, there = [await sign_in(database, "firm", first, now=NOW) for _ in range(2)]

    async with database.writing(actor=here.caller.actor, now=NOW) as db:
        order = PasswordOrder(first, NEW)
        await change_password(db, order, token=here.token, caller=here.caller, now=NOW)

    async with database.reading() as db:
        assert await caller_with(db, here.token, now=NOW) is not None
        assert await caller_with(db, there.token, now=NOW) is None
    with pytest.raises(Refused):
        await sign_in(database, "firm", first, now=NOW)
    assert (await sign_in(database, "firm", NEW, now=NOW)).caller.role is Role.ENTERPRISE


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (PasswordOrder("wrong", NEW), (Code.WRONG_PASSWORD, "oldPassword")),
        (PasswordOrder("x", "short"), (Code.BAD_INPUT, "newPassword")),
        (PasswordOrder(NEW, NEW), (Code.BAD_INPUT, "newPassword")),
    ],
)
async def test_a_password_that_is_none_is_refused(
    database: Database, order: PasswordOrder, expected: tuple[Code, str]
) -> None:
    district, office = await official(database, Role.OFFICE)
    _, first = await opened(database, AccountOrder("firm", "x", enterprise_id=district.enterprise.id), office)
    here = await sign_in(database, "firm", first, now=NOW)

    with pytest.raises(Refused) as raised:
        async with database.writing(actor="test", now=NOW) as db:
            await change_password(db, order, token=here.token, caller=here.caller, now=NOW)

    assert [(reason.code, reason.path[-1]) for reason in raised.value.reasons] == [expected]
