"""Contacts, unsubscribing, dead letters: as their users do it."""

from typing import Any

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry, DeliveryAttempt, OutboxMessage
from models.parties import Contact
from models.vocabulary import Role
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, global_id, read
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

SHOWN = "contact { email phone channel declined }"
DEAD = "{ deadLetters { nodes { id recipient subject attempts { status failure } } } }"


async def caller_with(database: Database, role: Role) -> Caller:
    async with database.writing(actor="test", now=NOW) as db:
        party = await make.make_enterprise(db) if role is Role.ENTERPRISE else None
        return await make.make_caller(db, role=role, party=party)


async def rows(database: Database, table: Any) -> Any:
    async with database.reading() as db:
        return (await db.exec(select(table).order_by(col(table.id)))).all()


async def test_a_firm_says_where_it_is_reached_and_sees_it_again(database: Database) -> None:
    firm = await caller_with(database, Role.ENTERPRISE)
    taken = {"email": " Wang@Firm.Example.CN ", "channel": "GATEWAY"}

    payload = await act(database, firm, "contactSet", taken, SHOWN)

    shown = {"email": "Wang@firm.example.cn", "phone": None, "channel": "GATEWAY", "declined": []}
    assert payload["contact"] == shown
    assert (await read(database, firm, f"{{ {SHOWN} }}"))["contact"] == shown
    (note,) = [entry for entry in await rows(database, AuditEntry) if entry.act == "contact set"]
    assert "irm" not in str(note.detail)


@pytest.mark.parametrize(
    ("taken", "refused"),
    [
        ({"email": "nobody"}, "WRONG_IDENTIFIER input email"),
        ({"email": "a@b.c\nBcc: d@e.f"}, "WRONG_IDENTIFIER input email"),
        ({"email": "王@例.cn"}, "WRONG_IDENTIFIER input email"),
        ({"email": "a" * 65 + "@example.cn"}, "WRONG_IDENTIFIER input email"),
        ({"phone": "12"}, "WRONG_IDENTIFIER input phone"),
        ({"channel": "EMAIL"}, "BAD_INPUT input channel"),
        ({"channel": "WEBHOOK"}, "BAD_INPUT input channel"),
    ],
)
async def test_what_is_no_address_is_refused_and_nothing_is_kept(
    database: Database, taken: dict[str, Any], refused: str
) -> None:
    payload = await act(database, await caller_with(database, Role.ENTERPRISE), "contactSet", taken)

    assert payload["refused"] == [refused]
    assert await rows(database, Contact) == []


async def test_a_contact_is_its_own_partys_alone(database: Database) -> None:
    firm, other = await caller_with(database, Role.ENTERPRISE), await caller_with(database, Role.ENTERPRISE)
    await act(database, firm, "contactSet", {"email": "a@example.cn"})
    (contact,) = await rows(database, Contact)
    node = f'{{ node(id: "{global_id("Contact", contact.id)}") {{ id }} }}'

    assert (await read(database, other, "{ contact { email } }"))["contact"] is None
    assert (await read(database, other, node))["node"] is None
    assert (await act(database, await caller_with(database, Role.AUDITOR), "contactSet", {}))["refused"] == [
        "NOT_ALLOWED"
    ]


async def test_courtesies_are_declined_without_touching_the_addresses(database: Database) -> None:
    firm = await caller_with(database, Role.ENTERPRISE)
    await act(database, firm, "contactSet", {"email": "a@example.cn"})

    payload = await act(database, firm, "courtesiesDecline", {"declined": ["RENEWAL_REMINDER"]}, SHOWN)

    assert payload["contact"] == {
        "email": "a@example.cn", "phone": None, "channel": None, "declined": ["RENEWAL_REMINDER"],
    }  # fmt: skip


async def dead_and_alive(database: Database) -> tuple[OutboxMessage, OutboxMessage]:
    async with database.writing(actor="test", now=NOW) as db:
        dead, alive = (
            OutboxMessage(recipient="enterprise:1", subject="s", body="personal", made_at=NOW, due_at=NOW)
            for _ in range(2)
        )
        dead.is_dead, dead.attempts = True, 12
        db.add_all([dead, alive])
        await db.flush()
        db.add(DeliveryAttempt(message_id=dead.id, at=NOW, status=500, failure="answered 500"))
    return dead, alive


async def test_an_operator_sees_dead_letters_and_sends_them_again_under_their_id(database: Database) -> None:
    operator = await caller_with(database, Role.OPERATOR)
    dead, _ = await dead_and_alive(database)

    (seen,) = (await read(database, operator, DEAD))["deadLetters"]["nodes"]
    payload = await act(database, operator, "deadLettersRetry", {"messageIds": [seen["id"]]}, "messages { key isDead }")

    assert seen["attempts"] == [{"status": 500, "failure": "answered 500"}]
    assert payload["messages"] == [{"key": str(dead.key), "isDead": False}]
    again, _ = await rows(database, OutboxMessage)
    assert (again.is_dead, again.attempts, again.due_at, again.key) == (False, 0, NOW, dead.key)
    assert [(entry.act, entry.entity_id, entry.actor) for entry in await rows(database, AuditEntry)] == [
        ("retried", dead.id, operator.actor)
    ]


async def test_what_is_not_dead_is_not_sent_again_nor_by_anybody_else(database: Database) -> None:
    operator, auditor = await caller_with(database, Role.OPERATOR), await caller_with(database, Role.AUDITOR)
    dead, alive = ({"messageIds": [global_id("OutboxMessage", row.id)]} for row in await dead_and_alive(database))
    both = {"messageIds": dead["messageIds"] + alive["messageIds"]}

    refused = [
        (await act(database, caller, "deadLettersRetry", taken))["refused"]
        for caller, taken in (
            (operator, both),
            (operator, {"messageIds": []}),
            (operator, {"messageIds": [global_id("OutboxMessage", 10**9)]}),
            (auditor, dead),
        )
    ]

    assert refused == [
        ["WRONG_STATE input messageIds"],
        ["OUT_OF_RANGE input messageIds"],
        ["NOT_FOUND input messageIds"],
        ["NOT_ALLOWED"],
    ]
    assert (await rows(database, OutboxMessage))[0].is_dead
