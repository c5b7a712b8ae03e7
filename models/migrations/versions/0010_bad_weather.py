"""Days of bad weather at a site; a postponed session's roster opens again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "weather_block",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_weather_block_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weather_block")),
        sa.UniqueConstraint("site_id", "day", name=op.f("uq_weather_block_site_id_day")),
    )
    op.add_column("waiting", sa.Column("not_session_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_waiting_not_session_id_session"), "waiting", "session", ["not_session_id"], ["id"])
    op.bulk_insert(_TRANSITION, [{"entity": "session", "from_state": "FROZEN", "to_state": "PUBLISHED"}])
