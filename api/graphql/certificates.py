"""Certificates and the issuing authority's decisions."""

from datetime import date, datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.catalogue import Item
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Worker
from models.outcomes import Certificate as CertificateRow
from models.vocabulary import CertificateState
from scheduler import certificates
from scheduler.visibility import visible

strawberry.enum(CertificateState, name="CertificateState", description="Where a certificate stands.")


@strawberry.type(description="An operator's certificate for an item (作业人员证).")
class Certificate(Entity, relay.Node):
    """Pending until the issuing authority decides."""

    TABLE: ClassVar = CertificateRow
    id: relay.NodeID[int]
    worker_id: strawberry.Private[int]
    item_id: strawberry.Private[int]
    renews_id: strawberry.Private[int | None]
    state: CertificateState = strawberry.field(description="Where it stands.")
    issued_on: date | None = strawberry.field(
        description="The day from which it is valid; for a renewed one, the last day of the one before."
    )
    expires_on: date | None = strawberry.field(description="Its last day.")
    decision_due_at: datetime = strawberry.field(description="By when the issuing authority decides.")

    @strawberry.field(description="Whose it is.")
    async def worker(self, info: Info) -> Worker:
        """The holder."""
        return await get(info, Worker, self.worker_id)

    @strawberry.field(description="What it is for.")
    async def item(self, info: Info) -> Item:
        """The item."""
        return await get(info, Item, self.item_id)

    @strawberry.field(description="The certificate that this one renews; empty for a first one.")
    async def renews(self, info: Info) -> "Certificate | None":
        """The one before."""
        return await find(info, Certificate, self.renews_id)


@strawberry.input(description="A decision on certificates.")
class CertificateDecideInput:
    """What certificateDecide takes."""

    certificate_ids: list[strawberry.ID] = strawberry.field(description="1 to 200 pending certificates.")
    grant: bool = strawberry.field(description="Whether they are issued; the other way they are refused.")
    remark: str = strawberry.field(default="", description="Why they are refused, or what is to be added.")

    def decision(self) -> certificates.Decision:
        """The input as the use case takes it."""
        ids = keys_of(self.certificate_ids, Certificate, "input", "certificateIds")
        return certificates.Decision(tuple(ids), grant=self.grant, remark=self.remark)


@strawberry.type(description="The answer to certificateDecide.")
class CertificatesPayload(Payload):
    """The certificates as they now stand."""

    certificates: list[Certificate] | None = strawberry.field(
        default=None, description="The certificates in the order given; empty if refused."
    )


States = Annotated[list[CertificateState] | None, strawberry.argument(description="Only certificates in these states.")]


@strawberry.type
class CertificateQuery:
    """Reads of certificates."""

    @paged("Certificates that you may see (作业人员证).")
    async def certificates(
        self,
        info: Info,
        page: Page,
        states: States = None,
    ) -> Connection[Certificate]:
        """Certificates in the order in which they were earned."""
        rows = visible(CertificateRow, info.context.caller)
        if states is not None:
            rows = rows.where(col(CertificateRow.state).in_(states))
        return await connect(info, Certificate, rows, page)


@strawberry.type
class CertificateMutation:
    """What the issuing authority decides."""

    @mutation("Issue certificates or refuse them, all or none; for the bureau as issuing authority (发证).")
    async def certificate_decide(self, info: Info, input: CertificateDecideInput) -> CertificatesPayload:
        """PENDING becomes VALID or REFUSED."""
        context = info.context
        rows = await certificates.decide_certificates(
            context.db, input.decision(), caller=context.caller, now=context.now()
        )
        return CertificatesPayload(certificates=[Certificate.from_row(row) for row in rows])
