"""Firms whose people lost their places are looked after."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("waiting", sa.Column("look_after", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_waiting_look_after_due", "waiting", ["look_after"], unique=False, postgresql_where="look_after IS NOT NULL"
    )
