"""Keys for partners' own systems: created, listed, revoked."""

from datetime import datetime
from typing import ClassVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation, secret_mutation
from api.graphql.paging import Connection, Page, connect, paged
from models.parties import ApiKey as ApiKeyRow
from models.vocabulary import KeyScope
from scheduler import api_keys
from scheduler.visibility import visible

strawberry.enum(KeyScope, name="KeyScope", description="What a key may do of what its account may do.")


@strawberry.type(description="A key by which a system of yours calls (接口密钥); it acts as your account.")
class ApiKey(Entity, relay.Node):
    """A key without its secret, which is never shown again."""

    TABLE: ClassVar = ApiKeyRow
    id: relay.NodeID[int]
    name: str = strawberry.field(description="What it is for.")
    prefix: str = strawberry.field(description="Its middle part, to know it again by.")
    scope: KeyScope = strawberry.field(description="What it may do.")
    made_at: datetime = strawberry.field(description="When it was created.")
    expires_at: datetime = strawberry.field(description="From when on it counts no more.")
    last_used_at: datetime | None = strawberry.field(
        description="When it was last used, to five minutes; empty before its first use."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; empty while it was not.")


@strawberry.input(description="A new key.")
class ApiKeyCreateInput:
    """What apiKeyCreate takes."""

    name: str = strawberry.field(description="What it is for: the system, or its place.")
    scope: KeyScope = strawberry.field(default=KeyScope.READ, description="What it may do.")
    days: int = strawberry.field(default=90, description="For how many days it counts, 1 to 366.")


@strawberry.type(description="The answer to apiKeyCreate.")
class ApiKeyCreatePayload(Payload):
    """The key, once."""

    api_key: ApiKey | None = strawberry.field(default=None, description="The key's entry; empty if refused.")
    token: str | None = strawberry.field(
        default=None, description="Shown this once, for the header `Authorization: Bearer …`: keep it like a password."
    )


@strawberry.input(description="A key that is to count no more.")
class ApiKeyRevokeInput:
    """What apiKeyRevoke takes."""

    api_key_id: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="The answer to apiKeyRevoke.")
class ApiKeyRevokePayload(Payload):
    """The key as it is now."""

    api_key: ApiKey | None = strawberry.field(default=None, description="The key's entry; empty if refused.")


@strawberry.type
class ApiKeyQuery:
    """Reads of keys."""

    @paged("The keys of your account, also those that count no more.")
    async def api_keys(self, info: Info, page: Page) -> Connection[ApiKey]:
        """Keys in the order of their creation."""
        return await connect(info, ApiKey, visible(ApiKeyRow, info.context.caller), page)


@strawberry.type
class ApiKeyMutation:
    """Acts on keys."""

    @secret_mutation("Create a key for a system of yours. For firms, officials, exam bodies and examiners, signed in.")
    async def api_key_create(self, info: Info, input: ApiKeyCreateInput) -> ApiKeyCreatePayload:
        """A key made by chance."""
        context = info.context
        order = api_keys.KeyOrder(input.name, input.scope, input.days)
        row, token = await api_keys.create_key(context.db, order, caller=context.caller, now=context.now())
        return ApiKeyCreatePayload(api_key=ApiKey.from_row(row), token=token)

    @mutation("Let a key of yours count no more, at once.")
    async def api_key_revoke(self, info: Info, input: ApiKeyRevokeInput) -> ApiKeyRevokePayload:
        """The key is over."""
        context = info.context
        key_id = key_of(input.api_key_id, ApiKey, "input", "apiKeyId")
        row = await api_keys.revoke_key(context.db, key_id, caller=context.caller, now=context.now())
        return ApiKeyRevokePayload(api_key=ApiKey.from_row(row))
