"""What is told as it changes: how each row stands first, then each change, to whoever may see it at that moment."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, TypeVar

import strawberry

from api.auth import caller_from
from api.graphql.bookings import Booking
from api.graphql.context import Info
from api.graphql.entity import Entity, get, key_of, keys_of
from api.graphql.rounds import Round
from api.graphql.sessions import Session
from models.vocabulary import Topic
from scheduler.refusals import Code, refuse

MOST_FOLLOWED = 100
# However quiet it is: a sign-in that has ended or run out ends what it follows in this time.
LOOK_AGAIN_SECONDS = 5.0

E = TypeVar("E", bound=Entity)

SessionIds = Annotated[list[strawberry.ID], strawberry.argument(description="1 to 100 sessions that you may see.")]
BookingIds = Annotated[list[strawberry.ID], strawberry.argument(description="1 to 100 bookings that you may see.")]
RoundId = Annotated[strawberry.ID, strawberry.argument(description="The round.")]


async def followed(info: Info, topic: Topic, kind: type[E], keys: Sequence[int]) -> AsyncGenerator[E, None]:
    """
    Give each row as it stands, and again whenever it has changed; a slow reader gets the latest state alone.

    Raises:
        Refused: NOT_SIGNED_IN as soon as the sign-in or key has ended, NOT_FOUND for a row that may not be seen (any
            more), OUT_OF_RANGE for none or too many.
    """
    context = info.context
    if not 1 <= len(keys) <= MOST_FOLLOWED:
        raise refuse(Code.OUT_OF_RANGE, f"Follow 1 to {MOST_FOLLOWED} rows with one operation.")
    if context.service.feed is None:
        message = "this process follows no changes"
        raise RuntimeError(message)
    with context.service.feed.following(topic, keys) as wish:
        while True:
            key = await wish.next(seconds=LOOK_AGAIN_SECONDS)
            context.look_anew(await caller_from(context.service.database, context.service.clock, context.token))
            _ = context.caller
            if key is not None:
                yield await get(info, kind, key)


@strawberry.type(description="What is told as it changes, over WebSocket or server-sent events.")
class Subscription:
    """Each operation follows rows of one kind by their ids."""

    @strawberry.subscription(description="Sessions, each now and whenever its places or its state have changed (余位).")
    async def session_places_changed(self, info: Info, session_ids: SessionIds) -> AsyncGenerator[Session, None]:
        """Places left."""
        async for each in followed(info, Topic.SESSION_PLACES, Session, keys_of(session_ids, Session, "sessionIds")):
            yield each

    @strawberry.subscription(description="Bookings, each now and whenever it has changed (报名状态).")
    async def booking_updated(self, info: Info, booking_ids: BookingIds) -> AsyncGenerator[Booking, None]:
        """Whether places stand."""
        async for each in followed(info, Topic.BOOKING, Booking, keys_of(booking_ids, Booking, "bookingIds")):
            yield each

    @strawberry.subscription(description="A round, now and whenever it has got further (轮次进展).")
    async def round_progressed(self, info: Info, round_id: RoundId) -> AsyncGenerator[Round, None]:
        """Where it stands."""
        async for each in followed(info, Topic.ROUND, Round, [key_of(round_id, Round, "roundId")]):
            yield each
