"""What is asked of a party is found by its state."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    for party in ("jurisdiction_id", "enterprise_id", "examiner_id", "exam_body_id"):
        op.create_index(f"ix_consent_{party}_state_id", "consent", [party, "state", "id"])
        op.drop_index(f"ix_consent_{party}", "consent")
