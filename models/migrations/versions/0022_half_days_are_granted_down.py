"""Half-days of examiners are granted down the tiers, for an item and a month."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Frozen here as it was: a step must do the same for ever, whatever the code says later.
_HALF_DAYS_ADD_UP = r"""CREATE FUNCTION half_days_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM staff_grant town
                WHERE id IN (NEW.id, NEW.parent_id)
                  AND granted_on <> (SELECT coalesce(sum(given - gone_back), 0) FROM staff_grant office
                                      WHERE office.parent_id = town.id)) THEN
        RAISE EXCEPTION 'the half-days granted on from share % do not add up', coalesce(NEW.parent_id, NEW.id)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'half_days_add_up';
    END IF;
    RETURN NULL;
END $$
"""
_CONSERVED = "CREATE CONSTRAINT TRIGGER half_days_add_up AFTER INSERT OR UPDATE ON staff_grant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION half_days_add_up()"
_GUARD = "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON staff_grant FOR EACH ROW EXECUTE FUNCTION guard_state()"
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (("staff_grant", "", "STANDING"), ("staff_grant", "STANDING", "RETURNED"))


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    state = sa.Enum("STANDING", "RETURNED", name="grantstate", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "staff_grant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("granted_on", sa.Integer(), nullable=False),
        sa.Column("gone_back", sa.Integer(), nullable=False),
        sa.Column("until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("granted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "given >= 1 AND least(granted_on, gone_back) >= 0 AND granted_on + gone_back <= given",
            name=op.f("ck_staff_grant_every_half_day_once"),
        ),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("ck_staff_grant_month_by_its_first_day")),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_staff_grant_bureau_id_jurisdiction")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_staff_grant_item_id_item")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_staff_grant_jurisdiction_id_jurisdiction")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["staff_grant.id"], name=op.f("fk_staff_grant_parent_id_staff_grant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_grant")),
    )
    standing = "state = 'STANDING'"
    for column in ("bureau_id", "item_id", "parent_id"):
        op.create_index(op.f(f"ix_staff_grant_{column}"), "staff_grant", [column], unique=False)
    op.create_index(
        "uq_staff_grant_standing",
        "staff_grant",
        ["jurisdiction_id", "item_id", "month"],
        unique=True,
        postgresql_where=standing,
    )
    op.create_index("ix_staff_grant_until_standing", "staff_grant", ["until"], unique=False, postgresql_where=standing)
    op.execute(_GUARD)
    op.execute(_HALF_DAYS_ADD_UP)
    op.execute(_CONSERVED)
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])
