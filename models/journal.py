"""The audit trail, the listed transitions, answers by idempotency key, messages out, what jobs ran, allowances."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.columns import Leased, Table, instant, key, listed, refers_to
from models.vocabulary import Channel, Courtesy


class AuditEntry(Table, table=True):
    """
    Who did what to which row, and when; written by the database itself at each change of state, never changed after.

    Acts that change no state (a rule revised, a site closed, a worker substituted) are noted by `scheduler.journal`.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_entity_entity_id_id", "entity", "entity_id", "id"),)

    id: int = key()
    at: datetime = instant()
    actor: str
    act: str
    entity: str
    entity_id: int = Field(sa_type=BigInteger)
    from_state: str | None = None
    to_state: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)


class Transition(Table, table=True):
    """A change of state that is allowed; from_state is empty for the first. The database refuses any other."""

    __tablename__ = "transition"

    entity: str = Field(primary_key=True)
    from_state: str = Field(primary_key=True)
    to_state: str = Field(primary_key=True)


class IdempotencyKey(Table, table=True):
    """The one answer that a caller's key stands for."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("account_id", "key"), Index("ix_idempotency_key_asked_at", "asked_at"))

    id: int = key()
    account_id: int = refers_to("account.id", index=False)
    key: str
    fingerprint: str
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    asked_at: datetime = instant()


class OutboxMessage(Leased, table=True):
    """
    A message that a change owes to somebody; written with the change, delivered after it, perhaps more than once.

    `key` is its one id outside: it stays the same over all attempts, so that a receiver can drop repeats.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint(
            "(delivered_at IS NOT NULL)::int + is_dead::int + is_withheld::int <= 1", name="ends_in_one_way"
        ),
        Index(
            "ix_outbox_message_due",
            "due_at",
            "id",
            postgresql_where="delivered_at IS NULL AND NOT is_dead AND NOT is_withheld",
        ),
        Index("ix_outbox_message_dead", "id", postgresql_where="is_dead"),
    )

    id: int = key()
    key: UUID = Field(default_factory=uuid4, unique=True)
    recipient: str
    endpoint_id: int | None = refers_to("webhook_endpoint.id", optional=True)  # an event; its subject is the type
    subject: str
    body: str
    courtesy: Courtesy | None = listed(Courtesy, optional=True)
    made_at: datetime = instant()
    due_at: datetime = instant()
    attempts: int = 0
    delivered_at: datetime | None = instant(optional=True)
    is_dead: bool = False
    is_withheld: bool = False  # its recipient unsubscribed


class DeliveryAttempt(Table, table=True):
    """One attempt to deliver a message: when, by what, and what came of it; nothing of what the message says."""

    __tablename__ = "delivery_attempt"

    id: int = key()
    message_id: int = refers_to("outbox_message.id")
    at: datetime = instant()
    channel: Channel | None = listed(Channel, optional=True)  # none where no address is known
    status: int | None = None
    failure: str | None = None
    took_ms: int = 0


class CostBucket(Table, table=True):
    """
    How much of a party's allowance its requests have used; it leaks as time goes by.

    Unlogged, so that counting a request waits for no disk: after a crash of the server everybody's is empty.
    """

    __tablename__ = "cost_bucket"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    holder: str = Field(primary_key=True)
    level: float
    at: datetime = instant()


class JobRun(Leased, table=True):
    """
    A firing of a job; unique per job and moment, so that every other node's firing is a no-op.

    It is open, finished or dead. An open one is tried when `due_at` has come; a failure puts that off, longer each
    time, until the run is dead and waits for somebody to have it tried again.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("job", "fire_at"),
        CheckConstraint("finished_at IS NULL OR died_at IS NULL", name="finished_or_dead"),
        Index("ix_job_run_fire_at", "fire_at"),
        Index("ix_job_run_open", "job", "due_at", postgresql_where="finished_at IS NULL"),
    )

    id: int = key()
    job: str
    fire_at: datetime = instant()
    due_at: datetime = instant()
    started_at: datetime | None = instant(optional=True)
    finished_at: datetime | None = instant(optional=True)
    died_at: datetime | None = instant(optional=True)
    attempts: int = 0
    done: int = 0
    failure: str | None = None
