"""Full is never a dead end: what a payload says beside the refusal of places."""

import strawberry

from api.graphql.context import Info
from api.graphql.entity import find
from api.graphql.errors import Payload, RuleRefusal
from api.graphql.sessions import Session
from models.vocabulary import AlternativeKind

strawberry.enum(AlternativeKind, name="AlternativeKind", description="What else there is where a session is full.")


@strawberry.type(description="Places in another session, to be held by its id.")
class Alternative:
    """Where else."""

    kind: AlternativeKind = strawberry.field(description="What it is to you.")
    places: int = strawberry.field(description="How many of your group it takes now.")
    session: Session = strawberry.field(description="The session.")


@strawberry.interface(description="The answer of a mutation that takes places of a session.")
class PlacesPayload(Payload):
    """How many wait, and where else there are places, if there were none here."""

    @strawberry.field(description="If there were not enough places: how many firms wait for some of this session.")
    async def queue_length(self) -> int | None:
        """The queue."""
        return next((error.waiting for error in self.refusals() if error.waiting is not None), None)

    @strawberry.field(description="If there were not enough places: the three nearest other sessions with some.")
    async def alternatives(self, info: Info) -> list[Alternative]:
        """The nearest sessions that still have places; whole groups first."""
        wanted = [each for error in self.refusals() for each in error.alternatives]
        found = [(each, await find(info, Session, each.session_id)) for each in wanted]
        return [Alternative(kind=each.kind, places=each.places, session=session) for each, session in found if session]

    def refusals(self) -> list[RuleRefusal]:
        """What was refused by rule."""
        return [error for error in self.user_errors if isinstance(error, RuleRefusal)]
