"""
The triggers that owe an exam body's endpoints a message for each event that concerns it, in the event's transaction.

They are the database's own, so that no use case can forget one, and cost nothing while nobody listens. The payload is
thin: a type, a time, and ids to ask the API with; no personal data leaves by it.
"""

from collections.abc import Iterator

ANNOUNCED = ("session", "consent", "booking")

ANNOUNCE = """
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

SESSION = """
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

CONSENT = """
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

# A person moved to another body's session is news to both.
BOOKING = """
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

_WHEN = {
    "session": "UPDATE OF state, starts_at, site_id, places, confirmed_at",
    "consent": "INSERT OR UPDATE OF state",
    "booking": "INSERT OR UPDATE OF state, worker_id, session_id",
}


def announcing_statements() -> Iterator[str]:
    """The SQL that puts the triggers in place."""
    yield from (ANNOUNCE, SESSION, CONSENT, BOOKING)
    for table in ANNOUNCED:
        yield (
            f"CREATE TRIGGER announce AFTER {_WHEN[table]} ON {table} FOR EACH ROW EXECUTE FUNCTION announce_{table}()"
        )
