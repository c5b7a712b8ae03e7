"""Each bureau has rules and a calendar of its own; a certificate that was not renewed gives way to one earned anew."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_CERTIFICATES = "'PENDING', 'VALID', 'REFUSED', 'RENEWED', 'REPLACED', 'EXPIRED'"
_ORIGINS = "'ENTERPRISE', 'NEXT_SUBJECT', 'RETAKE', 'NOT_RENEWED'"


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("item_rule", sa.Column("bureau_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_item_rule_bureau_id_jurisdiction"), "item_rule", "jurisdiction", ["bureau_id"], ["id"]
    )
    op.create_index(op.f("ix_item_rule_bureau_id"), "item_rule", ["bureau_id"], unique=False)
    op.drop_constraint(op.f("uq_item_rule_item_id_in_force_from"), "item_rule")
    op.create_unique_constraint(
        op.f("uq_item_rule_item_id_bureau_id_in_force_from"),
        "item_rule",
        ["item_id", "bureau_id", "in_force_from"],
        postgresql_nulls_not_distinct=True,
    )
    _calendars()
    op.drop_index("uq_certificate_standing", "certificate")
    for name, state in (("uq_certificate_pending", "PENDING"), ("uq_certificate_valid", "VALID")):
        standing = f"state = '{state}'"
        op.create_index(name, "certificate", ["worker_id", "item_id"], unique=True, postgresql_where=standing)
    op.drop_constraint(op.f("ck_certificate_certificatestate"), "certificate")
    op.create_check_constraint(op.f("ck_certificate_certificatestate"), "certificate", f"state IN ({_CERTIFICATES})")
    op.drop_constraint(op.f("ck_request_requestorigin"), "request")
    op.create_check_constraint(op.f("ck_request_requestorigin"), "request", f"origin IN ({_ORIGINS})")
    op.bulk_insert(_TRANSITION, [{"entity": "certificate", "from_state": "VALID", "to_state": "REPLACED"}])


def _calendars() -> None:
    """What was declared for all is declared by each bureau from now on."""
    op.drop_constraint(op.f("uq_calendar_override_day"), "calendar_override")
    op.add_column("calendar_override", sa.Column("bureau_id", sa.BigInteger(), nullable=True))
    op.execute(
        "INSERT INTO calendar_override (bureau_id, day, is_workday, reason)"
        " SELECT j.id, o.day, o.is_workday, o.reason FROM calendar_override o CROSS JOIN jurisdiction j"
        " WHERE j.parent_id IS NULL ORDER BY o.id, j.id"
    )
    op.execute("DELETE FROM calendar_override WHERE bureau_id IS NULL")
    op.alter_column("calendar_override", "bureau_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_calendar_override_bureau_id_jurisdiction"), "calendar_override", "jurisdiction", ["bureau_id"], ["id"]
    )
    op.create_unique_constraint(op.f("uq_calendar_override_bureau_id_day"), "calendar_override", ["bureau_id", "day"])
