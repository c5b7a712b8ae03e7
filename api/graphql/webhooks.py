"""Webhooks: where an exam body's own system hears of events, the delivery log, and delivering again."""

from datetime import datetime
from typing import ClassVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, key_of
from api.graphql.errors import Payload
from api.graphql.messages import OutboxMessage
from api.graphql.mutation import mutation, secret_mutation
from api.graphql.paging import Connection, Page, connect, paged
from models.parties import WebhookEndpoint as WebhookEndpointRow
from scheduler import webhooks
from scheduler.visibility import visible


@strawberry.type(description="Where your system hears of events (事件推送), in the Standard Webhooks form.")
class WebhookEndpoint(Entity, relay.Node):
    """An exam body's endpoint; its secret is never shown again."""

    TABLE: ClassVar = WebhookEndpointRow
    id: relay.NodeID[int]
    url: str = strawberry.field(description="Where events are posted.")
    made_at: datetime = strawberry.field(description="When it was created.")
    retiring_until: datetime | None = strawberry.field(description="Until when the secret before the last signs, too.")
    disabled_at: datetime | None = strawberry.field(description="Since when nothing is sent; empty while it is in use.")
    disabled_reason: str | None = strawberry.field(description="Why nothing is sent.")

    @paged("The events for it, oldest first: the delivery log.")
    async def deliveries(self, info: Info, page: Page) -> Connection[OutboxMessage]:
        """A page of events."""
        return await connect(info, OutboxMessage, webhooks.deliveries_of(info.context.caller, self.id), page)


@strawberry.input(description="A new endpoint.")
class WebhookEndpointCreateInput:
    """What webhookEndpointCreate takes."""

    url: str = strawberry.field(description="An https address on a public host.")


@strawberry.input(description="A new secret for an endpoint.")
class WebhookSecretRotateInput:
    """What webhookSecretRotate takes."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")
    overlap_hours: int = strawberry.field(
        default=24, description="How long the secret until now signs beside the new one: 0 to 720 hours."
    )


@strawberry.input(description="An endpoint to be disabled or enabled.")
class WebhookEndpointSwitchInput:
    """What webhookEndpointDisable and webhookEndpointEnable take."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint.")


@strawberry.input(description="An event to be sent once more.")
class WebhookRedeliverInput:
    """What webhookRedeliver takes."""

    message_id: strawberry.ID = strawberry.field(description="An event of the delivery log, delivered or dead.")


@strawberry.type(description="The answer to what changes an endpoint.")
class WebhookEndpointPayload(Payload):
    """The endpoint as it is now."""

    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint; empty if refused.")


@strawberry.type(description="The answer to what makes a secret.")
class WebhookSecretPayload(Payload):
    """The endpoint, and its secret, once."""

    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint; empty if refused.")
    secret: str | None = strawberry.field(
        default=None, description="Shown this once: `whsec_` and base64; verify signatures with it."
    )


@strawberry.type(description="The answer to webhookRedeliver.")
class WebhookRedeliverPayload(Payload):
    """The event, due again."""

    message: OutboxMessage | None = strawberry.field(default=None, description="The event; empty if refused.")


@strawberry.type
class WebhookQuery:
    """Reads of endpoints."""

    @paged("Your webhook endpoints. For exam bodies; auditors and operators see all.")
    async def webhook_endpoints(self, info: Info, page: Page) -> Connection[WebhookEndpoint]:
        """Endpoints in the order of their keys."""
        return await connect(info, WebhookEndpoint, visible(WebhookEndpointRow, info.context.caller), page)


@strawberry.type
class WebhookMutation:
    """Acts on endpoints."""

    @secret_mutation("Let your system hear of events. For exam bodies.")
    async def webhook_endpoint_create(self, info: Info, input: WebhookEndpointCreateInput) -> WebhookSecretPayload:
        """A new endpoint."""
        context = info.context
        done = await webhooks.create_endpoint(
            context.db,
            input.url,
            sealer=context.service.sealer,
            caller=context.caller,
            now=context.now(),
            to_loopback=context.service.webhooks_to_loopback,
        )
        return WebhookSecretPayload(endpoint=WebhookEndpoint.from_row(done.endpoint), secret=done.secret)

    @secret_mutation("Give an endpoint a new secret; the one until now signs beside it for a while. For exam bodies.")
    async def webhook_secret_rotate(self, info: Info, input: WebhookSecretRotateInput) -> WebhookSecretPayload:
        """A new secret."""
        context = info.context
        done = await webhooks.rotate_secret(
            context.db,
            key_of(input.endpoint_id, WebhookEndpoint, *webhooks.ENDPOINT_ID),
            input.overlap_hours,
            sealer=context.service.sealer,
            caller=context.caller,
            now=context.now(),
        )
        return WebhookSecretPayload(endpoint=WebhookEndpoint.from_row(done.endpoint), secret=done.secret)

    @mutation("Send nothing to an endpoint any more. For exam bodies.")
    async def webhook_endpoint_disable(self, info: Info, input: WebhookEndpointSwitchInput) -> WebhookEndpointPayload:
        """Nothing is announced to it."""
        return await switched(info, input, on=False)

    @mutation("Send events to an endpoint again; what happened meanwhile is not sent later. For exam bodies.")
    async def webhook_endpoint_enable(self, info: Info, input: WebhookEndpointSwitchInput) -> WebhookEndpointPayload:
        """Events are announced to it from now on."""
        return await switched(info, input, on=True)

    @mutation("Send an event of the delivery log once more, under the id it had. For exam bodies.")
    async def webhook_redeliver(self, info: Info, input: WebhookRedeliverInput) -> WebhookRedeliverPayload:
        """Due now."""
        context = info.context
        key = key_of(input.message_id, OutboxMessage, *webhooks.MESSAGE_ID)
        row = await webhooks.redeliver(context.db, key, caller=context.caller, now=context.now())
        return WebhookRedeliverPayload(message=OutboxMessage.from_row(row))


async def switched(info: Info, input: WebhookEndpointSwitchInput, *, on: bool) -> WebhookEndpointPayload:
    """The endpoint, disabled or enabled."""
    context = info.context
    key = key_of(input.endpoint_id, WebhookEndpoint, *webhooks.ENDPOINT_ID)
    row = await webhooks.switch_endpoint(context.db, key, on=on, caller=context.caller, now=context.now())
    return WebhookEndpointPayload(endpoint=WebhookEndpoint.from_row(row))
