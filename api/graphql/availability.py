"""What a firm can book, and why not the rest, before it tries."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of, keys_of
from api.graphql.errors import UserError, as_user_error
from api.graphql.parties import Worker
from api.graphql.sessions import Session
from scheduler.availability import availability_of

SessionId = Annotated[strawberry.ID, strawberry.argument(description="The session.")]
People = Annotated[
    int | None, strawberry.argument(description="How many places, together; else as many as workers, or one.")
]
WorkerIds = Annotated[list[strawberry.ID] | None, strawberry.argument(description="Who is to come, if that is known.")]


@strawberry.type(description="What your firm can book of a session at this moment (可报名情况).")
class Availability:
    """The answer of the desk's own rules."""

    places: int = strawberry.field(description="The most places that your firm could hold, together.")
    reasons: list[UserError] = strawberry.field(
        description="Why what you ask for would be refused, each person's reasons first; empty where it would be had."
    )


@strawberry.type
class AvailabilityQuery:
    """Reads of what can be booked."""

    @strawberry.field(
        description=(
            "Whether so many places, or these people, would be taken now, by the rules that book them. Nothing"
            " is held: hold places to be sure of them."
        )
    )
    async def availability(
        self, info: Info, session_id: SessionId, people: People = None, worker_ids: WorkerIds = None
    ) -> Availability:
        """The desk's answer, without its booking."""
        context = info.context
        async with context.reading() as db:
            found = await availability_of(
                db,
                key_of(session_id, Session, "sessionId"),
                people=people,
                worker_ids=None if worker_ids is None else keys_of(worker_ids, Worker, "workerIds"),
                caller=context.caller,
                now=context.now(),
            )
        return Availability(places=found.places, reasons=[as_user_error(reason) for reason in found.reasons])
