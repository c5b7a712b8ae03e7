"""Messages go by channels: an id for outside, a claim, every attempt, and where each party is reached."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_CHANNELS = ("EMAIL", "GATEWAY", "WEBHOOK", "FILE")


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    _messages()
    _attempts()
    _contacts()


def _messages() -> None:
    message = "outbox_message"
    op.add_column(message, sa.Column("key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False))
    op.alter_column(message, "key", server_default=None)
    op.create_unique_constraint(op.f("uq_outbox_message_key"), message, ["key"])
    op.add_column(message, sa.Column("courtesy", _listed("courtesy", "RENEWAL_REMINDER", "SESSIONS_PUBLISHED")))
    op.add_column(message, sa.Column("claim", sa.Integer(), server_default="0", nullable=False))
    op.alter_column(message, "claim", server_default=None)
    op.add_column(message, sa.Column("claimed_until", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column(message, sa.Column("is_withheld", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column(message, "is_withheld", server_default=None)
    op.create_check_constraint(
        op.f("ck_outbox_message_ends_in_one_way"),
        message,
        "(delivered_at IS NOT NULL)::int + is_dead::int + is_withheld::int <= 1",
    )
    op.drop_index("ix_outbox_message_due_at", message)
    waits = "delivered_at IS NULL AND NOT is_dead AND NOT is_withheld"
    op.create_index("ix_outbox_message_due", message, ["due_at", "id"], postgresql_where=sa.text(waits))
    op.create_index("ix_outbox_message_dead", message, ["id"], postgresql_where=sa.text("is_dead"))


def _attempts() -> None:
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("channel", _listed("channel", *_CHANNELS), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox_message.id"], name=op.f("fk_delivery_attempt_message_id_outbox_message")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(op.f("ix_delivery_attempt_message_id"), "delivery_attempt", ["message_id"], unique=False)
    # Until now there was the file alone, and one attempt each.
    op.execute(
        "INSERT INTO delivery_attempt (message_id, at, channel, took_ms)"
        " SELECT id, delivered_at, 'FILE', 0 FROM outbox_message WHERE delivered_at IS NOT NULL"
    )


def _contacts() -> None:
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("channel", _listed("channel", *_CHANNELS), nullable=True),
        sa.Column("declined", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("channel IN ('EMAIL', 'GATEWAY')", name=op.f("ck_contact_reached_by_post")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("recipient", name=op.f("uq_contact_recipient")),
    )


def _listed(name: str, *members: str) -> sa.Enum:
    return sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=24)
