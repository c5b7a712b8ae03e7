"""Places are held for a firm while it names its people."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Frozen here as they were: a step must do the same for ever, whatever the code says later.
_HOLD_PLACES = r"""CREATE FUNCTION hold_places(
    session_ bigint, enterprise_ bigint, bureau_ bigint, people_ int, or_fewer bool, at_ timestamptz, actor_ text,
    minutes_ float8, share_ float8, account_ bigint, key_ text, fingerprint_ text
) RETURNS SETOF hold LANGUAGE plpgsql AS $$
DECLARE
    place session%ROWTYPE;
    held_ hold%ROWTYPE;
    mine int;
    least_ int := CASE WHEN or_fewer THEN 1 ELSE people_ END;
    granted int;
BEGIN
    SELECT * INTO place FROM session
     WHERE id = session_ AND bureau_id = bureau_ AND state = 'PUBLISHED' AND roster_freezes_at > at_
       FOR NO KEY UPDATE;
    granted := place.places - place.promised - place.held - place.taken;
    IF granted IS NULL OR granted < least_ THEN
        RETURN;
    END IF;
    IF key_ IS NOT NULL AND (NOT pg_try_advisory_xact_lock(hashtextextended(key_, account_))
                             OR EXISTS (SELECT FROM idempotency_key WHERE account_id = account_ AND key = key_)) THEN
        RETURN;
    END IF;

    SELECT (SELECT count(*) FROM booking
             WHERE session_id = session_ AND enterprise_id = enterprise_ AND state = 'CONFIRMED' AND promise_id IS NULL)
         + (SELECT coalesce(sum(people - named), 0) FROM hold
             WHERE session_id = session_ AND enterprise_id = enterprise_ AND state = 'HELD' AND held_until > at_)
      INTO mine;
    SELECT coalesce(max(value) FILTER (WHERE name = 'hold_minutes'), minutes_),
           coalesce(max(value) FILTER (WHERE name = 'most_share_percent'), share_)
      INTO minutes_, share_
      FROM setting WHERE bureau_id = bureau_ AND name IN ('hold_minutes', 'most_share_percent');
    granted := least(people_, granted, ceil(place.places * share_ / 100) - mine);
    IF granted < least_ THEN
        RETURN;
    END IF;

    PERFORM set_config('doorstep.actor', actor_, true), set_config('doorstep.now', at_::text, true);
    UPDATE session SET held = held + granted WHERE id = session_;
    INSERT INTO hold (session_id, enterprise_id, people, named, state, held_at, held_until, is_extended)
    VALUES (session_, enterprise_, granted, 0, 'HELD', at_,
            least(at_ + minutes_ * interval '1 minute', place.roster_freezes_at), false)
    RETURNING * INTO held_;
    IF key_ IS NOT NULL THEN
        INSERT INTO idempotency_key (account_id, key, fingerprint, answer, asked_at)
        VALUES (account_, key_, fingerprint_, jsonb_build_object('hold', to_jsonb(held_)), at_);
    END IF;
    RETURN NEXT held_;
END $$"""
_GUARD = (
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON hold FOR EACH ROW EXECUTE FUNCTION guard_state()"
)
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (("hold", "", "HELD"), ("hold", "HELD", "USED"), ("hold", "HELD", "RELEASED"), ("hold", "HELD", "LAPSED"))


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "HELD",
                "USED",
                "RELEASED",
                "LAPSED",
                name="holdstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("held_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("held_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("is_extended", sa.Boolean(), nullable=False),
        sa.CheckConstraint("people >= 1 AND named BETWEEN 0 AND people", name=op.f("ck_hold_named_within_people")),
        sa.CheckConstraint("(state = 'USED') = (named = people)", name=op.f("ck_hold_used_when_all_named")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_hold_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_hold_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_enterprise_id"), "hold", ["enterprise_id"], unique=False)
    op.create_index(
        "ix_hold_held_until_standing", "hold", ["held_until"], unique=False, postgresql_where="state = 'HELD'"
    )
    op.create_index(
        "ix_hold_session_id_standing",
        "hold",
        ["session_id", "enterprise_id"],
        unique=False,
        postgresql_where="state = 'HELD'",
    )
    op.add_column("session", sa.Column("held", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("session", "held", server_default=None)
    op.drop_constraint(op.f("ck_session_never_oversold"), "session")
    op.create_check_constraint(
        op.f("ck_session_never_oversold"),
        "session",
        "promised >= 0 AND held >= 0 AND taken >= 0 AND promised + held + taken <= places",
    )
    op.execute(_HOLD_PLACES)
    op.execute(_GUARD)
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])
