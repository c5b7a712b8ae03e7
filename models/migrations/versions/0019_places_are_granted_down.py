"""Places of a session are granted down the tiers, for a time."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
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
       AND ranked_until IS NULL
       AND NOT EXISTS (SELECT FROM session_staff JOIN recusal USING (examiner_id)
                        WHERE session_id = session.id AND enterprise_id = enterprise_)
       FOR NO KEY UPDATE;
    granted := place.places - place.promised - place.held - place.taken - place.shared;
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

    -- Whoever has a share draws from that first; where there is time to look, too.
    IF place.shared > 0 AND EXISTS (SELECT FROM place_grant
                                     WHERE session_id = session_ AND given > drawn + granted_on + gone_back
                                       AND jurisdiction_id IN (SELECT unnest(ARRAY[j.id, j.parent_id])
                                                                 FROM enterprise e JOIN jurisdiction j
                                                                   ON j.id = e.office_id
                                                                WHERE e.id = enterprise_)) THEN
        RETURN;
    END IF;

    SELECT (SELECT count(*) FROM booking
             WHERE session_id = session_ AND enterprise_id = enterprise_ AND state = 'CONFIRMED'
               AND promise_id IS NULL AND NOT is_relocated)
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
END $$
"""
_SHARES_ADD_UP = r"""CREATE FUNCTION shares_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint := CASE WHEN TG_TABLE_NAME = 'session' THEN NEW.id
                         ELSE (to_jsonb(NEW) ->> 'session_id')::bigint END;
BEGIN
    IF (SELECT shared FROM session WHERE id = place) <>
       (SELECT coalesce(sum(given - drawn - granted_on - gone_back), 0) FROM place_grant WHERE session_id = place)
       OR EXISTS (SELECT FROM place_grant town
                   WHERE session_id = place
                     AND granted_on <> (SELECT coalesce(sum(given - gone_back), 0) FROM place_grant office
                                         WHERE office.parent_id = town.id)) THEN
        RAISE EXCEPTION 'the shares of session % do not add up', place
            USING ERRCODE = 'check_violation', CONSTRAINT = 'shares_add_up';
    END IF;
    RETURN NULL;
END $$
"""
_CONSERVED = (
    "CREATE CONSTRAINT TRIGGER shares_add_up AFTER INSERT OR UPDATE ON place_grant DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shares_add_up()",
    "CREATE CONSTRAINT TRIGGER shares_add_up AFTER UPDATE OF shared ON session DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.shared <> NEW.shared) EXECUTE FUNCTION shares_add_up()",
)
_GUARD = "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON place_grant FOR EACH ROW EXECUTE FUNCTION guard_state()"
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (("place_grant", "", "STANDING"), ("place_grant", "STANDING", "RETURNED"))


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("session", sa.Column("shared", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("session", "shared", server_default=None)
    op.drop_constraint(op.f("ck_session_never_oversold"), "session")
    op.create_check_constraint(
        op.f("ck_session_never_oversold"),
        "session",
        "least(promised, held, taken, shared) >= 0 AND promised + held + taken + shared <= places",
    )
    _grants()
    op.add_column("booking", sa.Column("grant_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_booking_grant_id_place_grant"), "booking", "place_grant", ["grant_id"], ["id"])
    op.create_index(
        "ix_booking_grant_id", "booking", ["grant_id"], unique=False, postgresql_where="grant_id IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_booking_promised_or_from_a_share"), "booking", "promise_id IS NULL OR grant_id IS NULL"
    )
    op.execute("DROP FUNCTION hold_places")
    op.execute(_HOLD_PLACES)
    op.execute(_GUARD)
    op.execute(_SHARES_ADD_UP)
    for statement in _CONSERVED:
        op.execute(statement)
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])


def _grants() -> None:
    state = sa.Enum("STANDING", "RETURNED", name="grantstate", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "place_grant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("granted_on", sa.Integer(), nullable=False),
        sa.Column("gone_back", sa.Integer(), nullable=False),
        sa.Column("until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("granted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "given >= 1 AND least(drawn, granted_on, gone_back) >= 0 AND drawn + granted_on + gone_back <= given",
            name=op.f("ck_place_grant_every_place_once"),
        ),
        sa.CheckConstraint(
            "state = 'STANDING' OR drawn + granted_on + gone_back = given",
            name=op.f("ck_place_grant_unused_while_standing"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_place_grant_session_id_session")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_place_grant_jurisdiction_id_jurisdiction")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["place_grant.id"], name=op.f("fk_place_grant_parent_id_place_grant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_grant")),
    )
    standing = "state = 'STANDING'"
    op.create_index("ix_place_grant_session_id", "place_grant", ["session_id"], unique=False)
    op.create_index(op.f("ix_place_grant_jurisdiction_id"), "place_grant", ["jurisdiction_id"], unique=False)
    op.create_index(op.f("ix_place_grant_parent_id"), "place_grant", ["parent_id"], unique=False)
    op.create_index(
        "uq_place_grant_standing",
        "place_grant",
        ["session_id", "jurisdiction_id"],
        unique=True,
        postgresql_where=standing,
    )
    op.create_index("ix_place_grant_until_standing", "place_grant", ["until"], unique=False, postgresql_where=standing)
    op.create_table(
        "grant_draw",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("grant_id", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.CheckConstraint("places >= 1", name=op.f("ck_grant_draw_places_sensible")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_grant_draw_hold_id_hold")),
        sa.ForeignKeyConstraint(["grant_id"], ["place_grant.id"], name=op.f("fk_grant_draw_grant_id_place_grant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_draw")),
        sa.UniqueConstraint("hold_id", "grant_id", name=op.f("uq_grant_draw_hold_id_grant_id")),
    )
    op.create_index(op.f("ix_grant_draw_grant_id"), "grant_draw", ["grant_id"], unique=False)
