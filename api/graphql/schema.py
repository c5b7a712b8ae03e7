"""The schema: every noun's queries and mutations, put together."""

import strawberry
from graphql import GraphQLEnumType
from strawberry import relay
from strawberry.schema.config import StrawberryConfig
from strawberry.types.enum import StrawberryEnumDefinition

from api.graphql.account_opening import AccountOpeningMutation
from api.graphql.accounts import AccountMutation, AccountQuery
from api.graphql.api_keys import ApiKeyMutation, ApiKeyQuery
from api.graphql.attendance import AttendanceMutation
from api.graphql.audit import AuditQuery
from api.graphql.availability import AvailabilityQuery
from api.graphql.bookings import BookingMutation, BookingQuery
from api.graphql.calendar import CalendarMutation, CalendarQuery
from api.graphql.catalogue import CatalogueQuery
from api.graphql.certificates import CertificateMutation, CertificateQuery
from api.graphql.consultation import ConsultationMutation, ConsultationQuery
from api.graphql.contacts import ContactMutation, ContactQuery
from api.graphql.demand import DemandMutation, DemandQuery
from api.graphql.errors import BusyRefusal, RuleRefusal, WorkerRefusal
from api.graphql.execution import DoorSchema
from api.graphql.holds import HoldMutation, HoldQuery
from api.graphql.idempotency import idempotent
from api.graphql.item_rules import ItemRuleMutation
from api.graphql.job_runs import JobRunMutation, JobRunQuery
from api.graphql.messages import MessageMutation, MessageQuery
from api.graphql.parties import PartyQuery
from api.graphql.place_grants import PlaceGrantMutation, PlaceGrantQuery
from api.graphql.places import PlaceMutation, PlaceQuery
from api.graphql.policy import PolicyMutation, PolicyQuery
from api.graphql.ranked_windows import WindowMutation, WindowQuery
from api.graphql.rate_limit import RateLimitQuery
from api.graphql.registration import RegistrationMutation
from api.graphql.renewals import RenewalMutation, RenewalQuery
from api.graphql.reports import ReportQuery
from api.graphql.results import ResultMutation
from api.graphql.round_calendars import RoundCalendarMutation, RoundCalendarQuery
from api.graphql.rounds import RoundMutation, RoundQuery
from api.graphql.scalars import SCALARS
from api.graphql.session_changes import SessionMutation
from api.graphql.sessions import SessionQuery
from api.graphql.site_changes import SiteMutation
from api.graphql.sites import SiteQuery
from api.graphql.staff_grants import StaffGrantMutation, StaffGrantQuery
from api.graphql.subscriptions import Subscription
from api.graphql.waiting import WaitingMutation, WaitingQuery
from api.graphql.webhooks import WebhookMutation, WebhookQuery
from api.graphql.words import put_into_words


@strawberry.type(description="What can be read.")
class Query(
    AccountQuery,
    CatalogueQuery,
    PolicyQuery,
    CalendarQuery,
    PlaceQuery,
    PartyQuery,
    SiteQuery,
    DemandQuery,
    RoundQuery,
    RoundCalendarQuery,
    SessionQuery,
    PlaceGrantQuery,
    StaffGrantQuery,
    ConsultationQuery,
    BookingQuery,
    HoldQuery,
    AvailabilityQuery,
    WaitingQuery,
    WindowQuery,
    CertificateQuery,
    RenewalQuery,
    ContactQuery,
    MessageQuery,
    JobRunQuery,
    WebhookQuery,
    ReportQuery,
    AuditQuery,
    RateLimitQuery,
    ApiKeyQuery,
):
    """Every noun's reads."""

    node: relay.Node | None = relay.node(description="Any entity by its id, if you may see it.")


@strawberry.type(description="What can be done: each field is one transaction.")
class Mutation(
    AccountMutation,
    AccountOpeningMutation,
    ApiKeyMutation,
    ItemRuleMutation,
    PolicyMutation,
    CalendarMutation,
    PlaceMutation,
    SiteMutation,
    RegistrationMutation,
    DemandMutation,
    RoundMutation,
    RoundCalendarMutation,
    ConsultationMutation,
    BookingMutation,
    HoldMutation,
    WaitingMutation,
    WindowMutation,
    SessionMutation,
    PlaceGrantMutation,
    StaffGrantMutation,
    AttendanceMutation,
    ResultMutation,
    CertificateMutation,
    RenewalMutation,
    ContactMutation,
    MessageMutation,
    JobRunMutation,
    WebhookMutation,
):
    """Every noun's acts."""


def restore_members(sorted_schema: strawberry.Schema) -> None:
    """
    Let the values of closed lists arrive in inputs as members again, not as bare text.

    Sorting the schema rebuilds its enums as graphql-core's own, which know nothing of our classes.
    """
    for kind in sorted_schema._schema.type_map.values():  # noqa: SLF001  # Strawberry has no place for it
        definition = sorted_schema.get_type_by_name(kind.name)
        if isinstance(kind, GraphQLEnumType) and isinstance(definition, StrawberryEnumDefinition):
            for value in kind.values.values():
                value.value = definition.wrapped_cls(value.value)


schema = DoorSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[BusyRefusal, RuleRefusal, WorkerRefusal],
    directives=[idempotent],
    config=StrawberryConfig(sort_schema=True, scalar_map=SCALARS),
)
put_into_words(schema)
restore_members(schema)
