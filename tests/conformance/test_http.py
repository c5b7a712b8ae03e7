"""GraphQL over HTTP, by the specification's own audits (`graphql-http`)."""

import orjson
import pytest

from api.app import application
from api.commands.serving import bind, serving
from api.graphql.context import Service
from models.database import Database
from models.vocabulary import Role
from scheduler.accounts import open_sign_in
from scheduler.clock import SetClock
from tests import factories as make
from tests.conformance.node import node
from tests.factories import NOW, SEALER

pytestmark = [pytest.mark.asyncio, pytest.mark.conformance]


async def test_every_audit_of_graphql_over_http_passes(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        account = await make.make_account(db, role=Role.AUDITOR)
        signed_in = await open_sign_in(db, account, now=NOW)
    service = Service(database=database, clock=SetClock(NOW), sealer=SEALER)

    with bind("127.0.0.1", 0) as listener:
        async with serving(application(service), listener) as url:
            audits = orjson.loads(await node("http", "audits.mjs", f"{url}/graphql", signed_in.token))

    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61
