"""Calling off a session, confirming one, and changing how many places it has."""

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.sessions import Session
from scheduler import cancellation, minimum_class, session_places


@strawberry.input(description="A public session that will not be held.")
class SessionCancelInput:
    """What sessionCancel takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")
    reason: str = strawberry.field(description="Why; everyone concerned is told.")


@strawberry.input(description="Another number of places of a published session.")
class SessionPlacesSetInput:
    """What sessionPlacesSet takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")
    places: int = strawberry.field(description="All places from now on: 1 to as many as the site offers.")
    reason: str = strawberry.field(description="Why; everyone concerned is told.")

    def order(self) -> session_places.PlacesOrder:
        """The input as the use case takes it."""
        key = key_of(self.session_id, Session, "input", "sessionId")
        return session_places.PlacesOrder(session_id=key, places=self.places, reason=self.reason)


@strawberry.input(description="A published session that takes place in any case.")
class SessionConfirmInput:
    """What sessionConfirm takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")


@strawberry.type(description="The answer to a change of a session.")
class SessionPayload(Payload):
    """The session as it now stands."""

    session: Session | None = strawberry.field(default=None, description="The session; empty if refused.")


@strawberry.type
class SessionMutation:
    """Acts on sessions."""

    @mutation(
        "Cancel a public session that was not held (取消场次); for its bureau or its exam body. Whoever had places asks"
        " again by itself."
    )
    async def session_cancel(self, info: Info, input: SessionCancelInput) -> SessionPayload:
        """PUBLISHED or FROZEN becomes CANCELLED."""
        context = info.context
        key = key_of(input.session_id, Session, "input", "sessionId")
        row = await cancellation.call_off(context.db, key, input.reason, caller=context.caller, now=context.now())
        return SessionPayload(session=Session.from_row(row))

    @mutation(
        "Give a published session fewer or more places (考位变更) until its roster freezes; for officials on their own"
        " ground and its exam body. Whoever must leave is moved, first in the queue, or asked for again."
    )
    async def session_places_set(self, info: Info, input: SessionPlacesSetInput) -> SessionPayload:
        """Its places as they now are."""
        context = info.context
        row = await session_places.set_places(context.db, input.order(), caller=context.caller, now=context.now())
        return SessionPayload(session=Session.from_row(row))

    @mutation(
        "Say that a published session is held whatever the number of its people (开考确认); for its bureau or its exam"
        " body, before the deadline at which one below the minimum class is merged or cancelled."
    )
    async def session_confirm(self, info: Info, input: SessionConfirmInput) -> SessionPayload:
        """The session, confirmed."""
        context = info.context
        key = key_of(input.session_id, Session, "input", "sessionId")
        row = await minimum_class.confirm_session(context.db, key, caller=context.caller, now=context.now())
        return SessionPayload(session=Session.from_row(row))
