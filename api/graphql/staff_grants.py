"""Shares over the tiers: half-days of examiners that are granted down for an item and a month, and handed back."""

from datetime import date, datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.catalogue import Item
from api.graphql.context import Info
from api.graphql.entity import Entity, get, key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.place_grants import States
from api.graphql.places import Jurisdiction
from models.grants import StaffGrant as GrantRow
from models.vocabulary import GrantState
from scheduler import staff_granting
from scheduler.staff_shares import in_use_of
from scheduler.visibility import visible

Month = Annotated[date | None, strawberry.argument(description="Only shares of this month, by its first day.")]


@strawberry.type(description="A tier's share of examiners' half-days, for an item and a month (考评半天下放).")
class StaffGrant(Entity, relay.Node):
    """Every half-day of it is in use, granted on, gone back or unused."""

    TABLE: ClassVar = GrantRow
    id: relay.NodeID[int]
    item_id: strawberry.Private[int]
    jurisdiction_id: strawberry.Private[int]
    kept: strawberry.Private[int]
    month: date = strawberry.field(description="The month, by its first day.")
    given: int = strawberry.field(description="All half-days that were ever granted in it.")
    granted_on: int = strawberry.field(description="Half-days granted on to offices, but for what came back from them.")
    gone_back: int = strawberry.field(description="Half-days handed back, or returned to the tier above or to all.")
    until: datetime = strawberry.field(description="Until when it stands; what is unused then returns by itself.")
    state: GrantState = strawberry.field(description="Where it stands; one that is over may be swept a little later.")
    granted_at: datetime = strawberry.field(description="When it was granted first.")

    @strawberry.field(description="Half-days that examiners are on duty at standing sessions of the tier's own ground.")
    async def in_use(self, info: Info) -> int:
        """What plans have made of it."""
        loader = info.context.loader("half-days in use", lambda ids: in_use(info, ids))
        found: int = await loader.load(self.id)
        return found

    @strawberry.field(description="Half-days unused: kept by plans for the tier; 0 once its date is over.")
    async def left(self, info: Info) -> int:
        """What the tier still has at this moment."""
        loader = info.context.loader("half-days in use", lambda ids: in_use(info, ids))
        used: int = await loader.load(self.id)
        return self.kept - used if info.context.now() < self.until else 0

    @strawberry.field(description="What is examined.")
    async def item(self, info: Info) -> Item:
        """The item."""
        return await get(info, Item, self.item_id)

    @strawberry.field(description="The town or office whose share it is; the tier directly above granted it.")
    async def jurisdiction(self, info: Info) -> Jurisdiction:
        """Whose it is."""
        return await get(info, Jurisdiction, self.jurisdiction_id)


async def in_use(info: Info, grant_ids: list[int]) -> list[int]:
    """How many half-days of each share are in use, in a constant number of statements."""
    async with info.context.reading() as db:
        found = await in_use_of(db, grant_ids)
    return [found[grant_id] for grant_id in grant_ids]


@strawberry.input(description="Half-days of examiners for a jurisdiction directly below yours.")
class StaffHalfDaysGrantInput:
    """What staffHalfDaysGrant takes."""

    item_id: strawberry.ID = strawberry.field(description="The item.")
    month: date = strawberry.field(description="The month, by its first day.")
    jurisdiction_id: strawberry.ID = strawberry.field(description="A town of your bureau, or an office of your town.")
    half_days: int = strawberry.field(description="How many; a share that stands already grows by them.")
    until: datetime = strawberry.field(
        description="Until when: no later than your own share, or the month's end; never earlier than before."
    )

    def order(self) -> staff_granting.StaffOrder:
        """The input as the use case takes it."""
        return staff_granting.StaffOrder(
            item_id=key_of(self.item_id, Item, "input", "itemId"),
            month=self.month,
            jurisdiction_id=key_of(self.jurisdiction_id, Jurisdiction, "input", "jurisdictionId"),
            half_days=self.half_days,
            until=self.until,
        )


@strawberry.input(description="Unused half-days of your share to give back.")
class StaffGrantHandBackInput:
    """What staffGrantHandBack takes."""

    staff_grant_id: strawberry.ID = strawberry.field(description="Your share.")
    half_days: int = strawberry.field(description="How many of its unused half-days.")


@strawberry.type(description="The answer to a change of a share of half-days.")
class StaffGrantPayload(Payload):
    """The share as it now stands."""

    staff_grant: StaffGrant | None = strawberry.field(default=None, description="The share; empty if refused.")


@strawberry.type
class StaffGrantQuery:
    """Reads of shares of half-days."""

    @paged("The shares of examiners' half-days of your jurisdiction and of those below it (考评半天下放).")
    async def staff_grants(
        self, info: Info, page: Page, month: Month = None, states: States = None
    ) -> Connection[StaffGrant]:
        """Shares in the order in which they were granted."""
        rows = visible(GrantRow, info.context.caller)
        if month is not None:
            rows = rows.where(col(GrantRow.month) == month)
        if states is not None:
            rows = rows.where(col(GrantRow.state).in_(states))
        return await connect(info, StaffGrant, rows, page)


@strawberry.type
class StaffGrantMutation:
    """Acts on shares of half-days."""

    @mutation(
        "Grant half-days of examiners, for an item in a month, to one of your towns, or of your town's share to one of"
        " its offices, until a date (考评半天下放): plans keep them for sessions of that ground."
    )
    async def staff_half_days_grant(self, info: Info, input: StaffHalfDaysGrantInput) -> StaffGrantPayload:
        """The share, new or grown."""
        context = info.context
        order = input.order()
        row = await staff_granting.grant_half_days(context.db, order, caller=context.caller, now=context.now())
        return StaffGrantPayload(staff_grant=StaffGrant.from_row(row))

    @mutation("Give unused half-days of your share back before its date, to the tier that granted them (考评半天退回).")
    async def staff_grant_hand_back(self, info: Info, input: StaffGrantHandBackInput) -> StaffGrantPayload:
        """The share, smaller."""
        context, key = info.context, key_of(input.staff_grant_id, StaffGrant, "input", "staffGrantId")
        row = await staff_granting.hand_back_half_days(
            context.db, key, input.half_days, caller=context.caller, now=context.now()
        )
        return StaffGrantPayload(staff_grant=StaffGrant.from_row(row))
