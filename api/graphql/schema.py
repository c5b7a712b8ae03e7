"""The schema: every noun's queries and mutations, put together."""

import strawberry
from strawberry import relay
from strawberry.schema.config import StrawberryConfig

from api.graphql.accounts import AccountMutation, AccountQuery
from api.graphql.errors import RuleRefusal, WorkerRefusal


@strawberry.type(description="What can be read.")
class Query(AccountQuery):
    """Every noun's reads."""

    node: relay.Node | None = relay.node(description="Any entity by its id, if you may see it.")


@strawberry.type(description="What can be done: each field is one transaction.")
class Mutation(AccountMutation):
    """Every noun's acts."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[RuleRefusal, WorkerRefusal],
    config=StrawberryConfig(sort_schema=True),
)
