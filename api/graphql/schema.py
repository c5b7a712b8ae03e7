"""The schema: every noun's queries and mutations, put together."""

import strawberry
from strawberry import relay
from strawberry.schema.config import StrawberryConfig

from api.graphql.accounts import AccountMutation, AccountQuery
from api.graphql.catalogue import CatalogueQuery
from api.graphql.consultation import ConsultationMutation, ConsultationQuery
from api.graphql.demand import DemandMutation, DemandQuery
from api.graphql.errors import RuleRefusal, WorkerRefusal
from api.graphql.parties import PartyQuery
from api.graphql.places import PlaceQuery
from api.graphql.reports import ReportQuery
from api.graphql.rounds import RoundMutation, RoundQuery
from api.graphql.sessions import SessionQuery
from api.graphql.sites import SiteQuery


@strawberry.type(description="What can be read.")
class Query(
    AccountQuery,
    CatalogueQuery,
    PlaceQuery,
    PartyQuery,
    SiteQuery,
    DemandQuery,
    RoundQuery,
    SessionQuery,
    ConsultationQuery,
    ReportQuery,
):
    """Every noun's reads."""

    node: relay.Node | None = relay.node(description="Any entity by its id, if you may see it.")


@strawberry.type(description="What can be done: each field is one transaction.")
class Mutation(AccountMutation, DemandMutation, RoundMutation, ConsultationMutation):
    """Every noun's acts."""


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[RuleRefusal, WorkerRefusal],
    config=StrawberryConfig(sort_schema=True),
)
