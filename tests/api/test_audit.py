"""The audit trail as auditors read it, and the command that audits."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text
from starlette.responses import Response
from strawberry import relay
from strawberry.types import ExecutionResult

from api.commands.audit import audit
from api.graphql.audit import table_of, type_of
from api.graphql.context import Context, Service
from api.graphql.errors import as_public
from api.graphql.schema import schema
from models.database import Database
from models.registry import metadata
from models.sessions import Session
from models.vocabulary import Role, RoundState, SessionState
from scheduler.clock import SetClock
from tests import factories as make

pytestmark = pytest.mark.asyncio

ENTRIES = """
query Entries($entity: String, $entityId: ID, $actor: String, $first: Int, $after: String) {
  auditEntries(entity: $entity, entityId: $entityId, actor: $actor, first: $first, after: $after) {
    nodes { id at actor act entity entityId fromState toState detail }
    pageInfo { hasNextPage endCursor }
  }
}
"""
STATES = ("PROPOSED", "AGREED", "PUBLISHED", "FROZEN")


@pytest_asyncio.fixture
async def session(database: Database) -> Session:
    """A frozen session of a round, published by `account:7`."""
    async with database.writing(actor="account:7", now=make.NOW) as db:
        district = await make.make_district(db)
        return await make.make_session(
            db,
            site=district.site,
            exam=district.item.theory,
            exam_body=district.exam_body,
            state=SessionState.FROZEN,
        )


async def asked(database: Database, role: Role = Role.AUDITOR, **variables: Any) -> ExecutionResult:
    async with database.writing(actor="test", now=make.NOW) as db:
        party = None if role in (Role.AUDITOR, Role.OPERATOR) else await make.make_bureau(db)
        caller = await make.make_caller(db, role=role, party=party)
    service = Service(database, SetClock(make.NOW), make.SEALER)
    context = Context(service, caller=caller, token=None, response=Response())
    return await schema.execute(ENTRIES, variable_values=variables, context_value=context)


def nodes(result: ExecutionResult) -> Sequence[dict[str, Any]]:
    assert result.errors is None
    assert result.data is not None
    found: Sequence[dict[str, Any]] = result.data["auditEntries"]["nodes"]
    return found


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
async def test_the_history_of_one_row_is_read_from_its_birth(database: Database, session: Session, role: Role) -> None:
    session_id = relay.to_base64("Session", session.id)

    entries = nodes(await asked(database, role, entityId=session_id))

    assert [(entry["fromState"], entry["toState"]) for entry in entries] == list(
        zip((None, *STATES), STATES, strict=False)
    )
    assert {(entry["actor"], entry["act"], entry["entity"], entry["entityId"]) for entry in entries} == {
        ("account:7", "state", "session", session_id)
    }
    assert {(entry["at"], str(entry["detail"])) for entry in entries} == {(make.NOW.isoformat(), "{}")}


@pytest.mark.usefixtures("session")
async def test_the_trail_is_filtered_by_entity_and_actor_and_read_page_by_page(database: Database) -> None:
    assert {entry["entity"] for entry in nodes(await asked(database, entity="round"))} == {"round"}
    assert nodes(await asked(database, actor="account:8")) == []

    first = await asked(database, actor="account:7", first=3)
    rest = await asked(database, actor="account:7", after=first.data["auditEntries"]["pageInfo"]["endCursor"])  # type: ignore[index]

    assert len(nodes(first)) == 3
    assert [*nodes(first), *nodes(rest)] == nodes(await asked(database, actor="account:7"))


@pytest.mark.usefixtures("session")
async def test_nobody_else_reads_the_trail(database: Database) -> None:
    result = await asked(database, Role.BUREAU)

    assert result.data is None
    assert [as_public(error).extensions["code"] for error in result.errors or ()] == ["NOT_ALLOWED"]  # type: ignore[index]


@pytest.mark.parametrize("forged", ["x", relay.to_base64("Session", "one"), relay.to_base64("Session", 2**63)])
async def test_a_forged_id_is_not_found(database: Database, forged: str) -> None:
    result = await asked(database, entityId=forged)

    assert [as_public(error).extensions["code"] for error in result.errors or ()] == ["NOT_FOUND"]  # type: ignore[index]


@pytest.mark.parametrize("table", sorted(metadata.tables))
async def test_every_table_has_its_type_and_back(table: str) -> None:
    assert table_of(type_of(table)) == table


async def test_the_command_says_that_all_holds_or_names_what_does_not(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    async with database.writing(actor="test", now=make.NOW) as db:
        await make.make_round(db, state=RoundState.PUBLISHED)
    clean = await audit(json=True)
    said = orjson.loads(capsys.readouterr().out)

    async with database.writing(actor="test", now=make.NOW) as db:
        connection = await db.connection()
        await connection.execute(text("alter table round disable trigger guard_state"))
        await connection.execute(text("update round set state = 'CANCELLED'"))
    broken = await audit()
    words = capsys.readouterr().out

    assert (clean, said["holds"]) == (0, True)
    assert broken == 1
    assert "history-ends-in-state" in words
    assert 'is "CANCELLED", its history ends in "PUBLISHED"' in words
