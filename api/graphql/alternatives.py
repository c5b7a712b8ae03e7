"""Full is never a dead end: what a payload says beside the refusal of places."""

import strawberry

from api.graphql.context import Info
from api.graphql.entity import find
from api.graphql.errors import Payload, RuleRefusal
from api.graphql.sessions import Session


@strawberry.interface(description="The answer of a mutation that takes places of a session.")
class PlacesPayload(Payload):
    """Where else there are places, if there were none here."""

    @strawberry.field(description="If there were not enough: the three nearest other sessions with open places.")
    async def alternatives(self, info: Info) -> list[Session]:
        """The nearest sessions that still have places."""
        wanted = [
            session_id
            for error in self.user_errors
            if isinstance(error, RuleRefusal)
            for session_id in error.alternatives
        ]
        found = [await find(info, Session, session_id) for session_id in wanted]
        return [session for session in found if session]
