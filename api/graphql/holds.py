"""Places held while a firm names its people."""

from datetime import datetime
from typing import ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.alternatives import PlacesPayload
from api.graphql.bookings import Booking, BookingsPayload, SessionId
from api.graphql.context import Info
from api.graphql.entity import Entity, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import desk_mutation, mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Worker
from api.graphql.sessions import Session
from models.bookings import Hold as HoldRow
from models.vocabulary import HoldState
from scheduler import booking, holding
from scheduler.visibility import visible

strawberry.enum(HoldState, name="HoldState", description="Where open places that a firm chose stand.")


@strawberry.type(description="Open places that a firm chose, held while it names its people (占位).")
class Hold(Entity, relay.Node):
    """Held places; whoever is named in time takes them."""

    TABLE: ClassVar = HoldRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    people: int = strawberry.field(description="Places held.")
    named: int = strawberry.field(description="How many of them are named.")
    state: HoldState = strawberry.field(description="Where it stands; one that is over may be swept a little later.")
    held_at: datetime = strawberry.field(description="When the places were chosen.")
    held_until: datetime = strawberry.field(description="Until when names are taken; nameless places are open after.")
    is_extended: bool = strawberry.field(description="Whether it was extended; it can be once.")

    @strawberry.field(description="Seconds left to name people; 0 once it is over.")
    async def seconds_left(self, info: Info) -> int:
        """The remaining time."""
        if self.state is not HoldState.HELD:
            return 0
        return max(int((self.held_until - info.context.now()).total_seconds()), 0)

    @strawberry.field(description="The session.")
    async def session(self, info: Info) -> Session:
        """Where the places are."""
        return await get(info, Session, self.session_id)


@strawberry.input(description="Open places to hold.")
class PlacesHoldInput:
    """What placesHold takes."""

    session_id: strawberry.ID = strawberry.field(description="The published session.")
    people: int = strawberry.field(description="How many places, together.")
    or_fewer: bool = strawberry.field(
        default=False, description="Whether fewer will do: as many as there are. Else all of them or none."
    )


@strawberry.input(description="A hold to extend, or to give back.")
class HoldInput:
    """What holdExtend and holdRelease take."""

    hold_id: strawberry.ID = strawberry.field(description="The hold.")


@strawberry.input(description="People for held places.")
class HoldConfirmInput:
    """What holdConfirm takes."""

    hold_id: strawberry.ID = strawberry.field(description="The hold.")
    worker_ids: list[strawberry.ID] = strawberry.field(description="Who comes: one at least, all of them or nobody.")


@strawberry.type(description="The answer to placesHold.")
class PlacesHoldPayload(PlacesPayload):
    """The hold, or where else there are places."""

    hold: Hold | None = strawberry.field(default=None, description="The places held; empty if refused.")


@strawberry.type(description="The answer to a change of a hold.")
class HoldPayload(Payload):
    """The hold as it now stands."""

    hold: Hold | None = strawberry.field(default=None, description="The hold; empty if refused.")


@strawberry.type
class HoldQuery:
    """Reads of holds."""

    @paged("Held places that you may see (占位).")
    async def holds(
        self,
        info: Info,
        page: Page,
        session_id: SessionId = None,
    ) -> Connection[Hold]:
        """Holds in the order in which they were made."""
        rows = visible(HoldRow, info.context.caller)
        if session_id is not None:
            rows = rows.where(col(HoldRow.session_id) == key_of(session_id, Session, "sessionId"))
        return await connect(info, Hold, rows, page)


@strawberry.type
class HoldMutation:
    """Acts on held places."""

    @desk_mutation("Hold open places of a published session at once, for some minutes in which to name people (占位).")
    async def places_hold(self, info: Info, input: PlacesHoldInput) -> PlacesHoldPayload:
        """First come, first served."""
        context = info.context
        choice = holding.Choice(
            key_of(input.session_id, Session, "input", "sessionId"), input.people, or_fewer=input.or_fewer
        )
        row = await holding.choose_places(
            context.service.database, choice, write=context.write, caller=context.caller, now=context.now()
        )
        return PlacesHoldPayload(hold=Hold.from_row(row))

    @mutation("Name the people who take held places; all of them or nobody. A refusal leaves the hold (确认名单).")
    async def hold_confirm(self, info: Info, input: HoldConfirmInput) -> BookingsPayload:
        """Held places get their names."""
        context = info.context
        rows = await booking.confirm_hold(
            context.db,
            key_of(input.hold_id, Hold, "input", "holdId"),
            keys_of(input.worker_ids, Worker, "input", "workerIds"),
            caller=context.caller,
            now=context.now(),
        )
        return BookingsPayload(bookings=[Booking.from_row(row) for row in rows])

    @mutation("Give a hold the same minutes once more; once only (延长占位).")
    async def hold_extend(self, info: Info, input: HoldInput) -> HoldPayload:
        """More time for names."""
        context, key = info.context, key_of(input.hold_id, Hold, "input", "holdId")
        row = await holding.extend_hold(context.db, key, caller=context.caller, now=context.now())
        return HoldPayload(hold=Hold.from_row(row))

    @mutation("Give held places back; they are open to everyone at once (放弃占位).")
    async def hold_release(self, info: Info, input: HoldInput) -> HoldPayload:
        """The places are open."""
        context, key = info.context, key_of(input.hold_id, Hold, "input", "holdId")
        row = await holding.release_hold(context.db, key, caller=context.caller, now=context.now())
        return HoldPayload(hold=Hold.from_row(row))
