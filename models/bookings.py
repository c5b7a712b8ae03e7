"""Places promised to requests, places held for firms that are choosing names, and places taken by named people."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import Attendance, BookingState, HoldState, PromiseState, WaitingState


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
        Index("ix_promise_remind_at_held", "remind_at", postgresql_where="state = 'HELD' AND remind_at IS NOT NULL"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    request_id: int = refers_to("request.id")
    people: int
    named: int = 0
    state: PromiseState = listed(PromiseState)
    held_until: datetime = instant()
    remind_at: datetime | None = instant(optional=True)  # when its firm is reminded to name people


class Waiting(Table, table=True):
    """A firm in the queue (候补): for freed places of a session, or of any session of an exam within km and days."""

    __tablename__ = "waiting"
    __table_args__ = (
        CheckConstraint("people BETWEEN 1 AND 200 AND passed >= 0", name="people_sensible"),
        CheckConstraint("(session_id IS NULL) = (most_km IS NOT NULL)", name="session_or_distance"),
        Index(
            "uq_waiting_standing",
            "enterprise_id",
            "exam_id",
            "session_id",
            "application_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where="state IN ('WAITING', 'OFFERED')",
        ),
        Index("ix_waiting_exam_id_waiting", "exam_id", "asked_at", postgresql_where="state = 'WAITING'"),
        Index("ix_waiting_look_after_due", "look_after", postgresql_where="look_after IS NOT NULL"),
    )

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    exam_id: int = refers_to("exam.id", index=False)
    session_id: int | None = refers_to("session.id", optional=True)
    people: int
    latitude: float
    longitude: float
    most_km: float | None = None
    until_day: date
    state: WaitingState = listed(WaitingState)
    asked_at: datetime = instant()
    passed: int = 0
    not_session_id: int | None = refers_to("session.id", optional=True, index=False)  # its people cannot come there
    application_id: int | None = refers_to("application.id", optional=True)  # found no place in a ranked window
    look_after: datetime | None = instant(optional=True)  # when other sessions are to be looked at for it


class Hold(Table, table=True):
    """
    Open places of a session that a firm chose and names its people into within minutes; after that they are open.

    Where the firm waited, they were offered to it for working hours, or are kept until its group fits.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("people >= 1 AND named BETWEEN 0 AND people", name="named_within_people"),
        CheckConstraint("(state = 'USED') = (named = people)", name="used_when_all_named"),
        CheckConstraint("state <> 'KEPT' OR waiting_id IS NOT NULL AND named = 0", name="kept_for_who_waits"),
        Index(
            "ix_hold_session_id_standing", "session_id", "enterprise_id", postgresql_where="state IN ('KEPT', 'HELD')"
        ),
        Index("ix_hold_held_until_standing", "held_until", postgresql_where="state IN ('KEPT', 'HELD')"),
        Index("uq_hold_waiting_id", "waiting_id", unique=True, postgresql_where="state IN ('KEPT', 'HELD')"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    waiting_id: int | None = refers_to("waiting.id", optional=True, index=False)
    application_id: int | None = refers_to("application.id", optional=True)  # placed by a ranked window
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
        CheckConstraint("promise_id IS NULL OR grant_id IS NULL", name="promised_or_from_a_share"),
        Index("ix_booking_grant_id", "grant_id", postgresql_where="grant_id IS NOT NULL"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    worker_id: int = refers_to("worker.id")
    enterprise_id: int = refers_to("enterprise.id")
    promise_id: int | None = refers_to("promise.id", optional=True)
    grant_id: int | None = refers_to("place_grant.id", optional=True, index=False)  # the share it was drawn from
    state: BookingState = listed(BookingState)
    attendance: Attendance = listed(Attendance, Attendance.EXPECTED)
    booked_at: datetime = instant()
    changes: int = 0
    is_relocated: bool = False  # moved here by the organiser: it counts against no share
