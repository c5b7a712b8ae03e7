"""A write sent again under its key is done once and answered alike, whatever happens in between."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlmodel import col, func, select
from starlette.responses import Response
from strawberry import relay
from strawberry.types import ExecutionResult

from api.graphql import execution
from api.graphql.context import Context, Service
from api.graphql.errors import as_public
from api.graphql.idempotency import done_once
from api.graphql.schema import schema
from models.database import Database
from models.demand import Request
from models.journal import AuditEntry, IdempotencyKey
from models.vocabulary import Role
from scheduler import demand
from scheduler.callers import Caller
from scheduler.clock import SetClock
from scheduler.refusals import Code, refuse
from tests import factories as make

pytestmark = pytest.mark.asyncio

SUBMIT = """
mutation Submit($input: RequestSubmitInput!) {
  requestSubmit(input: $input) {
    request {
      id people state exam { subject }
      enterprise { name office { name } workers(first: 5) { nodes { name } } }
    }
    userErrors { code path message }
  }
}
"""
SUBMIT_BY_DIRECTIVE = SUBMIT.replace("!) {", "!, $key: String!) @idempotent(key: $key) {", 1)


@dataclass
class Firm:
    """A firm at the door, with what it asks for."""

    service: Service
    caller: Caller
    variables: dict[str, Any]
    database: Database

    async def send(self, document: str = SUBMIT, *, key: str | None = None, **input_: Any) -> ExecutionResult:
        variables = {**self.variables, "input": {**self.variables["input"], **input_}}
        return await self.say(document, variables, key=key, caller=self.caller)

    async def say(
        self, document: str, variables: dict[str, Any], *, key: str | None, caller: Caller | None
    ) -> ExecutionResult:
        context = Context(self.service, caller=caller, token=None, response=Response())
        context.idempotency_key = key
        return await schema.execute(document, variable_values=variables, context_value=context)

    async def written(self) -> tuple[int, int]:
        """How many requests there are, and how many entries in the audit trail about them."""
        async with self.database.reading() as db:
            requests = (await db.exec(select(func.count(col(Request.id))))).one()
            entries = select(func.count(col(AuditEntry.id))).where(col(AuditEntry.entity) == "request")
            return requests, (await db.exec(entries)).one()

    async def keys(self) -> list[tuple[str, bool]]:
        """The keys kept, and whether each has its answer."""
        async with self.database.reading() as db:
            rows = (await db.exec(select(IdempotencyKey).order_by(col(IdempotencyKey.id)))).all()
        return [(row.key, row.answer is not None) for row in rows]


@pytest_asyncio.fixture
async def firm(database: Database) -> Firm:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        for _ in range(3):
            await make.make_worker(db, enterprise=district.enterprise)
        caller = await make.make_caller(db, role=Role.ENTERPRISE, party=district.enterprise)
    asked = {
        "itemId": relay.to_base64("Item", district.item.item.id),
        "people": 4,
        "workerIds": [],
        "earliestDay": "2026-04-01",
        "latestDay": "2026-05-31",
    }
    service = Service(database, SetClock(make.NOW), make.SEALER)
    return Firm(service, caller, {"input": asked}, database)


def only_error(result: ExecutionResult) -> tuple[str, str]:
    """The code and the words of the one error."""
    assert result.data is None
    assert result.errors
    (error,) = (as_public(each) for each in result.errors)
    assert error.extensions is not None
    return error.extensions["code"], error.message


async def test_without_a_key_each_write_is_done(firm: Firm) -> None:
    await firm.send()
    await firm.send(people=5)

    assert (await firm.written())[0] == 2
    assert await firm.keys() == []


async def test_a_write_sent_again_is_done_once_and_answered_alike(firm: Firm) -> None:
    first = await firm.send(key="one")

    again = await firm.send(key="one")

    assert first.errors is None
    assert first.data is not None
    assert first.data["requestSubmit"]["userErrors"] == []
    assert first.data["requestSubmit"]["request"]["people"] == 4
    assert len(first.data["requestSubmit"]["request"]["enterprise"]["workers"]["nodes"]) == 3
    assert again.errors is None
    assert again.data == first.data
    assert await firm.written() == (1, 1)
    assert await firm.keys() == [("one", True)]


async def test_the_directive_says_the_same_as_the_header(firm: Firm) -> None:
    firm.variables["key"] = "one"
    first = await firm.send(SUBMIT_BY_DIRECTIVE)

    again = await firm.send(SUBMIT_BY_DIRECTIVE, key="one")

    assert first.errors is None
    assert again.data == first.data
    assert await firm.written() == (1, 1)


async def test_the_answer_stays_as_it_was_when_the_row_has_moved_on(firm: Firm, database: Database) -> None:
    first = await firm.send(key="one")
    async with database.writing(actor="test", now=make.NOW) as db:
        row = (await db.exec(select(Request))).one()
        row.people = 9

    again = await firm.send(key="one")

    assert again.data == first.data


async def test_two_at_once_are_one(firm: Firm) -> None:
    answers = await asyncio.gather(*(firm.send(key="one") for _ in range(4)))

    assert all(answer.errors is None for answer in answers)
    assert [answer.data for answer in answers] == [answers[0].data] * 4
    assert answers[0].data["requestSubmit"]["request"]["people"] == 4  # type: ignore[index]
    assert await firm.written() == (1, 1)
    assert await firm.keys() == [("one", True)]


async def test_a_key_belongs_to_one_write(firm: Firm) -> None:
    await firm.send(key="one")

    other = await firm.send(key="one", people=5)

    assert other.errors is None
    assert other.data is not None
    assert [error["code"] for error in other.data["requestSubmit"]["userErrors"]] == ["KEY_REUSED"]
    assert other.data["requestSubmit"]["request"] is None
    assert await firm.written() == (1, 1)
    assert await firm.keys() == [("one", True)]


async def test_a_key_belongs_to_one_account(firm: Firm, database: Database) -> None:
    await firm.send(key="one")
    async with database.writing(actor="test", now=make.NOW) as db:
        enterprise = await make.make_enterprise(db)
        firm.caller = await make.make_caller(db, role=Role.ENTERPRISE, party=enterprise)

    await firm.send(key="one")

    assert await firm.keys() == [("one", True), ("one", True)]


async def test_a_refusal_is_an_answer_too(firm: Firm) -> None:
    first = await firm.send(key="one", people=0)

    again = await firm.send(key="one", people=0)

    assert first.data is not None
    assert first.data["requestSubmit"]["userErrors"] != []
    assert again.data == first.data
    assert await firm.written() == (0, 0)
    assert await firm.keys() == [("one", True)]


async def test_what_a_refused_write_had_begun_is_taken_back(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = demand.submit_request

    async def submit_then_refuse(*given: Any, **named: Any) -> None:
        await submit(*given, **named)
        raise refuse(Code.TOO_LATE, "Too late.")

    monkeypatch.setattr(demand, "submit_request", submit_then_refuse)

    refused = await firm.send(key="one")

    assert refused.data is not None
    assert [error["code"] for error in refused.data["requestSubmit"]["userErrors"]] == ["TOO_LATE"]
    assert await firm.written() == (0, 0)
    assert await firm.keys() == [("one", True)]


async def test_an_answer_lost_on_its_way_is_given_again(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = asyncio.Event()

    async def die_with_the_answer(*given: Any) -> None:
        await done_once(*given)
        lost.set()
        raise asyncio.CancelledError

    monkeypatch.setattr(execution, "done_once", die_with_the_answer)
    with pytest.raises(asyncio.CancelledError):
        await firm.send(key="one")
    monkeypatch.undo()

    again = await firm.send(key="one")

    assert lost.is_set()
    assert again.errors is None
    assert again.data["requestSubmit"]["request"]["people"] == 4  # type: ignore[index]
    assert await firm.written() == (1, 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_crash_before_the_commit_leaves_the_key_free(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = demand.submit_request

    async def submit_then_die(db: Any, *given: Any, **named: Any) -> Any:
        row = await submit(db, *given, **named)
        await db.exec(text("select pg_terminate_backend(pg_backend_pid())"))
        return row

    monkeypatch.setattr(demand, "submit_request", submit_then_die)
    crashed = await firm.send(key="one")
    monkeypatch.setattr(demand, "submit_request", submit)
    assert crashed.errors
    assert await firm.written() == (0, 0)
    assert await firm.keys() == []

    again = await firm.send(key="one")

    assert again.errors is None
    assert await firm.written() == (1, 1)
    assert await firm.keys() == [("one", True)]


async def test_an_answer_with_an_error_is_none_and_nothing_stays(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Context, "row", lambda *_: 1 / 0)
        failed = await firm.send(key="one")

    assert failed.errors
    assert failed.data is None
    assert await firm.written() == (0, 0)
    assert await firm.keys() == []


@pytest.mark.parametrize(
    "document",
    [
        "query { viewer { name } }",
        "mutation { __typename a: signOut { isSignedOut } }",
        "mutation { a: signOut { isSignedOut } b: signOut { isSignedOut } }",
        "mutation { ...Both } fragment Both on Mutation { signOut { isSignedOut } }",
    ],
)
async def test_only_a_mutation_of_one_field_carries_a_key(firm: Firm, document: str) -> None:
    code, words = only_error(await firm.say(document, {}, key="one", caller=firm.caller))

    assert code == "BAD_INPUT"
    assert "exactly one field" in words
    assert await firm.keys() == []


@pytest.mark.parametrize(
    "field",
    [
        'signIn(input: {login: "a", password: "b"}) { token }',
        'accountOpen(input: {login: "abc", name: "b"}) { firstPassword }',
        'passwordChange(input: {oldPassword: "a", newPassword: "0123456789"}) { isChanged }',
    ],
)
async def test_a_secret_is_never_kept(firm: Firm, field: str) -> None:
    code, words = only_error(await firm.say(f"mutation {{ {field} }}", {}, key="one", caller=firm.caller))

    assert (code, words.split()[0]) == ("BAD_INPUT", field.partition("(")[0])
    assert await firm.keys() == []


async def test_nobody_has_no_keys(firm: Firm) -> None:
    code, _ = only_error(await firm.say(SUBMIT, firm.variables, key="one", caller=None))

    assert code == "NOT_SIGNED_IN"
    assert await firm.keys() == []


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\0b"])
async def test_a_key_is_a_short_text(firm: Firm, key: str) -> None:
    code, _ = only_error(await firm.send(key=key))

    assert code == "BAD_INPUT"
    assert await firm.written() == (0, 0)


async def test_header_and_directive_do_not_contradict_each_other(firm: Firm) -> None:
    firm.variables["key"] = "one"

    code, words = only_error(await firm.send(SUBMIT_BY_DIRECTIVE, key="two"))

    assert code == "BAD_INPUT"
    assert "different keys" in words
    assert await firm.written() == (0, 0)


async def test_many_siblings_are_read_inside_the_transaction(firm: Firm) -> None:
    many = " ".join(f"r{n}: request {{ enterprise {{ name office {{ name }} }} exam {{ id }} }}" for n in range(20))
    document = SUBMIT.replace("userErrors", f"{many} userErrors", 1)

    answer = await firm.send(document, key="one")

    assert answer.errors is None
    assert await firm.keys() == [("one", True)]
