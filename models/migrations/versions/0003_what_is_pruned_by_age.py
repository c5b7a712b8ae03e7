"""What is pruned by age is found by age."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_index("ix_idempotency_key_asked_at", "idempotency_key", ["asked_at"])
    op.create_index("ix_job_run_fire_at", "job_run", ["fire_at"])
