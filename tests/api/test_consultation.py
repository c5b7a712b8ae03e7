"""Answers over GraphQL: a *no* names the field and the way out, and writes nothing."""

from typing import Any

import pytest
from starlette.responses import Response
from strawberry import relay

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.rounds import Consent, Objection
from models.vocabulary import ConsentParty, ConsentState, RoundState
from scheduler.callers import Caller
from scheduler.clock import SetClock
from tests import consulting as scene
from tests import factories as make
from tests.consulting import NOW

pytestmark = pytest.mark.asyncio

AGREE = """
mutation Agree($input: ConsentAgreeInput!) {
  consentAgree(input: $input) { consents { state asked session { day } } userErrors { code path } }
}
"""
OBJECT = """
mutation Object($input: ConsentObjectInput!) {
  consentObject(input: $input) { consents { state objection { kind people } } userErrors { code path } }
}
"""


async def say(database: Database, document: str, given: dict[str, Any], *, caller: Caller) -> dict[str, Any]:
    context = Context(Service(database, SetClock(NOW), make.SEALER), caller=caller, token=None, response=Response())
    result = await schema.execute(document, variable_values={"input": given}, context_value=context)
    assert result.errors is None
    assert result.data is not None
    (answer,) = result.data.values()
    return dict(answer)


async def asked_office(database: Database) -> tuple[Consent, Caller, str]:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        request = await scene.ask_for(db, place, place.firm, 6)
        session = await scene.proposed(db, place, planned, place.yard, {request.id: 6})
        consent = await scene.asked(db, session, ConsentParty.OFFICE, place.office)
        return consent, await scene.caller_of(db, ConsentParty.OFFICE, place.office), place.office.name


async def test_an_office_agrees_once(database: Database) -> None:
    consent, office, name = await asked_office(database)
    given = {"consentIds": [relay.to_base64("Consent", consent.id)]}

    first = await say(database, AGREE, given, caller=office)
    second = await say(database, AGREE, given, caller=office)

    assert first["consents"] == [{"state": "AGREED", "asked": name, "session": {"day": f"{scene.DAY}"}}]
    assert second == {
        "consents": [],
        "userErrors": [{"code": "ALREADY_ANSWERED", "path": ["input", "consentIds", "0"]}],
    }


async def test_an_objection_without_the_field_of_its_kind_is_refused(database: Database) -> None:
    consent, office, _ = await asked_office(database)
    given = {"consentId": relay.to_base64("Consent", consent.id), "kind": "AT_LEAST_PEOPLE"}

    refused = await say(database, OBJECT, given, caller=office)
    written = await scene.all_of(database, Objection)
    taken = await say(database, OBJECT, given | {"people": 8}, caller=office)

    assert refused == {"consents": [], "userErrors": [{"code": "BAD_INPUT", "path": ["input", "people"]}]}
    assert written == []
    assert taken["consents"] == [{"state": "OBJECTED", "objection": {"kind": "AT_LEAST_PEOPLE", "people": 8}}]
    assert [row.state for row in await scene.all_of(database, Consent)] == [ConsentState.OBJECTED]
