"""Changes are told: rows that say what changed, written by triggers in the transaction that changes it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Frozen here as they were: a step must do the same for ever, whatever the code says later.
_TELL = """
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (xid, at, topic, entity_id)
    VALUES (pg_current_xact_id()::text::bigint,
            coalesce(nullif(current_setting('doorstep.now', true), '')::timestamptz, now()), TG_ARGV[0], NEW.id);
    RETURN NULL;
END $$
"""
_TOLD = (
    ("SESSION_PLACES", "session", ("places", "promised", "held", "taken", "state", "ranked_until")),
    ("BOOKING", "booking", ("session_id", "worker_id", "state", "attendance")),
    ("ROUND", "round", ("state", "failure")),
)


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    topics = ("SESSION_PLACES", "BOOKING", "ROUND")
    op.create_table(
        "change",
        sa.Column("xid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "topic",
            sa.Enum(*topics, name="topic", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("xid", "id", name=op.f("pk_change")),
    )
    op.execute(_TELL)
    for topic, table, columns in _TOLD:
        before, after = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
        op.execute(
            f"CREATE TRIGGER tell_change AFTER UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW"
            f" WHEN (({before}) IS DISTINCT FROM ({after})) EXECUTE FUNCTION tell_change('{topic}')"
        )
    for topic, table in (("BOOKING", "booking"), ("ROUND", "round")):
        op.execute(
            f"CREATE TRIGGER tell_birth AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION tell_change('{topic}')"
        )
