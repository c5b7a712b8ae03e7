"""Exam bodies hear of events by webhooks: their endpoints, and the triggers that owe each a message."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Frozen here as they were: a step must do the same for ever, whatever the code says later.
_ANNOUNCE = """
CREATE FUNCTION announce(exam_body_ bigint, type_ text, data_ jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_ timestamptz := current_setting('doorstep.now')::timestamptz;
BEGIN
    INSERT INTO outbox_message (key, recipient, endpoint_id, subject, body, made_at, due_at, claim, attempts, is_dead,
                                is_withheld)
    SELECT gen_random_uuid(), 'exam_body:' || exam_body_, id, type_,
           jsonb_build_object('type', type_, 'data', data_, 'timestamp',
                              to_char(now_ AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text,
           now_, now_, 0, 0, false, false
      FROM webhook_endpoint WHERE exam_body_id = exam_body_ AND disabled_at IS NULL ORDER BY id;
END $$
"""
_SESSION = """
CREATE FUNCTION announce_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type_ text := CASE
        WHEN OLD.state = 'AGREED' AND NEW.state = 'PUBLISHED' THEN 'session.published'
        WHEN OLD.state <> 'CANCELLED' AND NEW.state = 'CANCELLED' THEN 'session.cancelled'
        WHEN OLD.state <> 'FROZEN' AND NEW.state = 'FROZEN' THEN 'roster.final'
        WHEN OLD.state <> 'HELD' AND NEW.state = 'HELD' THEN 'results.asked'
        WHEN NEW.state NOT IN ('PUBLISHED', 'FROZEN') THEN NULL
        WHEN (OLD.starts_at, OLD.site_id, OLD.places) IS DISTINCT FROM (NEW.starts_at, NEW.site_id, NEW.places)
            THEN 'session.changed'
        WHEN OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL THEN 'session.confirmed'
    END;
BEGIN
    IF type_ IS NOT NULL THEN
        PERFORM announce(NEW.exam_body_id, type_,
                         jsonb_build_object('sessionId', encode(convert_to('Session:' || NEW.id, 'UTF8'), 'base64')));
    END IF;
    RETURN NULL;
END $$
"""
_CONSENT = """
CREATE FUNCTION announce_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.exam_body_id IS NOT NULL AND NEW.state = 'ASKED' AND (TG_OP = 'INSERT' OR OLD.state <> 'ASKED') THEN
        PERFORM announce(NEW.exam_body_id, 'consent.asked', jsonb_build_object(
            'consentId', encode(convert_to('Consent:' || NEW.id, 'UTF8'), 'base64'),
            'sessionId', encode(convert_to('Session:' || NEW.session_id, 'UTF8'), 'base64')));
    END IF;
    RETURN NULL;
END $$
"""
_BOOKING = """
CREATE FUNCTION announce_booking() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type_ text := CASE
        WHEN TG_OP = 'INSERT' THEN 'booking.made'
        WHEN OLD.state <> NEW.state THEN 'booking.cancelled'
        WHEN (OLD.worker_id, OLD.session_id) <> (NEW.worker_id, NEW.session_id) THEN 'booking.changed'
    END;
    before_ bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.session_id ELSE OLD.session_id END;
BEGIN
    IF type_ IS NOT NULL AND EXISTS (SELECT FROM webhook_endpoint WHERE disabled_at IS NULL) THEN
        PERFORM announce(exam_body_id, type_, jsonb_build_object(
            'bookingId', encode(convert_to('Booking:' || NEW.id, 'UTF8'), 'base64'),
            'sessionId', encode(convert_to('Session:' || NEW.session_id, 'UTF8'), 'base64')))
           FROM (SELECT DISTINCT exam_body_id FROM session WHERE id IN (before_, NEW.session_id)) bodies;
    END IF;
    RETURN NULL;
END $$
"""
_TRIGGERS = (
    ("session", "UPDATE OF state, starts_at, site_id, places, confirmed_at"),
    ("consent", "INSERT OR UPDATE OF state"),
    ("booking", "INSERT OR UPDATE OF state, worker_id, session_id"),
)


def upgrade() -> None:
    """Go one step forward; the way back is a backup."""
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("exam_body_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("retiring_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("retiring_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(retiring_sealed IS NULL) = (retiring_until IS NULL)", name=op.f("ck_webhook_endpoint_retires_some_time")
        ),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_reason IS NULL)", name=op.f("ck_webhook_endpoint_disabled_for_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["exam_body_id"], ["exam_body.id"], name=op.f("fk_webhook_endpoint_exam_body_id_exam_body")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_index(op.f("ix_webhook_endpoint_exam_body_id"), "webhook_endpoint", ["exam_body_id"], unique=False)
    op.alter_column("outbox_message", "claimed_until", new_column_name="leased_until")
    op.add_column("outbox_message", sa.Column("endpoint_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_outbox_message_endpoint_id_webhook_endpoint"),
        "outbox_message",
        "webhook_endpoint",
        ["endpoint_id"],
        ["id"],
    )
    op.create_index(op.f("ix_outbox_message_endpoint_id"), "outbox_message", ["endpoint_id"], unique=False)
    for function in (_ANNOUNCE, _SESSION, _CONSENT, _BOOKING):
        op.execute(function)
    for table, when in _TRIGGERS:
        op.execute(f"CREATE TRIGGER announce AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION announce_{table}()")
