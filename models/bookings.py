"""Places promised to requests, places held for firms that are choosing names, and places taken by named people."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import Attendance, BookingState, HoldState, PromiseState


class Promise(Table, table=True):
    """Places of a session that a round set aside for a request, held until a date for the firm to name its people."""

    __tablename__ = "promise"
    __table_args__ = (
        Index(
            "uq_promise_standing",
            "session_id",
            "request_id",
            unique=True,
            postgresql_where="state NOT IN ('RELEASED', 'DROPPED')",
        ),
        CheckConstraint("people >= 1 AND named BETWEEN 0 AND people", name="named_within_people"),
        Index("ix_promise_state_held_until", "state", "held_until"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    request_id: int = refers_to("request.id")
    people: int
    named: int = 0
    state: PromiseState = listed(PromiseState)
    held_until: datetime = instant()


class Hold(Table, table=True):
    """Open places of a session that a firm chose and names its people into within minutes; after that they are open."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("people >= 1 AND named BETWEEN 0 AND people", name="named_within_people"),
        CheckConstraint("(state = 'USED') = (named = people)", name="used_when_all_named"),
        Index("ix_hold_session_id_standing", "session_id", "enterprise_id", postgresql_where="state = 'HELD'"),
        Index("ix_hold_held_until_standing", "held_until", postgresql_where="state = 'HELD'"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    people: int
    named: int = 0
    state: HoldState = listed(HoldState)
    held_at: datetime = instant()
    held_until: datetime = instant()
    is_extended: bool = False


class Booking(Table, table=True):
    """A named worker's place in a session."""

    __tablename__ = "booking"
    __table_args__ = (
        Index(
            "uq_booking_once_a_session",
            "session_id",
            "worker_id",
            unique=True,
            postgresql_where="state = 'CONFIRMED'",
        ),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    worker_id: int = refers_to("worker.id")
    enterprise_id: int = refers_to("enterprise.id")
    promise_id: int | None = refers_to("promise.id", optional=True)
    state: BookingState = listed(BookingState)
    attendance: Attendance = listed(Attendance, Attendance.EXPECTED)
    booked_at: datetime = instant()
    changes: int = 0
