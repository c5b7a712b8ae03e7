"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen here as they were: a step must do the same for ever, whatever the code says later.
_GUARDS = (
    r"""CREATE FUNCTION guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := CASE WHEN TG_OP = 'INSERT' THEN '' ELSE OLD.state END;
    actor text := nullif(current_setting('doorstep.actor', true), '');
    at text := nullif(current_setting('doorstep.now', true), '');
BEGIN
    IF before = NEW.state THEN
        RETURN NULL;
    END IF;
    IF actor IS NULL OR at IS NULL THEN
        RAISE EXCEPTION '% % changes state without an actor and a time', TG_TABLE_NAME, NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM transition
                   WHERE entity = TG_TABLE_NAME AND from_state = before AND to_state = NEW.state) THEN
        RAISE EXCEPTION '% % may not go from "%" to "%"', TG_TABLE_NAME, NEW.id, before, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO audit_entry (at, actor, act, entity, entity_id, from_state, to_state, detail)
    VALUES (at::timestamptz, actor, 'state', TG_TABLE_NAME, NEW.id, nullif(before, ''), NEW.state, '{}');
    RETURN NULL;
END $$""",
    r"""CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$""",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON request FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON round FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON plan FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON session FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON consent FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON promise FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON booking FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON certificate FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON renewal FOR EACH ROW EXECUTE FUNCTION guard_state()",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
)
_TRANSITION = sa.table("transition", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
_LISTED = (
    ("request", "", "PROPOSED"),
    ("request", "", "OPEN"),
    ("request", "PROPOSED", "OPEN"),
    ("request", "PROPOSED", "DECLINED"),
    ("request", "PROPOSED", "LAPSED"),
    ("request", "OPEN", "PLANNED"),
    ("request", "OPEN", "WITHDRAWN"),
    ("request", "OPEN", "LAPSED"),
    ("request", "PLANNED", "OPEN"),
    ("request", "PLANNED", "PROMISED"),
    ("request", "PLANNED", "WITHDRAWN"),
    ("request", "PROMISED", "OPEN"),
    ("request", "PROMISED", "SETTLED"),
    ("request", "PROMISED", "WITHDRAWN"),
    ("request", "PROMISED", "LAPSED"),
    ("request", "SETTLED", "OPEN"),
    ("round", "", "COLLECTING"),
    ("round", "COLLECTING", "PLANNING"),
    ("round", "COLLECTING", "CANCELLED"),
    ("round", "PLANNING", "CONSULTING"),
    ("round", "PLANNING", "CANCELLED"),
    ("round", "CONSULTING", "PLANNING"),
    ("round", "CONSULTING", "PUBLISHED"),
    ("round", "CONSULTING", "CANCELLED"),
    ("plan", "", "CURRENT"),
    ("plan", "CURRENT", "SUPERSEDED"),
    ("session", "", "PROPOSED"),
    ("session", "PROPOSED", "AGREED"),
    ("session", "PROPOSED", "DROPPED"),
    ("session", "AGREED", "PROPOSED"),
    ("session", "AGREED", "PUBLISHED"),
    ("session", "AGREED", "DROPPED"),
    ("session", "PUBLISHED", "FROZEN"),
    ("session", "PUBLISHED", "CANCELLED"),
    ("session", "FROZEN", "HELD"),
    ("session", "FROZEN", "CANCELLED"),
    ("session", "HELD", "CLOSED"),
    ("consent", "", "QUEUED"),
    ("consent", "", "ASKED"),
    ("consent", "QUEUED", "ASKED"),
    ("consent", "QUEUED", "VOID"),
    ("consent", "ASKED", "AGREED"),
    ("consent", "ASKED", "OBJECTED"),
    ("consent", "ASKED", "ESCALATED"),
    ("consent", "ASKED", "QUEUED"),
    ("consent", "ASKED", "VOID"),
    ("consent", "AGREED", "VOID"),
    ("consent", "OBJECTED", "VOID"),
    ("consent", "ESCALATED", "VOID"),
    ("promise", "", "PLANNED"),
    ("promise", "PLANNED", "HELD"),
    ("promise", "PLANNED", "DROPPED"),
    ("promise", "HELD", "USED"),
    ("promise", "HELD", "RELEASED"),
    ("promise", "USED", "HELD"),
    ("promise", "USED", "RELEASED"),
    ("booking", "", "CONFIRMED"),
    ("booking", "CONFIRMED", "CANCELLED"),
    ("certificate", "", "PENDING"),
    ("certificate", "PENDING", "VALID"),
    ("certificate", "PENDING", "REFUSED"),
    ("certificate", "VALID", "RENEWED"),
    ("certificate", "VALID", "EXPIRED"),
    ("certificate", "EXPIRED", "RENEWED"),
    ("renewal", "", "PROPOSED"),
    ("renewal", "PROPOSED", "APPLIED"),
    ("renewal", "PROPOSED", "DECLINED"),
    ("renewal", "PROPOSED", "LAPSED"),
    ("renewal", "APPLIED", "GRANTED"),
    ("renewal", "APPLIED", "REFUSED"),
)


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_entity_entity_id_id", "audit_entry", ["entity", "entity_id", "id"], unique=False)
    op.create_table(
        "calendar_override",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_override")),
        sa.UniqueConstraint("day", name=op.f("uq_calendar_override_day")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("scope_limit", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("english_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint(
            "code", "scope_limit", name=op.f("uq_item_code_scope_limit"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("fire_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "fire_at", name=op.f("uq_job_run_job_fire_at")),
    )
    op.create_table(
        "jurisdiction",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "tier",
            sa.Enum("OFFICE", "TOWN", "BUREAU", name="tier", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "(tier = 'BUREAU') = (parent_id IS NULL)", name=op.f("ck_jurisdiction_only_a_bureau_is_a_root")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["jurisdiction.id"], name=op.f("fk_jurisdiction_parent_id_jurisdiction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jurisdiction")),
        sa.UniqueConstraint("code", name=op.f("uq_jurisdiction_code")),
    )
    op.create_index(op.f("ix_jurisdiction_parent_id"), "jurisdiction", ["parent_id"], unique=False)
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        "ix_outbox_message_due_at", "outbox_message", ["due_at"], unique=False, postgresql_where="delivered_at IS NULL"
    )
    op.create_table(
        "transition",
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=False),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "from_state", "to_state", name=op.f("pk_transition")),
    )
    op.create_table(
        "enterprise",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("credit_code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("contact_name", sa.String(), nullable=False),
        sa.Column("contact_phone", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["jurisdiction.id"], name=op.f("fk_enterprise_office_id_jurisdiction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprise")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_enterprise_credit_code")),
    )
    op.create_index(op.f("ix_enterprise_office_id"), "enterprise", ["office_id"], unique=False)
    op.create_table(
        "exam",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "subject",
            sa.Enum("THEORY", "PRACTICAL", name="subject", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_exam_item_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam")),
        sa.UniqueConstraint("item_id", "subject", name=op.f("uq_exam_item_id_subject")),
    )
    op.create_table(
        "exam_body",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_gated", sa.Boolean(), nullable=False),
        sa.Column("opts_into_evenings", sa.Boolean(), nullable=False),
        sa.Column("opts_into_weekends", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_exam_body_bureau_id_jurisdiction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_body")),
    )
    op.create_index(op.f("ix_exam_body_bureau_id"), "exam_body", ["bureau_id"], unique=False)
    op.create_table(
        "item_rule",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("valid_years", sa.Integer(), nullable=False),
        sa.Column("least_age", sa.Integer(), nullable=False),
        sa.Column("most_age", sa.Integer(), nullable=False),
        sa.Column("renewal_most_age", sa.Integer(), nullable=False),
        sa.Column("renewal_lead_months", sa.Integer(), nullable=False),
        sa.Column(
            "least_education",
            sa.Enum(
                "PRIMARY",
                "JUNIOR_SECONDARY",
                "SENIOR_SECONDARY",
                "COLLEGE",
                name="education",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("least_years_of_work", sa.Integer(), nullable=False),
        sa.Column("retakes", sa.Integer(), nullable=False),
        sa.Column("retake_window_months", sa.Integer(), nullable=False),
        sa.Column("provenance", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "least_age <= most_age AND most_age <= renewal_most_age", name=op.f("ck_item_rule_ages_in_order")
        ),
        sa.CheckConstraint("retake_window_months BETWEEN 0 AND 24", name=op.f("ck_item_rule_retake_window_sensible")),
        sa.CheckConstraint("retakes BETWEEN 0 AND 5", name=op.f("ck_item_rule_retakes_sensible")),
        sa.CheckConstraint("valid_years BETWEEN 1 AND 20", name=op.f("ck_item_rule_valid_years_sensible")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_rule_item_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_rule")),
        sa.UniqueConstraint("item_id", "in_force_from", name=op.f("uq_item_rule_item_id_in_force_from")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "COLLECTING",
                "PLANNING",
                "CONSULTING",
                "PUBLISHED",
                "CANCELLED",
                name="roundstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("collect_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("consult_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("publish_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("replan_wanted", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("time_limit_seconds", sa.Float(), nullable=False),
        sa.Column("solve_after", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("solving_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.CheckConstraint(
            "collect_until < consult_until AND consult_until < publish_at", name=op.f("ck_round_deadlines_in_order")
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_round_days_in_order")),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_round_bureau_id_jurisdiction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("bureau_id", "number", name=op.f("uq_round_bureau_id_number")),
    )
    op.create_table(
        "setting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_setting_bureau_id_jurisdiction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting")),
        sa.UniqueConstraint("bureau_id", "name", name=op.f("uq_setting_bureau_id_name")),
    )
    op.create_table(
        "exam_rule",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("full_mark", sa.Integer(), nullable=False),
        sa.Column("pass_mark", sa.Integer(), nullable=False),
        sa.Column("minutes_a_candidate", sa.Integer(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("least_people", sa.Integer(), nullable=False),
        sa.CheckConstraint("least_people BETWEEN 0 AND 1000", name=op.f("ck_exam_rule_least_people_sensible")),
        sa.CheckConstraint("minutes_a_candidate BETWEEN 1 AND 480", name=op.f("ck_exam_rule_minutes_sensible")),
        sa.CheckConstraint("pass_mark BETWEEN 1 AND full_mark", name=op.f("ck_exam_rule_pass_mark_in_range")),
        sa.CheckConstraint("staff BETWEEN 0 AND 20", name=op.f("ck_exam_rule_staff_sensible")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_exam_rule_exam_id_exam")),
        sa.ForeignKeyConstraint(["rule_id"], ["item_rule.id"], name=op.f("fk_exam_rule_rule_id_item_rule")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exam_rule")),
        sa.UniqueConstraint("rule_id", "exam_id", name=op.f("uq_exam_rule_rule_id_exam_id")),
    )
    op.create_index(op.f("ix_exam_rule_exam_id"), "exam_rule", ["exam_id"], unique=False)
    op.create_table(
        "examiner",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("exam_body_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("block_cost_fen", sa.Integer(), nullable=False),
        sa.Column("most_blocks_a_round", sa.Integer(), nullable=False),
        sa.CheckConstraint("block_cost_fen >= 0", name=op.f("ck_examiner_block_cost_not_negative")),
        sa.ForeignKeyConstraint(["exam_body_id"], ["exam_body.id"], name=op.f("fk_examiner_exam_body_id_exam_body")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examiner")),
    )
    op.create_index(op.f("ix_examiner_exam_body_id"), "examiner", ["exam_body_id"], unique=False)
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("CURRENT", "SUPERSEDED", name="planstate", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("baselines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cost_fen", sa.Float(), nullable=False),
        sa.Column("bound_fen", sa.Float(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_plan_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("round_id", "version", name=op.f("uq_plan_round_id_version")),
    )
    op.create_index("uq_plan_current", "plan", ["round_id"], unique=True, postgresql_where="state = 'CURRENT'")
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("earliest_day", sa.Date(), nullable=False),
        sa.Column("latest_day", sa.Date(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("keep_together", sa.Boolean(), nullable=False),
        sa.Column("most_km", sa.Float(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "ENTERPRISE",
                "NEXT_SUBJECT",
                "RETAKE",
                name="requestorigin",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "PROPOSED",
                "OPEN",
                "PLANNED",
                "PROMISED",
                "SETTLED",
                "WITHDRAWN",
                "DECLINED",
                "LAPSED",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=True),
        sa.Column("unplaced_reason", sa.String(), nullable=True),
        sa.Column("unplaced_detail", sa.String(), nullable=True),
        sa.CheckConstraint("earliest_day <= latest_day", name=op.f("ck_request_days_in_order")),
        sa.CheckConstraint("people BETWEEN 1 AND 500", name=op.f("ck_request_people_sensible")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_request_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_request_exam_id_exam")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_request_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_index(op.f("ix_request_enterprise_id"), "request", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_request_exam_id"), "request", ["exam_id"], unique=False)
    op.create_index(op.f("ix_request_round_id"), "request", ["round_id"], unique=False)
    op.create_index("ix_request_state_exam_id", "request", ["state", "exam_id"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("host_enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("is_municipal_centre", sa.Boolean(), nullable=False),
        sa.Column("opts_into_evenings", sa.Boolean(), nullable=False),
        sa.Column("opts_into_weekends", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["host_enterprise_id"], ["enterprise.id"], name=op.f("fk_site_host_enterprise_id_enterprise")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_site_jurisdiction_id_jurisdiction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("jurisdiction_id", "name", name=op.f("uq_site_jurisdiction_id_name")),
    )
    op.create_index(op.f("ix_site_host_enterprise_id"), "site", ["host_enterprise_id"], unique=False)
    op.create_table(
        "worker",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "document_kind",
            sa.Enum(
                "RESIDENT_ID",
                "PASSPORT",
                "HMT_RESIDENCE_PERMIT",
                "PERMANENT_RESIDENT_CARD",
                name="documentkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("document_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("document_hash", sa.LargeBinary(), nullable=False),
        sa.Column("document_masked", sa.String(), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=False),
        sa.Column(
            "education",
            sa.Enum(
                "PRIMARY",
                "JUNIOR_SECONDARY",
                "SENIOR_SECONDARY",
                "COLLEGE",
                name="education",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("years_of_work", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_worker_enterprise_id_enterprise")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("document_hash", name=op.f("uq_worker_document_hash")),
    )
    op.create_index(op.f("ix_worker_enterprise_id"), "worker", ["enterprise_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "ENTERPRISE",
                "OFFICE",
                "TOWN",
                "BUREAU",
                "EXAM_BODY",
                "EXAMINER",
                "AUDITOR",
                "OPERATOR",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=True),
        sa.Column("exam_body_id", sa.BigInteger(), nullable=True),
        sa.Column("examiner_id", sa.BigInteger(), nullable=True),
        sa.Column("failed_sign_ins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "CASE role WHEN 'ENTERPRISE' THEN enterprise_id IS NOT NULL WHEN 'EXAM_BODY' THEN exam_body_id IS NOT NULL WHEN 'EXAMINER' THEN examiner_id IS NOT NULL WHEN 'AUDITOR' THEN true WHEN 'OPERATOR' THEN true ELSE jurisdiction_id IS NOT NULL END",
            name=op.f("ck_account_role_fits_party"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(enterprise_id, jurisdiction_id, exam_body_id, examiner_id) = CASE WHEN role IN ('AUDITOR', 'OPERATOR') THEN 0 ELSE 1 END",
            name=op.f("ck_account_acts_for_one_party"),
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_account_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["exam_body_id"], ["exam_body.id"], name=op.f("fk_account_exam_body_id_exam_body")),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_account_examiner_id_examiner")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_account_jurisdiction_id_jurisdiction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
    )
    op.create_index(op.f("ix_account_enterprise_id"), "account", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_account_exam_body_id"), "account", ["exam_body_id"], unique=False)
    op.create_index(op.f("ix_account_examiner_id"), "account", ["examiner_id"], unique=False)
    op.create_index(op.f("ix_account_jurisdiction_id"), "account", ["jurisdiction_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PENDING",
                "VALID",
                "REFUSED",
                "RENEWED",
                "EXPIRED",
                name="certificatestate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("decision_due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("renews_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(issued_on IS NULL) = (expires_on IS NULL)", name=op.f("ck_certificate_issued_means_expiring")
        ),
        sa.CheckConstraint("issued_on < expires_on", name=op.f("ck_certificate_days_in_order")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_certificate_item_id_item")),
        sa.ForeignKeyConstraint(["renews_id"], ["certificate.id"], name=op.f("fk_certificate_renews_id_certificate")),
        sa.ForeignKeyConstraint(["rule_id"], ["item_rule.id"], name=op.f("fk_certificate_rule_id_item_rule")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_certificate_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
    )
    op.create_index(op.f("ix_certificate_item_id"), "certificate", ["item_id"], unique=False)
    op.create_index(op.f("ix_certificate_renews_id"), "certificate", ["renews_id"], unique=False)
    op.create_index(op.f("ix_certificate_rule_id"), "certificate", ["rule_id"], unique=False)
    op.create_index("ix_certificate_state_expires_on", "certificate", ["state", "expires_on"], unique=False)
    op.create_index(
        "uq_certificate_standing",
        "certificate",
        ["worker_id", "item_id"],
        unique=True,
        postgresql_where="state IN ('PENDING', 'VALID')",
    )
    op.create_table(
        "examiner_leave",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("examiner_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "part",
            sa.Enum("am", "pm", "eve", name="part", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_examiner_leave_examiner_id_examiner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examiner_leave")),
        sa.UniqueConstraint("examiner_id", "day", "part", name=op.f("uq_examiner_leave_examiner_id_day_part")),
    )
    op.create_table(
        "examiner_skill",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("examiner_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_examiner_skill_exam_id_exam")),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_examiner_skill_examiner_id_examiner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examiner_skill")),
        sa.UniqueConstraint("examiner_id", "exam_id", name=op.f("uq_examiner_skill_examiner_id_exam_id")),
    )
    op.create_index(op.f("ix_examiner_skill_exam_id"), "examiner_skill", ["exam_id"], unique=False)
    op.create_table(
        "recusal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("examiner_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_recusal_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_recusal_examiner_id_examiner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusal")),
        sa.UniqueConstraint("examiner_id", "enterprise_id", name=op.f("uq_recusal_examiner_id_enterprise_id")),
    )
    op.create_index(op.f("ix_recusal_enterprise_id"), "recusal", ["enterprise_id"], unique=False)
    op.create_table(
        "request_person",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_person_request_id_request")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_request_person_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_person")),
        sa.UniqueConstraint("request_id", "worker_id", name=op.f("uq_request_person_request_id_worker_id")),
    )
    op.create_index(op.f("ix_request_person_worker_id"), "request_person", ["worker_id"], unique=False)
    op.create_table(
        "room",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_room_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_room_site_id_number")),
    )
    op.create_table(
        "site_closure",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("before_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("from_day < before_day", name=op.f("ck_site_closure_days_in_order")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_closure_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_closure")),
    )
    op.create_index(op.f("ix_site_closure_site_id"), "site_closure", ["site_id"], unique=False)
    op.create_table(
        "site_offer",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("open_cost_fen", sa.Integer(), nullable=False),
        sa.CheckConstraint("open_cost_fen >= 0", name=op.f("ck_site_offer_open_cost_not_negative")),
        sa.CheckConstraint("places BETWEEN 1 AND 1000", name=op.f("ck_site_offer_places_sensible")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_site_offer_exam_id_exam")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_offer_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_offer")),
        sa.UniqueConstraint("site_id", "exam_id", name=op.f("uq_site_offer_site_id_exam_id")),
    )
    op.create_index(op.f("ix_site_offer_exam_id"), "site_offer", ["exam_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_idempotency_key_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_idempotency_key_account_id_key")),
    )
    op.create_table(
        "renewal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("certificate_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PROPOSED",
                "APPLIED",
                "GRANTED",
                "REFUSED",
                "DECLINED",
                "LAPSED",
                name="renewalstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("proposed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("applied_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("decision_due_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("had_no_responsible_accident", sa.Boolean(), nullable=True),
        sa.Column("had_no_long_break", sa.Boolean(), nullable=True),
        sa.Column("successor_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificate.id"], name=op.f("fk_renewal_certificate_id_certificate")
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_renewal_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["successor_id"], ["certificate.id"], name=op.f("fk_renewal_successor_id_certificate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal")),
        sa.UniqueConstraint("certificate_id", name=op.f("uq_renewal_certificate_id")),
    )
    op.create_index(op.f("ix_renewal_enterprise_id"), "renewal", ["enterprise_id"], unique=False)
    op.create_index("ix_renewal_state_due_on", "renewal", ["state", "due_on"], unique=False)
    op.create_index(op.f("ix_renewal_successor_id"), "renewal", ["successor_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("room_id", sa.BigInteger(), nullable=True),
        sa.Column("exam_body_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "part",
            sa.Enum("am", "pm", "eve", name="part", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("promised", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column(
            "tier",
            sa.Enum("OFFICE", "TOWN", "BUREAU", name="tier", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PROPOSED",
                "AGREED",
                "PUBLISHED",
                "FROZEN",
                "HELD",
                "CLOSED",
                "DROPPED",
                "CANCELLED",
                name="sessionstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("roster_freezes_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("results_due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "promised >= 0 AND taken >= 0 AND promised + taken <= places", name=op.f("ck_session_never_oversold")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_session_times_in_order")),
        sa.ForeignKeyConstraint(["bureau_id"], ["jurisdiction.id"], name=op.f("fk_session_bureau_id_jurisdiction")),
        sa.ForeignKeyConstraint(["exam_body_id"], ["exam_body.id"], name=op.f("fk_session_exam_body_id_exam_body")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_session_exam_id_exam")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_session_jurisdiction_id_jurisdiction")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name=op.f("fk_session_room_id_room")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_session_round_id_round")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_session_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_bureau_id"), "session", ["bureau_id"], unique=False)
    op.create_index(op.f("ix_session_exam_body_id"), "session", ["exam_body_id"], unique=False)
    op.create_index("ix_session_exam_id_starts_at_id", "session", ["exam_id", "starts_at", "id"], unique=False)
    op.create_index(op.f("ix_session_jurisdiction_id"), "session", ["jurisdiction_id"], unique=False)
    op.create_index(op.f("ix_session_room_id"), "session", ["room_id"], unique=False)
    op.create_index(op.f("ix_session_round_id"), "session", ["round_id"], unique=False)
    op.create_index(op.f("ix_session_site_id"), "session", ["site_id"], unique=False)
    op.create_index("ix_session_state_starts_at_id", "session", ["state", "starts_at", "id"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("signed_in_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sign_in_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_account_id"), "sign_in", ["account_id"], unique=False)
    op.create_table(
        "claim",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "resource",
            sa.Enum(
                "STAFF", "ROOM", "WORKER", name="resourcekind", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("resource"), "="),
            (sa.column("resource_id"), "="),
            (sa.column("during"), "&&"),
            using="gist",
            name="ex_claim_one_place_at_a_time",
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_claim_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_resource_resource_id", "claim", ["resource", "resource_id"], unique=False)
    op.create_index(op.f("ix_claim_session_id"), "claim", ["session_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "party",
            sa.Enum(
                "OFFICE",
                "TOWN",
                "BUREAU",
                "HOST",
                "STAFF",
                "EXAM_BODY",
                name="consentparty",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=True),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=True),
        sa.Column("examiner_id", sa.BigInteger(), nullable=True),
        sa.Column("exam_body_id", sa.BigInteger(), nullable=True),
        sa.Column("in_place_of_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "QUEUED",
                "ASKED",
                "AGREED",
                "OBJECTED",
                "ESCALATED",
                "VOID",
                name="consentstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(jurisdiction_id, enterprise_id, examiner_id, exam_body_id) = 1",
            name=op.f("ck_consent_asks_one_party"),
        ),
        sa.ForeignKeyConstraint(["answered_by_id"], ["account.id"], name=op.f("fk_consent_answered_by_id_account")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_consent_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["exam_body_id"], ["exam_body.id"], name=op.f("fk_consent_exam_body_id_exam_body")),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_consent_examiner_id_examiner")),
        sa.ForeignKeyConstraint(["in_place_of_id"], ["consent.id"], name=op.f("fk_consent_in_place_of_id_consent")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdiction.id"], name=op.f("fk_consent_jurisdiction_id_jurisdiction")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_consent_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_answered_by_id"), "consent", ["answered_by_id"], unique=False)
    op.create_index(op.f("ix_consent_enterprise_id"), "consent", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_consent_exam_body_id"), "consent", ["exam_body_id"], unique=False)
    op.create_index(op.f("ix_consent_examiner_id"), "consent", ["examiner_id"], unique=False)
    op.create_index(op.f("ix_consent_in_place_of_id"), "consent", ["in_place_of_id"], unique=False)
    op.create_index(op.f("ix_consent_jurisdiction_id"), "consent", ["jurisdiction_id"], unique=False)
    op.create_index("ix_consent_state_due_at", "consent", ["state", "due_at"], unique=False)
    op.create_index(
        "uq_consent_standing",
        "consent",
        ["session_id", "party", "jurisdiction_id", "enterprise_id", "examiner_id", "exam_body_id"],
        unique=True,
        postgresql_where="state <> 'VOID'",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "promise",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PLANNED",
                "HELD",
                "USED",
                "RELEASED",
                "DROPPED",
                name="promisestate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("held_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("people >= 1 AND named BETWEEN 0 AND people", name=op.f("ck_promise_named_within_people")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_promise_request_id_request")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_promise_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
    )
    op.create_index(op.f("ix_promise_request_id"), "promise", ["request_id"], unique=False)
    op.create_index("ix_promise_state_held_until", "promise", ["state", "held_until"], unique=False)
    op.create_index(
        "uq_promise_standing",
        "promise",
        ["session_id", "request_id"],
        unique=True,
        postgresql_where="state NOT IN ('RELEASED', 'DROPPED')",
    )
    op.create_table(
        "session_staff",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("examiner_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_session_staff_examiner_id_examiner")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_session_staff_session_id_session")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_staff")),
        sa.UniqueConstraint("session_id", "examiner_id", name=op.f("uq_session_staff_session_id_examiner_id")),
    )
    op.create_index(op.f("ix_session_staff_examiner_id"), "session_staff", ["examiner_id"], unique=False)
    op.create_table(
        "booking",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("promise_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "CONFIRMED", "CANCELLED", name="bookingstate", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column(
            "attendance",
            sa.Enum(
                "EXPECTED", "PRESENT", "ABSENT", name="attendance", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("booked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name=op.f("fk_booking_enterprise_id_enterprise")),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_booking_promise_id_promise")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_booking_session_id_session")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_booking_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
    )
    op.create_index(op.f("ix_booking_enterprise_id"), "booking", ["enterprise_id"], unique=False)
    op.create_index(op.f("ix_booking_promise_id"), "booking", ["promise_id"], unique=False)
    op.create_index(op.f("ix_booking_worker_id"), "booking", ["worker_id"], unique=False)
    op.create_index(
        "uq_booking_once_a_session",
        "booking",
        ["session_id", "worker_id"],
        unique=True,
        postgresql_where="state = 'CONFIRMED'",
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("consent_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "NOT_THIS_SITE",
                "NOT_THIS_BLOCK",
                "NOT_THESE_STAFF",
                "AT_LEAST_PEOPLE",
                "KEEP_TOGETHER",
                name="objectionkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.String(), nullable=False),
        sa.Column("examiner_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_objection_consent_id_consent")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_objection_exam_id_exam")),
        sa.ForeignKeyConstraint(["examiner_id"], ["examiner.id"], name=op.f("fk_objection_examiner_id_examiner")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_objection_request_id_request")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_objection_round_id_round")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_objection_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    op.create_index(op.f("ix_objection_consent_id"), "objection", ["consent_id"], unique=False)
    op.create_index(op.f("ix_objection_exam_id"), "objection", ["exam_id"], unique=False)
    op.create_index(op.f("ix_objection_examiner_id"), "objection", ["examiner_id"], unique=False)
    op.create_index(op.f("ix_objection_request_id"), "objection", ["request_id"], unique=False)
    op.create_index(op.f("ix_objection_round_id"), "objection", ["round_id"], unique=False)
    op.create_index(op.f("ix_objection_site_id"), "objection", ["site_id"], unique=False)
    op.create_table(
        "result",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_id", sa.BigInteger(), nullable=False),
        sa.Column("exam_rule_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Float(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("PASSED", "FAILED", "ABSENT", name="outcome", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("sat_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("retake_from", sa.Date(), nullable=True),
        sa.Column("retake_until", sa.Date(), nullable=True),
        sa.CheckConstraint("(outcome = 'ABSENT') = (mark IS NULL)", name=op.f("ck_result_only_absence_has_no_mark")),
        sa.CheckConstraint("mark BETWEEN 0 AND 100", name=op.f("ck_result_mark_in_range")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_result_booking_id_booking")),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"], name=op.f("fk_result_exam_id_exam")),
        sa.ForeignKeyConstraint(["exam_rule_id"], ["exam_rule.id"], name=op.f("fk_result_exam_rule_id_exam_rule")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_result_worker_id_worker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_result_booking_id")),
        sa.UniqueConstraint(
            "worker_id", "exam_id", "attempt", "series", name=op.f("uq_result_worker_id_exam_id_attempt_series")
        ),
    )
    op.create_index(op.f("ix_result_exam_id"), "result", ["exam_id"], unique=False)
    op.create_index(op.f("ix_result_exam_rule_id"), "result", ["exam_rule_id"], unique=False)
    for statement in _GUARDS:
        op.execute(statement)
    op.bulk_insert(_TRANSITION, [dict(zip(("entity", "from_state", "to_state"), row, strict=True)) for row in _LISTED])
