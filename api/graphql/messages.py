"""Messages out: those that were given up, every attempt, and trying again by hand."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, keys_of
from api.graphql.errors import Payload
from api.graphql.lists import Channel, Courtesy
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from models.journal import DeliveryAttempt as DeliveryAttemptRow
from models.journal import OutboxMessage as OutboxMessageRow
from scheduler import dead_letters
from scheduler.visibility import visible


@strawberry.type(description="One attempt to deliver a message; nothing of what the message says.")
class DeliveryAttempt(Entity, relay.Node):
    """What came of one attempt."""

    TABLE: ClassVar = DeliveryAttemptRow
    id: relay.NodeID[int]
    at: datetime = strawberry.field(description="When it ended.")
    channel: Channel | None = strawberry.field(description="By what; empty where no address was known.")
    status: int | None = strawberry.field(description="The other side's status, of HTTP or SMTP.")
    failure: str | None = strawberry.field(description="What went wrong; empty if it was delivered.")
    took_ms: int = strawberry.field(description="How long it took, in milliseconds.")


@strawberry.type(description="A message out (待发消息), without what it says.")
class OutboxMessage(Entity, relay.Node):
    """A message and how it fares."""

    TABLE: ClassVar = OutboxMessageRow
    id: relay.NodeID[int]
    key: UUID = strawberry.field(
        description="Its id outside, the same over all attempts: receivers drop repeats by it."
    )
    recipient: str = strawberry.field(description="The party, such as `enterprise:12`.")
    subject: str = strawberry.field(description="Its subject; for a webhook, the type of event.")
    courtesy: Courtesy | None = strawberry.field(description="Which courtesy it is; empty for an official notice.")
    made_at: datetime = strawberry.field(description="When it was owed.")
    due_at: datetime = strawberry.field(description="When it is tried next, if it is neither delivered nor dead.")
    delivered_at: datetime | None = strawberry.field(description="When the other side took it.")
    is_dead: bool = strawberry.field(description="Whether it was given up.")
    is_withheld: bool = strawberry.field(description="Whether it was not sent, as its recipient unsubscribed.")

    @strawberry.field(name="key", description="Its id outside, the same each time: receivers drop repeats by it.")
    def key_shown(self) -> str:
        """The id in text."""
        return str(self.key)

    @strawberry.field(description="Every attempt, oldest first.")
    async def attempts(self, info: Info) -> list[DeliveryAttempt]:
        """The delivery log."""
        loader = info.context.loader("attempts of messages", lambda ids: attempts_of(info, ids))
        return [DeliveryAttempt.from_row(row) for row in await loader.load(self.id)]


async def attempts_of(info: Info, message_ids: list[int]) -> list[list[DeliveryAttemptRow]]:
    """The attempts of each message, oldest first, in one statement."""
    seen = visible(DeliveryAttemptRow, info.context.caller)
    wanted = seen.where(col(DeliveryAttemptRow.message_id).in_(message_ids)).order_by(col(DeliveryAttemptRow.id))
    async with info.context.reading() as db:
        rows = (await db.exec(wanted)).all()
    return [[row for row in rows if row.message_id == message_id] for message_id in message_ids]


@strawberry.input(description="Dead letters to be sent again.")
class DeadLettersRetryInput:
    """What deadLettersRetry takes."""

    message_ids: list[strawberry.ID] = strawberry.field(description="1 to 100 messages, all of them dead.")


@strawberry.type(description="The answer to deadLettersRetry.")
class DeadLettersRetryPayload(Payload):
    """What is due again."""

    messages: list[OutboxMessage] = strawberry.field(
        default_factory=list, description="The messages, due now under the ids they had; none if refused."
    )


@strawberry.type
class MessageQuery:
    """Reads of messages."""

    @paged("Messages that were given up (死信). For auditors and operators.")
    async def dead_letters(self, info: Info, page: Page) -> Connection[OutboxMessage]:
        """A page of them, oldest first."""
        return await connect(info, OutboxMessage, dead_letters.dead_letters(info.context.caller), page)


@strawberry.type
class MessageMutation:
    """Acts on messages."""

    @mutation("Send dead letters again, under the ids they had. For operators.")
    async def dead_letters_retry(self, info: Info, input: DeadLettersRetryInput) -> DeadLettersRetryPayload:
        """Due now, with all attempts before them."""
        context = info.context
        ids = keys_of(input.message_ids, OutboxMessage, *dead_letters.IDS)
        rows = await dead_letters.retry(context.db, ids, caller=context.caller, now=context.now())
        return DeadLettersRetryPayload(messages=[OutboxMessage.from_row(row) for row in rows])
