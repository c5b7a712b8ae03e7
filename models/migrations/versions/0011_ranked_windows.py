"""Ranked windows: open places are applied for until a date, and given by a published rule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
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
END $$"""
_GUARD = "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON {} FOR EACH ROW EXECUTE FUNCTION guard_state()"
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (
    ("ranked_window", "", "OPEN"),
    ("ranked_window", "OPEN", "RANKED"),
    ("ranked_window", "OPEN", "VOID"),
    ("application", "", "APPLIED"),
    ("application", "APPLIED", "PLACED"),
    ("application", "APPLIED", "QUEUED"),
    ("application", "APPLIED", "UNFIT"),
    ("application", "APPLIED", "WITHDRAWN"),
    ("application", "APPLIED", "VOID"),
)


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.add_column("session", sa.Column("ranked_until", sa.TIMESTAMP(timezone=True), nullable=True))
    _windows()
    _applications()
    _queue()
    op.execute("DROP FUNCTION hold_places")
    op.execute(_HOLD_PLACES)
    for table in ("ranked_window", "application"):
        op.execute(_GUARD.format(table))
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])


def _windows() -> None:
    op.create_table(
        "ranked_window",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("state", _state("windowstate", "OPEN", "RANKED", "VOID"), nullable=False),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("apply_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("seed_hash", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("result_hash", sa.String(), nullable=True),
        sa.Column("ranked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("opened_at < apply_until", name=op.f("ck_ranked_window_times_in_order")),
        sa.CheckConstraint(
            "(state = 'RANKED') = (document IS NOT NULL AND result_hash IS NOT NULL AND ranked_at IS NOT NULL)",
            name=op.f("ck_ranked_window_ranked_means_published"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_ranked_window_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranked_window")),
    )
    op.create_index(op.f("ix_ranked_window_session_id"), "ranked_window", ["session_id"], unique=False)
    is_open = "state = 'OPEN'"
    op.create_index("uq_ranked_window_open", "ranked_window", ["session_id"], unique=True, postgresql_where=is_open)
    op.create_index("ix_ranked_window_apply_until_open", "ranked_window", ["apply_until"], postgresql_where=is_open)


def _applications() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("window_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            _state("applicationstate", "APPLIED", "PLACED", "QUEUED", "UNFIT", "WITHDRAWN", "VOID"),
            nullable=False,
        ),
        sa.Column("applied_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.CheckConstraint("people BETWEEN 1 AND 200", name=op.f("ck_application_people_sensible")),
        sa.CheckConstraint("(position IS NULL) = (since IS NULL)", name=op.f("ck_application_ranked_by_something")),
        sa.ForeignKeyConstraint(
            ["window_id"], ["ranked_window.id"], name=op.f("fk_application_window_id_ranked_window")
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_application_enterprise_id_enterprise")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("key", name=op.f("uq_application_key")),
        sa.UniqueConstraint("window_id", "position", name=op.f("uq_application_window_id_position")),
    )
    op.create_index(op.f("ix_application_enterprise_id"), "application", ["enterprise_id"], unique=False)
    op.create_table(
        "applicant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_applicant_application_id_application")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_applicant_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applicant")),
        sa.UniqueConstraint("application_id", "worker_id", name=op.f("uq_applicant_application_id_worker_id")),
    )
    op.create_index(op.f("ix_applicant_worker_id"), "applicant", ["worker_id"], unique=False)


def _queue() -> None:
    """Whoever found no place waits under the application, and whoever found one holds it under it."""
    for table in ("waiting", "hold"):
        op.add_column(table, sa.Column("application_id", sa.BigInteger(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_application_id_application"), table, "application", ["application_id"], ["id"]
        )
        op.create_index(op.f(f"ix_{table}_application_id"), table, ["application_id"], unique=False)
    op.drop_index("uq_waiting_standing", "waiting")
    op.create_index(
        "uq_waiting_standing",
        "waiting",
        ["enterprise_id", "exam_id", "session_id", "application_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where="state IN ('WAITING', 'OFFERED')",
    )


def _state(name: str, *members: str) -> sa.Enum:
    return sa.Enum(*members, name=name, native_enum=False, create_constraint=True, length=24)
