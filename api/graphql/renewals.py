"""Renewals of certificates."""

from datetime import date, datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.certificates import Certificate
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Enterprise
from models.outcomes import Renewal as RenewalRow
from models.vocabulary import RenewalState
from scheduler import renewals
from scheduler.visibility import visible

strawberry.enum(RenewalState, name="RenewalState", description="Where the renewal (复审) of a certificate stands.")


@strawberry.type(description="The renewal of a certificate that falls due (复审).")
class Renewal(Entity, relay.Node):
    """Proposed to the firm, applied for, decided on paper."""

    TABLE: ClassVar = RenewalRow
    id: relay.NodeID[int]
    certificate_id: strawberry.Private[int]
    enterprise_id: strawberry.Private[int]
    successor_id: strawberry.Private[int | None]
    state: RenewalState = strawberry.field(description="Where it stands.")
    due_on: date = strawberry.field(description="The last day to apply.")
    proposed_at: datetime = strawberry.field(description="When it was proposed to the firm.")
    applied_at: datetime | None = strawberry.field(description="When the firm applied; empty before.")
    decision_due_at: datetime | None = strawberry.field(description="By when the bureau decides; empty before.")
    had_no_responsible_accident: bool | None = strawberry.field(
        description="Whether the firm declared that there was no accident the worker was responsible for."
    )
    had_no_long_break: bool | None = strawberry.field(
        description="Whether the firm declared that there was no break in the work of more than a year."
    )

    @strawberry.field(description="The certificate that falls due.")
    async def certificate(self, info: Info) -> Certificate:
        """What is renewed."""
        return await get(info, Certificate, self.certificate_id)

    @strawberry.field(description="The holder's firm.")
    async def enterprise(self, info: Info) -> Enterprise:
        """Who applies."""
        return await get(info, Enterprise, self.enterprise_id)

    @strawberry.field(description="The new certificate; empty until it is granted.")
    async def successor(self, info: Info) -> Certificate | None:
        """What came of it."""
        return await find(info, Certificate, self.successor_id)


@strawberry.input(description="An application for a renewal, with the firm's declarations.")
class RenewalApplyInput:
    """What renewalApply takes."""

    renewal_id: strawberry.ID = strawberry.field(description="The proposed renewal.")
    had_no_responsible_accident: bool = strawberry.field(
        description="That there was no accident the worker was responsible for."
    )
    had_no_long_break: bool = strawberry.field(description="That there was no break in the work of more than a year.")

    def application(self) -> renewals.Application:
        """The input as the use case takes it."""
        return renewals.Application(
            renewal_id=key_of(self.renewal_id, Renewal, "input", "renewalId"),
            had_no_responsible_accident=self.had_no_responsible_accident,
            had_no_long_break=self.had_no_long_break,
        )


@strawberry.input(description="A renewal that the firm does not want.")
class RenewalDeclineInput:
    """What renewalDecline takes."""

    renewal_id: strawberry.ID = strawberry.field(description="The proposed renewal.")


@strawberry.input(description="A decision on renewals.")
class RenewalDecideInput:
    """What renewalDecide takes."""

    renewal_ids: list[strawberry.ID] = strawberry.field(description="1 to 200 renewals that were applied for.")
    grant: bool = strawberry.field(description="Whether they are granted; the other way they are refused.")


@strawberry.type(description="The answer to a change of one renewal.")
class RenewalPayload(Payload):
    """The renewal as it now stands."""

    renewal: Renewal | None = strawberry.field(default=None, description="The renewal; empty if refused.")


@strawberry.type(description="The answer to renewalDecide.")
class RenewalsPayload(Payload):
    """The renewals as they now stand."""

    renewals: list[Renewal] | None = strawberry.field(
        default=None, description="The renewals in the order given; empty if refused."
    )


States = Annotated[list[RenewalState] | None, strawberry.argument(description="Only renewals in these states.")]


@strawberry.type
class RenewalQuery:
    """Reads of renewals."""

    @paged("Renewals that you may see (复审).")
    async def renewals(
        self,
        info: Info,
        page: Page,
        states: States = None,
    ) -> Connection[Renewal]:
        """Renewals by the last day to apply."""
        rows = visible(RenewalRow, info.context.caller)
        if states is not None:
            rows = rows.where(col(RenewalRow.state).in_(states))
        return await connect(info, Renewal, rows, page, by=("due_on", "id"))


@strawberry.type
class RenewalMutation:
    """Acts on renewals."""

    @mutation("Apply for a renewal in time, with both declarations (复审申请).")
    async def renewal_apply(self, info: Info, input: RenewalApplyInput) -> RenewalPayload:
        """PROPOSED becomes APPLIED."""
        context = info.context
        row = await renewals.apply_for_renewal(
            context.db, input.application(), caller=context.caller, now=context.now()
        )
        return RenewalPayload(renewal=Renewal.from_row(row))

    @mutation("Let a certificate run out: the renewal is not wanted.")
    async def renewal_decline(self, info: Info, input: RenewalDeclineInput) -> RenewalPayload:
        """PROPOSED becomes DECLINED."""
        key = key_of(input.renewal_id, Renewal, "input", "renewalId")
        row = await renewals.decline_renewal(info.context.db, key, caller=info.context.caller)
        return RenewalPayload(renewal=Renewal.from_row(row))

    @mutation("Grant renewals or refuse them, all or none; for the bureau (复审决定).")
    async def renewal_decide(self, info: Info, input: RenewalDecideInput) -> RenewalsPayload:
        """A granted renewal brings a new certificate."""
        context = info.context
        keys = keys_of(input.renewal_ids, Renewal, "input", "renewalIds")
        rows = await renewals.decide_renewals(
            context.db, keys, grant=input.grant, caller=context.caller, now=context.now()
        )
        return RenewalsPayload(renewals=[Renewal.from_row(row) for row in rows])
