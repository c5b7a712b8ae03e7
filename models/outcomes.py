"""What came of it: results, certificates and renewals."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import CertificateState, Outcome, RenewalState


class Result(Table, table=True):
    """What the exam body reported of one sitting, judged by the rule in force on its day."""

    __tablename__ = "result"
    __table_args__ = (
        UniqueConstraint("booking_id"),
        UniqueConstraint("worker_id", "exam_id", "attempt", "series"),
        CheckConstraint("(outcome = 'ABSENT') = (mark IS NULL)", name="only_absence_has_no_mark"),
        CheckConstraint("mark BETWEEN 0 AND 100", name="mark_in_range"),
    )

    id: int = key()
    booking_id: int = refers_to("booking.id", index=False)
    worker_id: int = refers_to("worker.id", index=False)
    exam_id: int = refers_to("exam.id")
    exam_rule_id: int = refers_to("exam_rule.id")
    series: int = 1  # a new series begins when every retake of the last one is used up
    attempt: int = 1
    mark: float | None = None
    outcome: Outcome = listed(Outcome)
    sat_on: date
    recorded_at: datetime = instant()
    retake_from: date | None = None
    retake_until: date | None = None


class Certificate(Table, table=True):
    """An operator's certificate for an item; its public number is the holder's identity number, so we key our own."""

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("(issued_on IS NULL) = (expires_on IS NULL)", name="issued_means_expiring"),
        CheckConstraint("issued_on < expires_on", name="days_in_order"),
        Index("ix_certificate_state_expires_on", "state", "expires_on"),
        Index("uq_certificate_pending", "worker_id", "item_id", unique=True, postgresql_where="state = 'PENDING'"),
        Index("uq_certificate_valid", "worker_id", "item_id", unique=True, postgresql_where="state = 'VALID'"),
    )

    id: int = key()
    worker_id: int = refers_to("worker.id", index=False)
    item_id: int = refers_to("item.id")
    rule_id: int = refers_to("item_rule.id")
    state: CertificateState = listed(CertificateState)
    decision_due_at: datetime = instant()
    issued_on: date | None = None
    expires_on: date | None = None
    renews_id: int | None = refers_to("certificate.id", optional=True)


class Renewal(Table, table=True):
    """The renewal (复审) of a certificate: proposed to the firm, applied for, decided on paper."""

    __tablename__ = "renewal"
    __table_args__ = (UniqueConstraint("certificate_id"), Index("ix_renewal_state_due_on", "state", "due_on"))

    id: int = key()
    certificate_id: int = refers_to("certificate.id", index=False)
    enterprise_id: int = refers_to("enterprise.id")
    state: RenewalState = listed(RenewalState)
    due_on: date
    proposed_at: datetime = instant()
    applied_at: datetime | None = instant(optional=True)
    decision_due_at: datetime | None = instant(optional=True)
    had_no_responsible_accident: bool | None = None
    had_no_long_break: bool | None = None
    successor_id: int | None = refers_to("certificate.id", optional=True)
