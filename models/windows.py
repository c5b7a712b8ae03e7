"""Ranked windows: until a date firms apply for a session's open places, then a published rule orders who gets them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import ApplicationState, WindowState


class RankedWindow(Table, table=True):
    """
    A session's open places, to be applied for until a date.

    The seed of its lottery is drawn when it opens and told with the result; its hash is public from the first moment.
    """

    __tablename__ = "ranked_window"
    __table_args__ = (
        CheckConstraint("opened_at < apply_until", name="times_in_order"),
        CheckConstraint(
            "(state = 'RANKED') = (document IS NOT NULL AND result_hash IS NOT NULL AND ranked_at IS NOT NULL)",
            name="ranked_means_published",
        ),
        Index("uq_ranked_window_open", "session_id", unique=True, postgresql_where="state = 'OPEN'"),
        Index("ix_ranked_window_apply_until_open", "apply_until", postgresql_where="state = 'OPEN'"),
    )

    id: int = key()
    session_id: int = refers_to("session.id")
    state: WindowState = listed(WindowState)
    opened_at: datetime = instant()
    apply_until: datetime = instant()
    seed: str
    seed_hash: str
    document: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    result_hash: str | None = None
    ranked_at: datetime | None = instant(optional=True)


class Application(Table, table=True):
    """
    People of a firm who apply for places in a window: one, or a group that sits together or not at all.

    The key is random: published with the result, it says nothing to anybody but the firm. What the people were ranked
    by is kept as it was at that moment.
    """

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("window_id", "position"),
        CheckConstraint("people BETWEEN 1 AND 200", name="people_sensible"),
        CheckConstraint("(position IS NULL) = (since IS NULL)", name="ranked_by_something"),
    )

    id: int = key()
    window_id: int = refers_to("ranked_window.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    key: str
    people: int
    state: ApplicationState = listed(ApplicationState)
    applied_at: datetime = instant()
    deadline: date | None = None
    since: date | None = None
    position: int | None = None


class Applicant(Table, table=True):
    """A worker named on an application."""

    __tablename__ = "applicant"
    __table_args__ = (UniqueConstraint("application_id", "worker_id"),)

    id: int = key()
    application_id: int = refers_to("application.id", index=False)
    worker_id: int = refers_to("worker.id")
