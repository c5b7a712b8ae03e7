"""Sessions are confirmed, merged or cancelled at a deadline."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("session", sa.Column("confirm_due_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("session", sa.Column("confirmed_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute(
        "UPDATE session SET"
        " confirm_due_at = least(starts_at - interval '3 days', roster_freezes_at - interval '1 day'),"
        " confirmed_at = CASE WHEN state IN ('FROZEN', 'HELD', 'CLOSED') THEN roster_freezes_at END"
    )
    op.alter_column("session", "confirm_due_at", nullable=False)
    op.create_check_constraint(
        op.f("ck_session_confirmed_before_frozen"), "session", "confirm_due_at < roster_freezes_at"
    )
    op.create_index(
        "ix_session_unconfirmed", "session", ["confirm_due_at"], unique=False, postgresql_where="confirmed_at IS NULL"
    )
