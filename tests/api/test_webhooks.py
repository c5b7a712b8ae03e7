"""Webhook endpoints as an exam body's clerk and an operator meet them."""

import base64
from typing import Any

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry, IdempotencyKey, OutboxMessage
from models.parties import WebhookEndpoint
from models.vocabulary import Role
from scheduler.callers import Caller
from tests import factories as make
from tests.asking import act, ask, global_id, read
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

URL = "https://hooks.example.cn/doorstep"
SHOWN = "endpoint { id url retiringUntil disabledAt disabledReason }"
LOG = """{ webhookEndpoints { nodes { url deliveries { nodes {
  id subject key deliveredAt isDead attempts { status failure channel } } } } } }"""


async def exam_body(database: Database) -> Caller:
    async with database.writing(actor="test", now=NOW) as db:
        bureau = await make.make_bureau(db)
        party = await make.make_exam_body(db, bureau=bureau)
        return await make.make_caller(db, role=Role.EXAM_BODY, party=party)


async def somebody(database: Database, role: Role) -> Caller:
    async with database.writing(actor="test", now=NOW) as db:
        party = await make.make_bureau(db) if role is Role.BUREAU else None
        return await make.make_caller(db, role=role, party=party)


async def rows(database: Database, table: Any) -> Any:
    async with database.reading() as db:
        return (await db.exec(select(table).order_by(col(table.id)))).all()


async def test_an_endpoint_is_created_with_a_secret_that_is_shown_once_and_kept_sealed(database: Database) -> None:
    body = await exam_body(database)

    payload = await act(database, body, "webhookEndpointCreate", {"url": URL}, f"{SHOWN} secret")

    prefix, _, secret = payload["secret"].partition("_")
    assert (prefix, len(base64.b64decode(secret))) == ("whsec", 32)
    (endpoint,) = await rows(database, WebhookEndpoint)
    assert base64.b64decode(secret) not in endpoint.secret_sealed
    assert secret not in str([entry.detail for entry in await rows(database, AuditEntry)])
    seen = await read(database, body, "{ webhookEndpoints { nodes { url retiringUntil } } }")
    assert seen["webhookEndpoints"]["nodes"] == [{"url": URL, "retiringUntil": None}]


async def test_a_secret_is_kept_under_no_idempotency_key(database: Database) -> None:
    body = await exam_body(database)
    document = f'mutation @idempotent(key: "k") {{ webhookEndpointCreate(input: {{url: "{URL}"}}) {{ secret }} }}'

    answer = await ask(database, body, document)

    assert answer["errors"]
    assert (await rows(database, IdempotencyKey), await rows(database, WebhookEndpoint)) == ([], [])


@pytest.mark.parametrize(
    "url", ["http://hooks.example.cn/", "https://169.254.169.254/", "http://127.0.0.1:8000/", "https://localhost/"]
)
async def test_an_address_inside_is_refused_and_nothing_is_kept(database: Database, url: str) -> None:
    payload = await act(database, await exam_body(database), "webhookEndpointCreate", {"url": url}, "secret")

    assert (payload["refused"], payload["secret"]) == (["BAD_INPUT input url"], None)
    assert await rows(database, WebhookEndpoint) == []


async def test_only_exam_bodies_have_endpoints_and_each_its_own_ten(database: Database) -> None:
    body, other = await exam_body(database), await exam_body(database)
    for _ in range(10):
        created = await act(database, body, "webhookEndpointCreate", {"url": URL}, "endpoint { id }")
    endpoint = {"endpointId": created["endpoint"]["id"]}

    refused = [
        (await act(database, caller, field, taken, shape=shape))["refused"]
        for caller, field, taken, shape in (
            (body, "webhookEndpointCreate", {"url": URL}, "WebhookEndpointCreateInput"),
            (
                await somebody(database, Role.BUREAU),
                "webhookEndpointCreate",
                {"url": URL},
                "WebhookEndpointCreateInput",
            ),
            (other, "webhookSecretRotate", endpoint, "WebhookSecretRotateInput"),
            (other, "webhookEndpointDisable", endpoint, "WebhookEndpointSwitchInput"),
            (await somebody(database, Role.OPERATOR), "webhookEndpointDisable", endpoint, "WebhookEndpointSwitchInput"),
            (body, "webhookSecretRotate", endpoint | {"overlapHours": 721}, "WebhookSecretRotateInput"),
        )
    ]

    assert refused == [
        ["OUT_OF_RANGE input url"],
        ["NOT_ALLOWED"],
        ["NOT_FOUND input endpointId"],
        ["NOT_FOUND input endpointId"],
        ["NOT_ALLOWED"],
        ["OUT_OF_RANGE input overlapHours"],
    ]
    assert (await read(database, other, "{ webhookEndpoints { nodes { id } } }"))["webhookEndpoints"]["nodes"] == []


async def test_a_secret_is_rotated_and_an_endpoint_disabled_and_enabled(database: Database) -> None:
    body = await exam_body(database)
    created = await act(database, body, "webhookEndpointCreate", {"url": URL}, "endpoint { id } secret")
    endpoint = {"endpointId": created["endpoint"]["id"]}

    rotated = await act(database, body, "webhookSecretRotate", endpoint, f"{SHOWN} secret")
    disabled = await act(database, body, "webhookEndpointDisable", endpoint, SHOWN, shape="WebhookEndpointSwitchInput")
    enabled = await act(database, body, "webhookEndpointEnable", endpoint, SHOWN, shape="WebhookEndpointSwitchInput")

    assert rotated["secret"] != created["secret"]
    assert rotated["endpoint"]["retiringUntil"] == "2026-03-03T02:00:00+00:00"
    assert disabled["endpoint"]["disabledReason"] == "disabled by hand"
    assert enabled["endpoint"]["disabledAt"] is None
    assert [entry.act for entry in await rows(database, AuditEntry) if entry.entity == "webhook_endpoint"] == [
        "webhook endpoint created",
        "webhook secret rotated",
        "webhook endpoint disabled",
        "webhook endpoint enabled",
    ]


async def test_the_log_shows_its_own_events_alone_and_each_is_delivered_again_once_it_ended(database: Database) -> None:
    body = await exam_body(database)
    await act(database, body, "webhookEndpointCreate", {"url": URL})
    (endpoint,) = await rows(database, WebhookEndpoint)
    event = {"recipient": f"exam_body:{body.exam_body_id}", "body": "{}", "made_at": NOW, "due_at": NOW}
    async with database.writing(actor="test", now=NOW) as db:
        sent = OutboxMessage(**event, subject="session.changed", endpoint_id=endpoint.id, delivered_at=NOW, attempts=1)
        due = OutboxMessage(**event, subject="session.cancelled", endpoint_id=endpoint.id)
        db.add_all([sent, due, OutboxMessage(**event, subject="a notice to people")])

    (seen,) = (await read(database, body, LOG))["webhookEndpoints"]["nodes"]
    again, too_early = [
        await act(database, body, "webhookRedeliver", {"messageId": each["id"]}, "message { key deliveredAt }")
        for each in seen["deliveries"]["nodes"]
    ]
    foreign = await act(
        database, await exam_body(database), "webhookRedeliver", {"messageId": global_id("OutboxMessage", sent.id)}
    )

    assert [each["subject"] for each in seen["deliveries"]["nodes"]] == ["session.changed", "session.cancelled"]
    assert again["message"] == {"key": str(sent.key), "deliveredAt": None}
    assert too_early["refused"] == ["WRONG_STATE input messageId"]
    assert foreign["refused"] == ["NOT_FOUND input messageId"]
