"""
Events reach an exam body's own system: signed so that the standard's own library verifies them, and logged.

Receivers are real servers; they verify with `standardwebhooks`, which shares nothing with our signing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlmodel import col, select
from standardwebhooks import Webhook, WebhookVerificationError

from models.database import Database
from models.journal import AuditEntry, DeliveryAttempt, OutboxMessage
from models.parties import WebhookEndpoint
from models.rounds import Consent
from models.sealing import Sealer
from models.vocabulary import Channel, ConsentParty, ConsentState, Role, SessionState
from scheduler import webhooks
from scheduler.audit.deliveries import DELIVERIES
from scheduler.backoff import MOST_ATTEMPTS
from scheduler.booking import create_bookings
from scheduler.booking_changes import cancel_booking, substitute_booking
from scheduler.callers import Caller
from scheduler.channels.webhook import WebhookChannel
from scheduler.clock import SetClock
from scheduler.deliveries import deliveries
from scheduler.refusals import Refused
from scheduler.session_places import PlacesOrder, set_places
from tests import factories as make
from tests.asking import global_id
from tests.receivers import OK, Received, Receiver, receiving
from tests.scenes import Scene, scene

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]
NEXT_YEAR = date(2027, 4, 14)
REFUSES = b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
SLOW_DOWN = b"HTTP/1.1 429 Slow\r\nretry-after: 7200\r\ncontent-length: 0\r\n\r\n"


@dataclass
class Partner:
    """An exam body with an endpoint, and a clock that stands until it is set."""

    at: Scene
    caller: Caller
    endpoint_id: int
    secret: str
    clock: SetClock

    async def delivered(self, sealer: Sealer = make.SEALER) -> int:
        """Let the job run until it has nothing to do."""
        job, done = deliveries({Channel.WEBHOOK: WebhookChannel(to_loopback=True)}, sealer), 0
        while handled := await job.handle(self.at.database, self.clock):
            done += handled
        return done

    async def events(self) -> Sequence[OutboxMessage]:
        """The delivery log."""
        own = webhooks.deliveries_of(self.caller, self.endpoint_id).order_by(col(OutboxMessage.id))
        async with self.at.database.reading() as db:
            return (await db.exec(own)).all()

    async def resized(self, places: int) -> None:
        """Something that is announced."""
        bureau = await self.at.caller(Role.BUREAU)
        async with self.at.database.writing(actor=bureau.actor, now=self.clock()) as db:
            await set_places(
                db, PlacesOrder(self.at.session.id, places, "一台叉车故障"), caller=bureau, now=self.clock()
            )

    async def rotated(self, overlap_hours: int) -> str:
        """A new secret."""
        async with self.at.database.writing(actor=self.caller.actor, now=self.clock()) as db:
            shown = await webhooks.rotate_secret(
                db, self.endpoint_id, overlap_hours, sealer=make.SEALER, caller=self.caller, now=self.clock()
            )
        return shown.secret


async def partner(database: Database, receiver: Receiver, **session: object) -> Partner:
    # The standard's library looks at the real clock.
    clock, at = SetClock(datetime.now(UTC).replace(microsecond=0)), await scene(database, **session)  # type: ignore[arg-type]
    caller = await at.caller(Role.EXAM_BODY)
    async with database.writing(actor=caller.actor, now=clock()) as db:
        shown = await webhooks.create_endpoint(
            db, receiver.url, sealer=make.SEALER, caller=caller, now=clock(), to_loopback=True
        )
    return Partner(at, caller, shown.endpoint.id, shown.secret, clock)


def verifies(request: Received, secret: str) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_an_event_is_thin_signed_and_logged(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(10)
        await body.delivered()

    (request,), (event,) = receiver.received, await body.events()
    assert orjson.loads(request.body) == {
        "type": "session.changed",
        "timestamp": f"{body.clock():%Y-%m-%dT%H:%M:%SZ}",
        "data": {"sessionId": global_id("Session", body.at.session.id)},
    }
    assert verifies(request, body.secret)
    assert not verifies(request, webhooks.shown(b"x" * 32))
    assert not verifies(Received(request.path, request.headers, request.body + b" "), body.secret)
    assert request.headers["webhook-id"] == str(event.key)
    assert (event.delivered_at, event.recipient) == (body.clock(), f"exam_body:{body.at.district.exam_body.id}")


async def test_the_documents_sample_verifies_what_we_send_and_nothing_else(database: Database) -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/notifications.md").read_text(), re.DOTALL)
    told: dict[str, Any] = {}
    exec(sample, told)  # noqa: S102  # our own document
    async with receiving() as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(10)
        await body.delivered()

    (request,) = receiver.received
    assert told["is_ours"](body.secret, request.headers, request.body)
    assert not told["is_ours"](webhooks.shown(b"x" * 32), request.headers, request.body)
    assert not told["is_ours"](body.secret, request.headers | {"webhook-timestamp": "1"}, request.body)


async def test_two_secrets_sign_while_one_retires_and_one_after(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        new = await body.rotated(overlap_hours=24)
        await body.resized(11)
        await body.delivered()
        async with database.writing(actor="test", now=body.clock()) as db:
            (await db.get_one(WebhookEndpoint, body.endpoint_id)).retiring_until = body.clock()
        await body.resized(10)
        await body.delivered()

    during, after = receiver.received
    assert (verifies(during, body.secret), verifies(during, new)) == (True, True)
    assert (verifies(after, body.secret), verifies(after, new)) == (False, True)


async def test_a_failing_receiver_is_tried_again_with_the_same_id_and_body_when_it_asked_for(
    database: Database,
) -> None:
    async with receiving(REFUSES, SLOW_DOWN, OK) as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(10)
        pauses = []
        for _ in range(3):
            await body.delivered()
            (event,) = await body.events()
            pauses.append(event.due_at - body.clock())
            body.clock.advance_to(event.due_at)

    assert timedelta(seconds=8) <= pauses[0] <= timedelta(seconds=12)
    assert pauses[1] == timedelta(hours=2)
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.received}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.received}) == 3
    async with database.reading() as db:
        own = select(DeliveryAttempt).where(col(DeliveryAttempt.message_id) == event.id)
        log = (await db.exec(own.order_by(col(DeliveryAttempt.id)))).all()
        assert [found for one in DELIVERIES for found in (await one.verdict(db)).violations] == []
    assert [(row.status, row.failure) for row in log] == [(500, "answered 500"), (429, "answered 429"), (204, None)]


async def test_gone_disables_the_endpoint_and_what_was_under_way_to_it_is_dead(database: Database) -> None:
    async with receiving(GONE) as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(11)
        await body.delivered()
        await body.resized(10)
        await body.delivered()

    assert len(receiver.received) == 1
    (event,) = await body.events()  # what happened after is not announced
    assert (event.is_dead, event.attempts) == (True, 1)
    endpoint = await body.at.row(WebhookEndpoint, body.endpoint_id)
    assert (endpoint.disabled_at, endpoint.disabled_reason) == (body.clock(), "its receiver answered 410 Gone")
    with pytest.raises(Refused, match="enable that first"):
        async with database.writing(actor=body.caller.actor, now=body.clock()) as db:
            await webhooks.redeliver(db, event.id, caller=body.caller, now=body.clock())


async def test_a_dead_event_is_sent_once_more_under_its_id_when_its_partner_asks(database: Database) -> None:
    async with receiving(*[REFUSES] * MOST_ATTEMPTS, OK) as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(10)
        for _ in range(MOST_ATTEMPTS):
            await body.delivered()
            body.clock.advance_to(body.clock() + timedelta(days=1))
        (dead,) = await body.events()
        async with database.writing(actor=body.caller.actor, now=body.clock()) as db:
            await webhooks.redeliver(db, dead.id, caller=body.caller, now=body.clock())
        await body.delivered()

    (event,) = await body.events()
    assert (dead.is_dead, event.is_dead, event.delivered_at) == (True, False, body.clock())
    assert {request.headers["webhook-id"] for request in receiver.received} == {str(event.key)}
    async with database.reading() as db:
        acts = (await db.exec(select(col(AuditEntry.act)).where(col(AuditEntry.entity) == "outbox_message"))).all()
    assert list(acts) == ["redelivered"]


async def test_a_secret_whose_key_is_lost_fails_its_own_events_alone(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        await body.resized(10)
        await body.delivered(Sealer(b"another secret, of 32 bytes more", b"p" * 32))
        (before,) = await body.events()
        body.clock.advance_to(before.due_at)
        await body.delivered()

    (event,) = await body.events()
    assert (before.attempts, event.attempts, event.delivered_at) == (1, 2, body.clock())


async def types(body: Partner) -> list[str]:
    return [event.subject for event in await body.events()]


async def test_what_becomes_of_a_session_is_announced(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver, state=SessionState.AGREED)
    states = [SessionState.PUBLISHED, SessionState.FROZEN, SessionState.HELD, SessionState.CLOSED]
    for state in states:
        async with body.at.writing() as db:
            session = await db.get_one(type(body.at.session), body.at.session.id)
            session.state = state
            session.confirmed_at = make.NOW if state is SessionState.FROZEN else None
    async with body.at.writing() as db:
        session = await make.make_session(
            db, site=body.at.district.site, exam=body.at.district.item.theory, exam_body=body.at.district.exam_body,
            day=make.SESSION_DAY + timedelta(days=1),
        )  # fmt: skip
    for change in ({"starts_at": session.starts_at + timedelta(minutes=5)}, {"confirmed_at": make.NOW},
                   {"held": 1}, {"held": 0}, {"state": SessionState.CANCELLED}):  # fmt: skip
        async with body.at.writing() as db:
            row = await db.get_one(type(session), session.id)
            for name, value in change.items():
                setattr(row, name, value)

    assert await types(body) == [
        "session.published", "roster.final", "results.asked",  # the first
        "session.published", "session.changed", "session.confirmed", "session.cancelled",  # the second
    ]  # fmt: skip


async def test_a_consent_asked_and_every_change_of_a_booking_is_announced(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver)
    at, firm = body.at, body.at.firm
    async with at.writing() as db:
        (booking, *_) = await create_bookings(db, at.session.id, firm.ids(0), caller=firm.caller, now=make.NOW)
        await substitute_booking(db, booking.id, firm.ids(1)[0], caller=firm.caller, now=make.NOW)
    async with at.writing() as db:
        await cancel_booking(db, booking.id, caller=firm.caller, now=make.NOW)
    async with at.writing() as db:
        session = await make.make_session(
            db, site=at.district.site, exam=at.district.item.theory, exam_body=at.district.exam_body,
            state=SessionState.PROPOSED, day=make.SESSION_DAY + timedelta(days=1),
        )  # fmt: skip
        asked = {"session_id": session.id, "party": ConsentParty.EXAM_BODY, "exam_body_id": at.district.exam_body.id}
        consent = await make.written(db, Consent(**asked, state=ConsentState.QUEUED, due_at=make.NOW))
        await make.walked(db, consent, [ConsentState.ASKED])

    events = await body.events()
    assert [event.subject for event in events] == [
        "booking.made", "booking.changed", "booking.cancelled", "consent.asked",
    ]  # fmt: skip
    assert orjson.loads(events[0].body)["data"] == {
        "bookingId": global_id("Booking", booking.id), "sessionId": global_id("Session", at.session.id),
    }  # fmt: skip
    assert not any(worker.name in event.body for event in events for worker in firm.workers)


async def test_another_exam_body_hears_and_sees_nothing(database: Database) -> None:
    async with receiving() as receiver:
        body = await partner(database, receiver, day=NEXT_YEAR, places=12)
        other = await partner(database, receiver)
        await body.resized(10)

    assert (len(await body.events()), len(await other.events())) == (1, 0)
    (event,) = await body.events()
    with pytest.raises(Refused, match="NOT_FOUND"):
        async with database.writing(actor=other.caller.actor, now=make.NOW) as db:
            await webhooks.redeliver(db, event.id, caller=other.caller, now=make.NOW)
    with pytest.raises(Refused, match="NOT_FOUND"):
        async with database.writing(actor=other.caller.actor, now=make.NOW) as db:
            await webhooks.own_endpoint(db, body.endpoint_id, caller=other.caller)
