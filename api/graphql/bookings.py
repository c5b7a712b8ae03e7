"""Places promised to requests, and places taken by name."""

from datetime import datetime
from typing import Annotated, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.alternatives import PlacesPayload
from api.graphql.context import Info
from api.graphql.demand import Request
from api.graphql.entity import Entity, find, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.outcomes import Result, result_of_booking
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Enterprise, Worker
from api.graphql.sessions import Session
from models.bookings import Booking as BookingRow
from models.bookings import Promise as PromiseRow
from models.vocabulary import Attendance, BookingState, PromiseState
from scheduler import booking, booking_changes, moving
from scheduler.visibility import visible

strawberry.enum(PromiseState, name="PromiseState", description="Where places set aside for a request stand.")
strawberry.enum(BookingState, name="BookingState", description="Whether a named person's place stands.")
strawberry.enum(Attendance, name="Attendance", description="Whether a booked person came (签到).")


@strawberry.type(description="Places of a session set aside for a request, until a date (预留名额).")
class Promise(Entity, relay.Node):
    """Promised places; whoever is named in time takes them."""

    TABLE: ClassVar = PromiseRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    request_id: strawberry.Private[int]
    people: int = strawberry.field(description="Places set aside.")
    named: int = strawberry.field(description="How many of them are named.")
    state: PromiseState = strawberry.field(description="Where it stands.")
    held_until: datetime = strawberry.field(description="Until when names are taken; nameless places are open after.")

    @strawberry.field(description="The session.")
    async def session(self, info: Info) -> Session:
        """Where the places are."""
        return await get(info, Session, self.session_id)

    @strawberry.field(description="The request that they were promised to.")
    async def request(self, info: Info) -> Request:
        """Who asked."""
        return await get(info, Request, self.request_id)


@strawberry.type(description="A named person's place in a session (报名).")
class Booking(Entity, relay.Node):
    """A place with a name."""

    TABLE: ClassVar = BookingRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    worker_id: strawberry.Private[int]
    enterprise_id: strawberry.Private[int]
    promise_id: strawberry.Private[int | None]
    state: BookingState = strawberry.field(description="Whether it stands.")
    attendance: Attendance = strawberry.field(description="Whether the person came.")
    booked_at: datetime = strawberry.field(description="When the person now named was booked.")
    changes: int = strawberry.field(description="How often somebody else was sent instead.")
    is_relocated: bool = strawberry.field(
        description="Whether the organiser moved it here: that counts neither as a change nor against the firm's share."
    )

    @strawberry.field(description="The session.")
    async def session(self, info: Info) -> Session:
        """Where the place is."""
        return await get(info, Session, self.session_id)

    @strawberry.field(description="Who comes.")
    async def worker(self, info: Info) -> Worker:
        """The person."""
        return await get(info, Worker, self.worker_id)

    @strawberry.field(description="The firm that booked.")
    async def enterprise(self, info: Info) -> Enterprise:
        """The person's firm."""
        return await get(info, Enterprise, self.enterprise_id)

    @strawberry.field(description="The promise that it uses; empty for an open place.")
    async def promise(self, info: Info) -> Promise | None:
        """Where the place came from."""
        return await find(info, Promise, self.promise_id)

    @strawberry.field(description="What it came to; empty until the exam body has said.")
    async def result(self, info: Info) -> Result | None:
        """The result."""
        return await result_of_booking(info, self.id)


@strawberry.input(description="People for promised places.")
class BookingConfirmInput:
    """What bookingConfirm takes."""

    promise_id: strawberry.ID = strawberry.field(description="The promise.")
    worker_ids: list[strawberry.ID] = strawberry.field(description="Who comes: one at least, all of them or nobody.")


@strawberry.input(description="People for open places.")
class BookingCreateInput:
    """What bookingCreate takes."""

    session_id: strawberry.ID = strawberry.field(description="The published session.")
    worker_ids: list[strawberry.ID] = strawberry.field(description="Who comes: one at least, all of them or nobody.")


@strawberry.input(description="A place to give up.")
class BookingCancelInput:
    """What bookingCancel takes."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")


@strawberry.input(description="A place that somebody else takes over.")
class BookingSubstituteInput:
    """What bookingSubstitute takes."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    worker_id: strawberry.ID = strawberry.field(description="Who comes instead.")


@strawberry.input(description="A place to move to another session of the exam.")
class BookingMoveInput:
    """What bookingMove takes."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    session_id: strawberry.ID = strawberry.field(description="The session to move to.")


@strawberry.type(description="The answer to a booking by name.")
class BookingsPayload(PlacesPayload):
    """The places taken, or where else there are some."""

    bookings: list[Booking] | None = strawberry.field(
        default=None, description="A place for each person named, in the order in which they were booked."
    )


@strawberry.type(description="The answer to a change of one booking.")
class BookingPayload(Payload):
    """The booking as it now stands."""

    booking: Booking | None = strawberry.field(default=None, description="The booking; empty if refused.")


@strawberry.type(description="The answer to bookingMove.")
class BookingMovePayload(PlacesPayload):
    """The booking as it now stands, or where else there are places."""

    booking: Booking | None = strawberry.field(default=None, description="The booking; empty if refused.")


PromiseStates = Annotated[list[PromiseState] | None, strawberry.argument(description="Only promises in these states.")]
BookingStates = Annotated[list[BookingState] | None, strawberry.argument(description="Only bookings in these states.")]
SessionId = Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this session.")]


@strawberry.type
class BookingQuery:
    """Reads of promises and bookings."""

    @paged("Promised places that you may see (预留名额).")
    async def promises(
        self,
        info: Info,
        page: Page,
        states: PromiseStates = None,
        session_id: SessionId = None,
    ) -> Connection[Promise]:
        """Promises in the order in which they were made."""
        rows = visible(PromiseRow, info.context.caller)
        if states is not None:
            rows = rows.where(col(PromiseRow.state).in_(states))
        if session_id is not None:
            rows = rows.where(col(PromiseRow.session_id) == key_of(session_id, Session, "sessionId"))
        return await connect(info, Promise, rows, page)

    @paged("Named places that you may see (报名).")
    async def bookings(
        self,
        info: Info,
        page: Page,
        states: BookingStates = None,
        session_id: SessionId = None,
    ) -> Connection[Booking]:
        """Bookings in the order in which they were made."""
        rows = visible(BookingRow, info.context.caller)
        if states is not None:
            rows = rows.where(col(BookingRow.state).in_(states))
        if session_id is not None:
            rows = rows.where(col(BookingRow.session_id) == key_of(session_id, Session, "sessionId"))
        return await connect(info, Booking, rows, page)


@strawberry.type
class BookingMutation:
    """Acts on places."""

    @mutation("Name the people who take promised places; all of them or nobody (确认名单).")
    async def booking_confirm(self, info: Info, input: BookingConfirmInput) -> BookingsPayload:
        """Promised places get their names."""
        context = info.context
        rows = await booking.confirm_bookings(
            context.db,
            key_of(input.promise_id, Promise, "input", "promiseId"),
            keys_of(input.worker_ids, Worker, "input", "workerIds"),
            caller=context.caller,
            now=context.now(),
        )
        return BookingsPayload(bookings=[Booking.from_row(row) for row in rows])

    @mutation("Take open places of a published session by name; all of them or nobody (报名).")
    async def booking_create(self, info: Info, input: BookingCreateInput) -> BookingsPayload:
        """First come, first served."""
        context = info.context
        rows = await booking.create_bookings(
            context.db,
            key_of(input.session_id, Session, "input", "sessionId"),
            keys_of(input.worker_ids, Worker, "input", "workerIds"),
            caller=context.caller,
            now=context.now(),
        )
        return BookingsPayload(bookings=[Booking.from_row(row) for row in rows])

    @mutation("Give a place up before the roster freezes; it is open to everyone at once (取消报名).")
    async def booking_cancel(self, info: Info, input: BookingCancelInput) -> BookingPayload:
        """The place is free, and so is the person's time."""
        context = info.context
        key = key_of(input.booking_id, Booking, "input", "bookingId")
        row = await booking_changes.cancel_booking(context.db, key, caller=context.caller, now=context.now())
        return BookingPayload(booking=Booking.from_row(row))

    @mutation("Send somebody else before the roster freezes; the place is kept (替换人员).")
    async def booking_substitute(self, info: Info, input: BookingSubstituteInput) -> BookingPayload:
        """The place goes from one person of the firm to another."""
        context = info.context
        row = await booking_changes.substitute_booking(
            context.db,
            key_of(input.booking_id, Booking, "input", "bookingId"),
            key_of(input.worker_id, Worker, "input", "workerId"),
            caller=context.caller,
            now=context.now(),
        )
        return BookingPayload(booking=Booking.from_row(row))

    @mutation("Move a place to another session of the exam in one step, before either roster freezes (改签).")
    async def booking_move(self, info: Info, input: BookingMoveInput) -> BookingMovePayload:
        """Never without a place in between."""
        context = info.context
        row = await moving.move_booking(
            context.db,
            key_of(input.booking_id, Booking, "input", "bookingId"),
            key_of(input.session_id, Session, "input", "sessionId"),
            caller=context.caller,
            now=context.now(),
        )
        return BookingMovePayload(booking=Booking.from_row(row))
