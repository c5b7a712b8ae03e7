"""Shares over the tiers: places of a session that are granted down for a time, and handed back."""

from datetime import datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, get, key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.places import Jurisdiction
from api.graphql.sessions import Session
from models.grants import PlaceGrant as GrantRow
from models.vocabulary import GrantState
from scheduler import granting
from scheduler.visibility import visible

strawberry.enum(GrantState, name="GrantState", description="Whether a share stands or was returned at its date.")
SessionId = Annotated[strawberry.ID | None, strawberry.argument(description="Only shares of this session.")]
States = Annotated[list[GrantState] | None, strawberry.argument(description="Only shares in these states.")]


@strawberry.type(description="A tier's share of a session's places, for its own firms until a date (名额下放).")
class PlaceGrant(Entity, relay.Node):
    """Every place of it is drawn, granted on, gone back or unused."""

    TABLE: ClassVar = GrantRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    jurisdiction_id: strawberry.Private[int]
    unused: strawberry.Private[int]
    given: int = strawberry.field(description="All places that were ever granted in it.")
    drawn: int = strawberry.field(description="Places that firms of the tier hold or took by name.")
    granted_on: int = strawberry.field(description="Places granted on to offices, but for what came back from them.")
    gone_back: int = strawberry.field(description="Places handed back, or returned to the tier above or to all.")
    until: datetime = strawberry.field(description="Until when it stands; what is unused then returns by itself.")
    state: GrantState = strawberry.field(description="Where it stands; one that is over may be swept a little later.")
    granted_at: datetime = strawberry.field(description="When it was granted first.")

    @strawberry.field(description="Places unused: to be booked, granted on or handed back; 0 once its date is over.")
    async def left(self, info: Info) -> int:
        """What the tier still has at this moment."""
        return self.unused if info.context.now() < self.until else 0

    @strawberry.field(description="The session.")
    async def session(self, info: Info) -> Session:
        """Where the places are."""
        return await get(info, Session, self.session_id)

    @strawberry.field(description="The town or office whose share it is; the tier directly above granted it.")
    async def jurisdiction(self, info: Info) -> Jurisdiction:
        """Whose it is."""
        return await get(info, Jurisdiction, self.jurisdiction_id)


@strawberry.input(description="Places of a session for a jurisdiction directly below yours.")
class PlacesGrantInput:
    """What placesGrant takes."""

    session_id: strawberry.ID = strawberry.field(description="The published session.")
    jurisdiction_id: strawberry.ID = strawberry.field(description="A town of your bureau, or an office of your town.")
    places: int = strawberry.field(description="How many places; a share that stands already grows by them.")
    until: datetime = strawberry.field(
        description="Until when: no later than your own share, or the freeze of the roster; never earlier than before."
    )

    def order(self) -> granting.GrantOrder:
        """The input as the use case takes it."""
        return granting.GrantOrder(
            session_id=key_of(self.session_id, Session, "input", "sessionId"),
            jurisdiction_id=key_of(self.jurisdiction_id, Jurisdiction, "input", "jurisdictionId"),
            places=self.places,
            until=self.until,
        )


@strawberry.input(description="Unused places of your share to give back.")
class PlaceGrantHandBackInput:
    """What placeGrantHandBack takes."""

    place_grant_id: strawberry.ID = strawberry.field(description="Your share.")
    places: int = strawberry.field(description="How many of its unused places.")


@strawberry.type(description="The answer to a change of a share.")
class PlaceGrantPayload(Payload):
    """The share as it now stands."""

    place_grant: PlaceGrant | None = strawberry.field(default=None, description="The share; empty if refused.")


@strawberry.type
class PlaceGrantQuery:
    """Reads of shares."""

    @paged("The shares of your jurisdiction and of those below it (名额下放): given, drawn, left, until when.")
    async def place_grants(
        self, info: Info, page: Page, session_id: SessionId = None, states: States = None
    ) -> Connection[PlaceGrant]:
        """Shares in the order in which they were granted."""
        rows = visible(GrantRow, info.context.caller)
        if session_id is not None:
            rows = rows.where(col(GrantRow.session_id) == key_of(session_id, Session, "sessionId"))
        if states is not None:
            rows = rows.where(col(GrantRow.state).in_(states))
        return await connect(info, PlaceGrant, rows, page)


@strawberry.type
class PlaceGrantMutation:
    """Acts on shares."""

    @mutation(
        "Grant open places of a published session to one of your towns, or places of your town's share to one of its"
        " offices, until a date (名额下放): for their firms alone."
    )
    async def places_grant(self, info: Info, input: PlacesGrantInput) -> PlaceGrantPayload:
        """The share, new or grown."""
        context = info.context
        row = await granting.grant_places(context.db, input.order(), caller=context.caller, now=context.now())
        return PlaceGrantPayload(place_grant=PlaceGrant.from_row(row))

    @mutation("Give unused places of your share back before its date, to the tier that granted them (名额退回).")
    async def place_grant_hand_back(self, info: Info, input: PlaceGrantHandBackInput) -> PlaceGrantPayload:
        """The share, smaller."""
        context, key = info.context, key_of(input.place_grant_id, PlaceGrant, "input", "placeGrantId")
        row = await granting.hand_back(context.db, key, input.places, caller=context.caller, now=context.now())
        return PlaceGrantPayload(place_grant=PlaceGrant.from_row(row))
