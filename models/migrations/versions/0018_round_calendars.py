"""A bureau's rounds can follow one another by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "round_calendar",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("collect_days", sa.Integer(), nullable=False),
        sa.Column("consult_working_days", sa.Integer(), nullable=False),
        sa.Column("settle_working_days", sa.Integer(), nullable=False),
        sa.Column("time_limit_seconds", sa.Float(), nullable=False),
        sa.Column("next_first_day", sa.Date(), nullable=False),
        sa.Column("opens_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "months IN (1, 2, 3, 4, 6) AND least(collect_days, consult_working_days, settle_working_days) >= 1",
            name=op.f("ck_round_calendar_numbers_sensible"),
        ),
        sa.ForeignKeyConstraint(
            ["bureau_id"], ["jurisdiction.id"], name=op.f("fk_round_calendar_bureau_id_jurisdiction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_calendar")),
        sa.UniqueConstraint("bureau_id", name=op.f("uq_round_calendar_bureau_id")),
    )
    op.create_index("ix_round_calendar_opens_at", "round_calendar", ["opens_at"])
