"""Firms wait for freed places in a queue."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Frozen here as they were: a step must do the same for ever, whatever the code says later.
_HOLD_PLACES = r"""CREATE FUNCTION hold_places(
    session_ bigint, enterprise_ bigint, bureau_ bigint, people_ int, or_fewer bool, at_ timestamptz, actor_ text,
    minutes_ float8, share_ float8, account_ bigint, key_ text, fingerprint_ text, is_past_queue bool
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

    -- Whoever waits comes first: who may pass them is decided where there is time to look.
    IF NOT is_past_queue AND EXISTS (SELECT FROM waiting WHERE exam_id = place.exam_id AND bureau_id = bureau_
                                        AND state = 'WAITING' AND until_day >= place.day
                                        AND (session_id = session_ OR session_id IS NULL)) THEN
        RETURN;
    END IF;

    SELECT (SELECT count(*) FROM booking
             WHERE session_id = session_ AND enterprise_id = enterprise_ AND state = 'CONFIRMED' AND promise_id IS NULL)
         + (SELECT coalesce(sum(people - named), 0) FROM hold
             WHERE session_id = session_ AND enterprise_id = enterprise_ AND state IN ('KEPT', 'HELD')
               AND held_until > at_)
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
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON waiting FOR EACH ROW EXECUTE FUNCTION guard_state()"
)
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (
    ("waiting", "", "WAITING"),
    ("waiting", "WAITING", "OFFERED"),
    ("waiting", "WAITING", "LEFT"),
    ("waiting", "WAITING", "LAPSED"),
    ("waiting", "OFFERED", "SERVED"),
    ("waiting", "OFFERED", "WAITING"),
    ("waiting", "OFFERED", "LEFT"),
    ("waiting", "OFFERED", "LAPSED"),
    ("hold", "", "KEPT"),
    ("hold", "KEPT", "HELD"),
    ("hold", "KEPT", "RELEASED"),
    ("hold", "KEPT", "LAPSED"),
)
_STANDING = "state IN ('KEPT', 'HELD')"


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "waiting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("most_km", sa.Float(), nullable=True),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "WAITING",
                "OFFERED",
                "SERVED",
                "LEFT",
                "LAPSED",
                name="waitingstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.CheckConstraint("people BETWEEN 1 AND 200 AND passed >= 0", name=op.f("ck_waiting_people_sensible")),
        sa.CheckConstraint("(session_id IS NULL) = (most_km IS NOT NULL)", name=op.f("ck_waiting_session_or_distance")),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_waiting_bureau_id_jurisdiction")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_waiting_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_waiting_exam_id_exam")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_waiting_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting")),
    )
    op.create_index(op.f("ix_waiting_enterprise_id"), "waiting", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_waiting_session_id"), "waiting", ["session_id"], unique=False)
    op.create_index(
        "ix_waiting_exam_id_waiting",
        "waiting",
        ["exam_id", "asked_at"],
        unique=False,
        postgresql_where="state = 'WAITING'",
    )
    op.create_index(
        "uq_waiting_standing",
        "waiting",
        ["enterprise_id", "exam_id", "session_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where="state IN ('WAITING', 'OFFERED')",
    )
    op.add_column("hold", sa.Column("waiting_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_hold_waiting_id_waiting"), "hold", "waiting", ["waiting_id"], ["id"])
    op.drop_constraint(op.f("ck_hold_holdstate"), "hold")
    op.create_check_constraint(
        op.f("ck_hold_holdstate"), "hold", "state IN ('KEPT', 'HELD', 'USED', 'RELEASED', 'LAPSED')"
    )
    op.create_check_constraint(
        op.f("ck_hold_kept_for_who_waits"), "hold", "state <> 'KEPT' OR waiting_id IS NOT NULL AND named = 0"
    )
    op.drop_index("ix_hold_held_until_standing", "hold")
    op.drop_index("ix_hold_session_id_standing", "hold")
    op.create_index("ix_hold_held_until_standing", "hold", ["held_until"], unique=False, postgresql_where=_STANDING)
    op.create_index(
        "ix_hold_session_id_standing", "hold", ["session_id", "enterprise_id"], unique=False, postgresql_where=_STANDING
    )
    op.create_index("uq_hold_waiting_id", "hold", ["waiting_id"], unique=True, postgresql_where=_STANDING)
    op.execute("DROP FUNCTION hold_places")
    op.execute(_HOLD_PLACES)
    op.execute(_GUARD)
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])
