"""Endpoints of exam bodies' own systems: made with a secret shown once, rotated, disabled, delivered to again."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.journal import OutboxMessage
from models.parties import WebhookEndpoint
from models.sealing import Sealer
from models.vocabulary import Role
from scheduler.callers import Caller, require
from scheduler.channels.addresses import is_public, literal
from scheduler.journal import note
from scheduler.outbox import owe_again
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.typed import refuse_any, why_not_between
from scheduler.visibility import visible

SECRET_BYTES = 32
SHOWN_AS = "whsec_"
MOST_ENDPOINTS = 10
LONGEST_URL = 500
LONGEST_OVERLAP_HOURS = 30 * 24
BY_HAND = "disabled by hand"
GONE = "its receiver answered 410 Gone"
URL = ("input", "url")
ENDPOINT_ID = ("input", "endpointId")
MESSAGE_ID = ("input", "messageId")


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint with its new secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str


async def create_endpoint(
    db: AsyncSession, url: str, *, sealer: Sealer, caller: Caller, now: datetime, to_loopback: bool
) -> Shown:
    """
    Let an exam body's system hear of its events from now on.

    Raises:
        Refused: NOT_ALLOWED; BAD_INPUT for an address that nothing may be sent to; OUT_OF_RANGE for too many.
    """
    require(caller, Role.EXAM_BODY)
    refuse_any(why_not_url(url, to_loopback=to_loopback))
    own = visible(WebhookEndpoint, caller).with_for_update()
    if len((await db.exec(own)).all()) >= MOST_ENDPOINTS:
        raise refuse(Code.OUT_OF_RANGE, f"An exam body has {MOST_ENDPOINTS} endpoints at most: use one of those.", *URL)
    # A secret is sealed for one row, so that row's key must be known before.
    key = (await db.exec(select(func.nextval(func.pg_get_serial_sequence("webhook_endpoint", "id"))))).one()
    secret = secrets.token_bytes(SECRET_BYTES)
    endpoint = WebhookEndpoint(
        id=key,
        exam_body_id=caller.exam_body_id or 0,
        url=url.strip(),
        secret_sealed=sealer.seal_secret(secret, context=context_of(key)),
        made_at=now,
    )
    db.add(endpoint)
    await db.flush()
    await note(db, "webhook endpoint created", "webhook_endpoint", key)
    return Shown(endpoint, shown(secret))


async def rotate_secret(
    db: AsyncSession, endpoint_id: int, overlap_hours: int, *, sealer: Sealer, caller: Caller, now: datetime
) -> Shown:
    """
    Give an endpoint a new secret; the one until now signs beside it for so many hours.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, OUT_OF_RANGE.
    """
    refuse_any(why_not_between(overlap_hours, 0, LONGEST_OVERLAP_HOURS, "input", "overlapHours"))
    endpoint = await own_endpoint(db, endpoint_id, caller=caller)
    secret = secrets.token_bytes(SECRET_BYTES)
    endpoint.retiring_sealed, endpoint.retiring_until = endpoint.secret_sealed, now + timedelta(hours=overlap_hours)
    endpoint.secret_sealed = sealer.seal_secret(secret, context=context_of(endpoint.id))
    await db.flush()
    await note(db, "webhook secret rotated", "webhook_endpoint", endpoint.id, overlap_hours=overlap_hours)
    return Shown(endpoint, shown(secret))


async def switch_endpoint(
    db: AsyncSession, endpoint_id: int, *, on: bool, caller: Caller, now: datetime
) -> WebhookEndpoint:
    """
    Disable an endpoint, or enable it again; what happens meanwhile is not announced to it later.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND.
    """
    endpoint = await own_endpoint(db, endpoint_id, caller=caller)
    endpoint.disabled_at, endpoint.disabled_reason = (None, None) if on else (now, BY_HAND)
    await db.flush()
    await note(db, f"webhook endpoint {'enabled' if on else 'disabled'}", "webhook_endpoint", endpoint.id)
    return endpoint


async def redeliver(db: AsyncSession, message_id: int, *, caller: Caller, now: datetime) -> OutboxMessage:
    """
    Send an event once more to its endpoint, under the id it had.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; WRONG_STATE where it is still due by itself, or the endpoint is disabled.
    """
    require(caller, Role.EXAM_BODY)
    seen = visible(OutboxMessage, caller).where(col(OutboxMessage.id) == message_id).with_for_update()
    message = (await db.exec(seen)).one_or_none()
    if message is None:
        raise not_found("OutboxMessage", *MESSAGE_ID)
    if message.delivered_at is None and not message.is_dead:
        raise refuse(Code.WRONG_STATE, "It is still on its way: wait for its next attempt.", *MESSAGE_ID)
    endpoint = await own_endpoint(db, message.endpoint_id or 0, caller=caller)
    if endpoint.disabled_at is not None:
        raise refuse(Code.WRONG_STATE, "Its endpoint is disabled: enable that first.", *MESSAGE_ID)
    owe_again(message, now=now)
    await db.flush()
    await note(db, "redelivered", "outbox_message", message.id)
    return message


async def own_endpoint(db: AsyncSession, endpoint_id: int, *, caller: Caller) -> WebhookEndpoint:
    """
    The caller's own endpoint, locked.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND.
    """
    require(caller, Role.EXAM_BODY)
    own = visible(WebhookEndpoint, caller).where(col(WebhookEndpoint.id) == endpoint_id).with_for_update()
    endpoint = (await db.exec(own)).one_or_none()
    if endpoint is None:
        raise not_found("WebhookEndpoint", *ENDPOINT_ID)
    return endpoint


async def disable_gone(db: AsyncSession, message_ids: Iterable[int], *, now: datetime) -> None:
    """Disable the endpoints whose receivers answered to these messages that nothing more is wanted."""
    theirs = select(col(OutboxMessage.endpoint_id)).where(col(OutboxMessage.id).in_(message_ids))
    gone = select(WebhookEndpoint).where(
        col(WebhookEndpoint.id).in_(theirs), col(WebhookEndpoint.disabled_at).is_(None)
    )
    for endpoint in (await db.exec(gone.order_by(col(WebhookEndpoint.id)).with_for_update())).all():
        endpoint.disabled_at, endpoint.disabled_reason = now, GONE
        await note(db, "webhook endpoint disabled", "webhook_endpoint", endpoint.id, reason=GONE)


async def endpoints_of(db: AsyncSession, messages: Iterable[OutboxMessage]) -> dict[int, WebhookEndpoint]:
    """The endpoints of events, by key."""
    keys = {message.endpoint_id for message in messages if message.endpoint_id is not None}
    wanted = select(WebhookEndpoint).where(col(WebhookEndpoint.id).in_(keys))
    return {endpoint.id: endpoint for endpoint in (await db.exec(wanted)).all()}


def secrets_of(endpoint: WebhookEndpoint, sealer: Sealer, *, now: datetime) -> tuple[bytes, ...]:
    """The secrets that sign at a moment, the newest first."""
    boxes = [endpoint.secret_sealed]
    if endpoint.retiring_sealed is not None and endpoint.retiring_until is not None and now < endpoint.retiring_until:
        boxes.append(endpoint.retiring_sealed)
    return tuple(sealer.unseal_secret(box, context=context_of(endpoint.id)) for box in boxes)


def deliveries_of(caller: Caller, endpoint_id: int) -> SelectOfScalar[OutboxMessage]:
    """The events that an endpoint was or will be sent, as far as the caller sees them."""
    return visible(OutboxMessage, caller).where(col(OutboxMessage.endpoint_id) == endpoint_id)


def context_of(endpoint_id: int) -> str:
    """What an endpoint's secrets are sealed for."""
    return f"webhook_endpoint:{endpoint_id}"


def shown(secret: bytes) -> str:
    """A secret as the standard writes it."""
    return SHOWN_AS + base64.b64encode(secret).decode()


def why_not_url(url: str, *, to_loopback: bool) -> Refusal | None:
    """An https address of a public host; what its name leads to is checked at each delivery."""
    try:
        parts = urlsplit(url.strip())
        port_is_right = parts.port != 0
    except ValueError:
        return Refusal(Code.BAD_INPUT, "This is no address: write it like https://example.cn/events.", URL)
    if len(url) > LONGEST_URL or not url.strip().isascii() or not url.strip().isprintable() or not port_is_right:
        return Refusal(Code.BAD_INPUT, f"Give an address of {LONGEST_URL} ASCII characters at most.", URL)
    if parts.username or parts.password or parts.fragment:
        return Refusal(Code.BAD_INPUT, "Leave user, password and # out of the address: events are signed instead.", URL)
    if to_loopback and parts.scheme in ("http", "https") and is_loopback(parts):
        return None
    if parts.scheme != "https":
        return Refusal(Code.BAD_INPUT, "Give an address that begins with https://.", URL)
    return (
        None if is_public_host(parts) else Refusal(Code.BAD_INPUT, "Give a host that is public on the internet.", URL)
    )


def is_loopback(parts: SplitResult) -> bool:
    """Whether an address names this machine itself."""
    address = literal(parts.hostname or "")
    return parts.hostname == "localhost" or (address is not None and address.is_loopback)


def is_public_host(parts: SplitResult) -> bool:
    """Whether a host is a public address, or a name with a dot that may lead to one."""
    host = parts.hostname or ""
    address = literal(host)
    return is_public(address) if address is not None else "." in host.strip(".") and not host.endswith(".localhost")
