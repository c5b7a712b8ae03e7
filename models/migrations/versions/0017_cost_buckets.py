"""What each party's requests cost is counted for all processes together."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "cost_bucket",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_cost_bucket")),
        prefixes=["UNLOGGED"],
    )
