"""Whoever is asked for an answer is told, and reminded before it is due."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    for moment in ("tell_at", "told_at", "reminded_at"):
        op.add_column("consent", sa.Column(moment, sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_consent_tell_at_asked",
        "consent",
        ["tell_at"],
        postgresql_where=sa.text("state = 'ASKED' AND tell_at IS NOT NULL"),
    )
