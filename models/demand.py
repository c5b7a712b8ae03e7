"""What firms ask for: requests for places, and the people named on them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import RequestOrigin, RequestState


class Request(Table, table=True):
    """A firm's wish: so many people to sit an exam between two days, starting from a place."""

    __tablename__ = "request"
    __table_args__ = (
        CheckConstraint("people BETWEEN 1 AND 500", name="people_sensible"),
        CheckConstraint("earliest_day <= latest_day", name="days_in_order"),
        Index("ix_request_state_exam_id", "state", "exam_id"),
    )

    id: int = key()
    enterprise_id: int = refers_to("enterprise.id")
    exam_id: int = refers_to("exam.id")
    people: int
    earliest_day: date
    latest_day: date
    latitude: float
    longitude: float
    keep_together: bool = False
    most_km: float | None = None
    origin: RequestOrigin = listed(RequestOrigin)
    state: RequestState = listed(RequestState)
    asked_at: datetime = instant()
    round_id: int | None = refers_to("round.id", optional=True)
    unplaced_reason: str | None = None
    unplaced_detail: str | None = None


class RequestPerson(Table, table=True):
    """A worker named on a request; names beyond these may follow when places are promised."""

    __tablename__ = "request_person"
    __table_args__ = (UniqueConstraint("request_id", "worker_id"),)

    id: int = key()
    request_id: int = refers_to("request.id", index=False)
    worker_id: int = refers_to("worker.id")
