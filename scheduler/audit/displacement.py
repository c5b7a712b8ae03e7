"""Changes by the organiser: whoever lost a place by no act of theirs was moved, queued first, or asked for again."""

from scheduler.audit.invariant import Invariant

# A firm's own clerk gives its places up; everybody else, a job included, takes them back.
TAKEN_BACK = """
    SELECT b.id, b.enterprise_id, b.promise_id, s.exam_id, e.at, e.actor
      FROM audit_entry e
      JOIN booking b ON b.id = e.entity_id
      JOIN session s ON s.id = b.session_id
      LEFT JOIN account a ON e.actor = 'account:' || a.id
     WHERE e.entity = 'booking' AND e.to_state = 'CANCELLED' AND a.enterprise_id IS DISTINCT FROM b.enterprise_id
"""

NOBODY_VANISHES = Invariant(
    name="nobody-vanishes",
    sentence=(
        "Whoever lost a place by no act of their firm is looked after: an open place in the exam's queue, a promised"
        " one by a request that was opened again at that moment."
    ),
    counted=f"SELECT count(*) FROM ({TAKEN_BACK}) lost",  # noqa: S608  # our own text
    query=f"""
        SELECT 'booking', lost.id, format('taken back by %s at %s, and firm %s neither waits nor asks again',
                                          lost.actor, lost.at, lost.enterprise_id)
          FROM ({TAKEN_BACK}) lost
         WHERE NOT CASE WHEN lost.promise_id IS NULL
               THEN EXISTS (SELECT FROM waiting w
                             WHERE w.enterprise_id = lost.enterprise_id AND w.exam_id = lost.exam_id
                               AND w.session_id IS NULL)
               ELSE EXISTS (SELECT FROM request r JOIN audit_entry again ON again.entity_id = r.id
                             WHERE r.enterprise_id = lost.enterprise_id AND r.exam_id = lost.exam_id
                               AND again.entity = 'request' AND again.to_state = 'OPEN' AND again.at = lost.at)
               END
    """,  # noqa: S608  # our own text
)

RELOCATED_BY_ACT = Invariant(
    name="relocated-by-act",
    sentence="A place that counts against no share was given by the organiser, who moved the person to that session.",
    counted="SELECT count(*) FROM booking WHERE is_relocated",
    query="""
        SELECT 'booking', b.id,
               format('in session %s, moved to %s, promise %s', b.session_id,
                      coalesce(e.detail ->> 'to_session', 'none'), coalesce(b.promise_id::text, 'none'))
          FROM booking b
          LEFT JOIN LATERAL (SELECT detail FROM audit_entry WHERE entity = 'booking' AND entity_id = b.id
                                AND act = 'relocated' ORDER BY audit_entry.id DESC LIMIT 1) e ON true
         WHERE b.is_relocated
           AND (b.promise_id IS NOT NULL OR e.detail ->> 'to_session' IS DISTINCT FROM b.session_id::text)
    """,
)

CONFIRMED_BEFORE_FROZEN = Invariant(
    name="confirmed-before-frozen",
    sentence="A session whose roster is final was confirmed: people are not told to come to one that may not be held.",
    counted="SELECT count(*) FROM session WHERE state IN ('FROZEN', 'HELD', 'CLOSED')",
    query="""
        SELECT 'session', id, format('is %s, confirmed at no time, freezes at %s', state, roster_freezes_at)
          FROM session WHERE state IN ('FROZEN', 'HELD', 'CLOSED') AND confirmed_at IS NULL
    """,
)

NOTHING_OUTDOORS_IN_BAD_WEATHER = Invariant(
    name="nothing-outdoors-in-bad-weather",
    sentence="No public practical is to come at a site on a day that was flagged for bad weather before it began.",
    counted="SELECT count(*) FROM weather_block",
    query="""
        SELECT 'session', s.id, format('a practical on %s, flagged at %s: %s', s.day, w.recorded_at, w.reason)
          FROM weather_block w
          JOIN session s ON s.site_id = w.site_id AND s.day = w.day AND s.starts_at > w.recorded_at
          JOIN exam e ON e.id = s.exam_id
         WHERE e.subject = 'PRACTICAL' AND s.state IN ('PUBLISHED', 'FROZEN')
    """,
)

DISPLACEMENT = (NOBODY_VANISHES, RELOCATED_BY_ACT, CONFIRMED_BEFORE_FROZEN, NOTHING_OUTDOORS_IN_BAD_WEATHER)
