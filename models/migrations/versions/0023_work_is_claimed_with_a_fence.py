"""Work outside a transaction is claimed with a lease and a fence; runs of jobs are tried again; searches say how far they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    _rounds()
    _runs()


def _rounds() -> None:
    op.alter_column("round", "solving_until", new_column_name="leased_until")
    op.add_column("round", sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    _add_filled("round", "claim", sa.Integer(), "0")
    _add_filled("round", "stop_search", sa.Boolean(), "false")


def _runs() -> None:
    for name in ("due_at", "died_at", "leased_until"):
        op.add_column("job_run", sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))
    for name in ("claim", "attempts"):
        _add_filled("job_run", name, sa.Integer(), "0")
    op.alter_column("job_run", "started_at", nullable=True)
    # What a dead node left open is over: whatever is still due makes the job fire anew.
    op.execute("UPDATE job_run SET due_at = fire_at, finished_at = coalesce(finished_at, started_at)")
    op.alter_column("job_run", "due_at", nullable=False)
    op.create_check_constraint(op.f("ck_job_run_finished_or_dead"), "job_run", "finished_at IS NULL OR died_at IS NULL")
    op.create_index("ix_job_run_open", "job_run", ["job", "due_at"], postgresql_where="finished_at IS NULL")


def _add_filled(table: str, name: str, kind: sa.Integer | sa.Boolean, value: str) -> None:
    """Add a column that rows in place have a value of, and new ones are given theirs by the code."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=value))
    op.alter_column(table, name, server_default=None)
