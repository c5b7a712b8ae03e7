"""
The one statement that takes open places of a session: a function of the database's, called in one round trip.

It is a function because each statement inside sees what was committed before it: the session's row is locked first, and
everything that is counted is counted after that. A single statement of several parts would count by a snapshot that may
be older than its lock. Whoever calls it alone has a transaction that begins and ends on the server, so that the lock of
a session that thousands want is never held while a client thinks.
"""

HOLD_PLACES = """
CREATE FUNCTION hold_places(
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
