"""Firms are reminded of places without names, exam bodies of results that are late."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("promise", sa.Column("remind_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_promise_remind_at_held",
        "promise",
        ["remind_at"],
        postgresql_where=sa.text("state = 'HELD' AND remind_at IS NOT NULL"),
    )
    op.add_column("session", sa.Column("results_reminded_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_session_results_due_at_awaited",
        "session",
        ["results_due_at"],
        postgresql_where=sa.text("state IN ('FROZEN', 'HELD') AND results_reminded_at IS NULL"),
    )
