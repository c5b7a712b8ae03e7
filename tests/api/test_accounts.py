"""A new firm comes to its sign-in over GraphQL, and makes the password its own."""

from typing import Any

import pytest

from models.database import Database
from models.vocabulary import Role
from scheduler.accounts import caller_with
from tests import factories as make
from tests.asking import act, ask, global_id
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

SIGN_IN = """
mutation SignIn($login: String!, $password: String!) {
  signIn(input: {login: $login, password: $password}) { token viewer { role name } userErrors { code } }
}
"""
OWN = "a password of one's own"


async def signed_in(database: Database, login: str, password: str) -> Any:
    return (await ask(database, None, SIGN_IN, login=login, password=password))["data"]["signIn"]


async def test_a_firm_that_was_just_registered_signs_in_and_changes_its_password(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        office = await make.make_caller(db, role=Role.OFFICE, party=district.office)
    order = {"login": "new-firm", "name": "新企业", "enterpriseId": global_id("Enterprise", district.enterprise.id)}

    opened = await act(database, office, "accountOpen", order, "login firstPassword")
    first = await signed_in(database, opened["login"], opened["firstPassword"])
    async with database.reading() as db:
        firm = await caller_with(db, first["token"], now=NOW)
    assert firm is not None
    passwords = {"oldPassword": opened["firstPassword"], "newPassword": OWN}
    changed = await act(database, firm, "passwordChange", passwords, "isChanged")

    assert first["viewer"] == {"role": "ENTERPRISE", "name": "新企业"}
    assert changed["isChanged"] is True
    old, new = [await signed_in(database, "new-firm", each) for each in (opened["firstPassword"], OWN)]
    assert [error["code"] for error in old["userErrors"]] == ["WRONG_PASSWORD"]
    assert new["viewer"]["role"] == "ENTERPRISE"


async def test_a_taken_login_names_its_field(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        office = await make.make_caller(db, role=Role.OFFICE, party=district.office)
    order = {"login": "new-firm", "name": "新企业", "enterpriseId": global_id("Enterprise", district.enterprise.id)}
    await act(database, office, "accountOpen", order, "login")

    assert (await act(database, office, "accountOpen", order, "login"))["refused"] == ["ALREADY_KNOWN input login"]
