"""Rounds of allocation, their plans, the consents of the tiers, and the objections that became constraints."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.columns import Leased, Table, instant, key, listed, refers_to
from models.vocabulary import ConsentParty, ConsentState, ObjectionKind, PlanState, RoundState

# Of a consent: whom it asks. Everybody looks for what is asked of themselves, by its state.
PARTIES = ("jurisdiction_id", "enterprise_id", "examiner_id", "exam_body_id")


class Round(Leased, table=True):
    """One allocation of a whole bureau's open requests, with its calendar."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("bureau_id", "number"),
        CheckConstraint("collect_until < consult_until AND consult_until < publish_at", name="deadlines_in_order"),
        CheckConstraint("first_day <= last_day", name="days_in_order"),
    )

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id", index=False)
    number: int
    state: RoundState = listed(RoundState)
    first_day: date
    last_day: date
    collect_until: datetime = instant()
    consult_until: datetime = instant()
    publish_at: datetime = instant()
    replan_wanted: bool = False
    seed: int = 0
    time_limit_seconds: float = 10.0
    # While PLANNING: when to solve next (whose turn it is stands in the lease), what is known so far, what went wrong.
    solve_after: datetime | None = instant(optional=True)
    progress: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    stop_search: bool = False
    failures: int = 0
    failure: str | None = None


class RoundCalendar(Table, table=True):
    """
    How a bureau's rounds follow one another by themselves: each plans the next whole months.

    Attributes:
        months: So many in one round; rounds begin with January, and every so many months.
        collect_days: In which requests are collected, to the end of collecting.
        consult_working_days: Between the end of collecting, when the plan is made, and the end of consulting.
        settle_working_days: Between the end of consulting and publication.
        next_first_day: The first day that the next round plans.
        opens_at: When that round opens.
    """

    __tablename__ = "round_calendar"
    __table_args__ = (
        UniqueConstraint("bureau_id"),
        CheckConstraint(
            "months IN (1, 2, 3, 4, 6) AND least(collect_days, consult_working_days, settle_working_days) >= 1",
            name="numbers_sensible",
        ),
        Index("ix_round_calendar_opens_at", "opens_at"),
    )

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id", index=False)
    months: int
    collect_days: int
    consult_working_days: int
    settle_working_days: int
    time_limit_seconds: float
    next_first_day: date
    opens_at: datetime = instant()


class Plan(Table, table=True):
    """What the allocator answered for a round: problem and plan as documents, with cost and proof."""

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("round_id", "version"),
        Index("uq_plan_current", "round_id", unique=True, postgresql_where="state = 'CURRENT'"),
    )

    id: int = key()
    round_id: int = refers_to("round.id", index=False)
    version: int
    state: PlanState = listed(PlanState)
    problem: dict[str, Any] = Field(sa_type=JSONB)
    answer: dict[str, Any] = Field(sa_type=JSONB)
    changes: dict[str, Any] = Field(sa_type=JSONB)
    baselines: dict[str, Any] = Field(sa_type=JSONB)
    cost_fen: float
    bound_fen: float
    made_at: datetime = instant()


class Consent(Table, table=True):
    """One party's answer to one session, asked for by a deadline."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_standing",
            "session_id",
            "party",
            "jurisdiction_id",
            "enterprise_id",
            "examiner_id",
            "exam_body_id",
            unique=True,
            postgresql_where="state <> 'VOID'",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "num_nonnulls(jurisdiction_id, enterprise_id, examiner_id, exam_body_id) = 1", name="asks_one_party"
        ),
        Index("ix_consent_state_due_at", "state", "due_at"),
        Index("ix_consent_tell_at_asked", "tell_at", postgresql_where="state = 'ASKED' AND tell_at IS NOT NULL"),
        *(Index(f"ix_consent_{party}_state_id", party, "state", "id") for party in PARTIES),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    party: ConsentParty = listed(ConsentParty)
    jurisdiction_id: int | None = refers_to("jurisdiction.id", optional=True, index=False)
    enterprise_id: int | None = refers_to("enterprise.id", optional=True, index=False)
    examiner_id: int | None = refers_to("examiner.id", optional=True, index=False)
    exam_body_id: int | None = refers_to("exam_body.id", optional=True, index=False)
    in_place_of_id: int | None = refers_to("consent.id", optional=True)
    state: ConsentState = listed(ConsentState)
    due_at: datetime = instant()
    tell_at: datetime | None = instant(optional=True)  # when the party is told next: of the question, then of its end
    told_at: datetime | None = instant(optional=True)
    reminded_at: datetime | None = instant(optional=True)
    answered_at: datetime | None = instant(optional=True)
    answered_by_id: int | None = refers_to("account.id", optional=True)


class Objection(Table, table=True):
    """Why a party objected, as the constraint that the next plan keeps."""

    __tablename__ = "objection"

    id: int = key()
    round_id: int = refers_to("round.id")
    consent_id: int = refers_to("consent.id")
    kind: ObjectionKind = listed(ObjectionKind)
    remark: str = ""
    site_id: int = refers_to("site.id")
    exam_id: int = refers_to("exam.id")
    block: str
    examiner_id: int | None = refers_to("examiner.id", optional=True)
    request_id: int | None = refers_to("request.id", optional=True)
    people: int | None = None
    raised_at: datetime = instant()
