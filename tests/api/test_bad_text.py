"""What cannot be kept is the caller's mistake, said as such, wherever it is typed."""

import pytest

from api.graphql.errors import as_public
from models.database import Database
from models.vocabulary import Role
from tests import factories as make
from tests.asking import act, ask, global_id
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

SIGN_IN = """
mutation SignIn($login: String!) {
  signIn(input: {login: $login, password: "x"}) { userErrors { code } }
}
"""
NODE = "query Node($id: ID!) { node(id: $id) { id } }"


async def test_a_nul_in_a_text_is_bad_input(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        bureau = await make.make_bureau(db)
        caller = await make.make_caller(db, role=Role.BUREAU, party=bureau)
    town = {"code": "x\0y", "name": "镇", "parentId": global_id("Jurisdiction", bureau.id)}

    added = await act(database, caller, "jurisdictionAdd", town | {"latitude": 31.0, "longitude": 121.0})
    signed_in = await ask(database, None, SIGN_IN, login="a\0b")

    assert [each.split()[0] for each in added["refused"]] == ["BAD_INPUT"]
    (error,) = map(as_public, signed_in["errors"])
    assert error.extensions == {"code": "BAD_INPUT"}
    assert "NUL" in error.message


async def test_an_id_larger_than_any_key_is_nobodys(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        caller = await make.make_caller(db, role=Role.AUDITOR)

    answer = await ask(database, caller, NODE, id=global_id("Site", 10**24))

    assert (answer["data"], answer["errors"]) == ({"node": None}, [])
