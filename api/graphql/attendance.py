"""The day: who came."""

import strawberry

from api.graphql.bookings import Booking
from api.graphql.context import Info
from api.graphql.entity import key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.sessions import Session
from scheduler import attendance


@strawberry.input(description="Who came to a session and who did not.")
class AttendanceRecordInput:
    """What attendanceRecord takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")
    present_booking_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The bookings of those who came."
    )
    absent_booking_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The bookings of those who did not."
    )

    def call(self) -> attendance.RollCall:
        """The input as the use case takes it."""
        return attendance.RollCall(
            session_id=key_of(self.session_id, Session, "input", "sessionId"),
            present=tuple(keys_of(self.present_booking_ids, Booking, "input", "presentBookingIds")),
            absent=tuple(keys_of(self.absent_booking_ids, Booking, "input", "absentBookingIds")),
        )


@strawberry.type(description="The answer to attendanceRecord.")
class AttendancePayload(Payload):
    """The session as it now stands."""

    session: Session | None = strawberry.field(
        default=None, description="The session, held once everybody is marked; empty if refused."
    )


@strawberry.type
class AttendanceMutation:
    """What the examiners on duty write down."""

    @mutation("Mark who came; may be corrected until results are in (签到).")
    async def attendance_record(self, info: Info, input: AttendanceRecordInput) -> AttendancePayload:
        """A session is held once everybody is marked."""
        context = info.context
        row = await attendance.record_attendance(context.db, input.call(), caller=context.caller, now=context.now())
        return AttendancePayload(session=Session.from_row(row))
