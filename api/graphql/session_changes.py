"""Calling off a session."""

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.sessions import Session
from scheduler import cancellation


@strawberry.input(description="A public session that will not be held.")
class SessionCancelInput:
    """What sessionCancel takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")
    reason: str = strawberry.field(description="Why; everyone concerned is told.")


@strawberry.type(description="The answer to sessionCancel.")
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
