"""Exam sessions, and the staff, rooms and people that each claims for its time."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlmodel import Field

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import Part, ResourceKind, SessionState, Tier


class Session(Table, table=True):
    """
    An exam session: one exam, at a site, on a half-day.

    Every place is promised to a request, held for a firm that is choosing names, taken by a named person, shared
    (granted to a tier for its firms, and unused), or unclaimed: open to everybody, or to be ranked.
    """

    __tablename__ = "session"
    __table_args__ = (
        CheckConstraint(
            "least(promised, held, taken, shared) >= 0 AND promised + held + taken + shared <= places",
            name="never_oversold",
        ),
        CheckConstraint("starts_at < ends_at", name="times_in_order"),
        CheckConstraint("confirm_due_at < roster_freezes_at", name="confirmed_before_frozen"),
        Index("ix_session_state_starts_at_id", "state", "starts_at", "id"),
        Index("ix_session_exam_id_starts_at_id", "exam_id", "starts_at", "id"),
        Index(
            "ix_session_results_due_at_awaited",
            "results_due_at",
            postgresql_where="state IN ('FROZEN', 'HELD') AND results_reminded_at IS NULL",
        ),
        Index("ix_session_unconfirmed", "confirm_due_at", postgresql_where="confirmed_at IS NULL"),
    )

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id")
    round_id: int = refers_to("round.id")
    exam_id: int = refers_to("exam.id", index=False)
    site_id: int = refers_to("site.id")
    room_id: int | None = refers_to("room.id", optional=True)
    exam_body_id: int = refers_to("exam_body.id")
    day: date
    part: Part = listed(Part)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    places: int
    promised: int = 0
    held: int = 0
    taken: int = 0
    shared: int = 0
    tier: Tier = listed(Tier)
    jurisdiction_id: int = refers_to("jurisdiction.id")
    state: SessionState = listed(SessionState)
    confirm_due_at: datetime = instant()  # when one below the minimum class is confirmed, merged or cancelled
    confirmed_at: datetime | None = instant(optional=True)
    roster_freezes_at: datetime = instant()
    results_due_at: datetime = instant()
    results_reminded_at: datetime | None = instant(optional=True)
    ranked_until: datetime | None = instant(optional=True)  # its open places are applied for, in a ranked window

    @property
    def claimed(self) -> int:
        """Places promised, held or taken by firms, as the row stands."""
        return self.promised + self.held + self.taken

    @property
    def unclaimed(self) -> int:
        """Places that are nobody's, as the row stands: no firm's and no tier's."""
        return self.places - self.claimed - self.shared


class SessionStaff(Table, table=True):
    """An examiner on duty at a session."""

    __tablename__ = "session_staff"
    __table_args__ = (UniqueConstraint("session_id", "examiner_id"),)

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    examiner_id: int = refers_to("examiner.id")


class Claim(Table, table=True):
    """A resource taken by a session for its time; the database lets no two overlap."""

    __tablename__ = "claim"
    __table_args__ = (
        ExcludeConstraint(
            ("resource", "="), ("resource_id", "="), ("during", "&&"), name="ex_claim_one_place_at_a_time", using="gist"
        ),
        Index("ix_claim_resource_resource_id", "resource", "resource_id"),
    )

    id: int = key()
    session_id: int = refers_to("session.id")
    resource: ResourceKind = listed(ResourceKind)
    resource_id: int = Field(sa_type=BigInteger)
    during: Range[datetime] = Field(sa_column=Column(TSTZRANGE, nullable=False))

    model_config = {"arbitrary_types_allowed": True}  # noqa: RUF012  # pydantic reads it as it stands
