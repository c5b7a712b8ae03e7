"""Rooms, examiners and people: nothing and nobody in two places at once, and a claim for each, with its reason."""

from scheduler.audit.invariant import Invariant

# What each standing session needs, from its own rows: the claims must be exactly these.
NEEDED = """
    SELECT s.id AS session_id, 'ROOM' AS resource, s.room_id AS resource_id, tstzrange(s.starts_at, s.ends_at) AS during
      FROM session s
     WHERE s.room_id IS NOT NULL AND s.state NOT IN ('DROPPED', 'CANCELLED')
    UNION ALL
    SELECT s.id, 'STAFF', d.examiner_id, tstzrange(s.starts_at, s.ends_at)
      FROM session s JOIN session_staff d ON d.session_id = s.id
     WHERE s.state NOT IN ('DROPPED', 'CANCELLED')
    UNION ALL
    SELECT DISTINCT s.id, 'WORKER', b.worker_id, tstzrange(s.starts_at, s.ends_at)
      FROM session s JOIN booking b ON b.session_id = s.id AND b.state = 'CONFIRMED'
     WHERE s.state NOT IN ('DROPPED', 'CANCELLED')
"""

# A running maximum finds an overlap with any earlier span in one sorted pass, where a self-join compares all pairs.
OVERLAPS = """
    SELECT 'session', session_id,
           format('%s %s is also in a session until %s', lower(resource), resource_id, busy_until)
      FROM (SELECT session_id, resource, resource_id, lower(during) AS starts_at,
                   max(upper(during)) OVER (PARTITION BY resource, resource_id ORDER BY lower(during), session_id
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until
              FROM ({source}) spans) placed
     WHERE starts_at < busy_until
"""

NOTHING_IN_TWO_SESSIONS = Invariant(
    name="nothing-in-two-sessions",
    sentence="By the sessions' own rows, no room, examiner or person is in two sessions at once.",
    counted=f"SELECT count(*) FROM ({NEEDED}) needed",  # noqa: S608  # our own text
    query=OVERLAPS.format(source=NEEDED),
)

NO_CLAIMS_OVERLAP = Invariant(
    name="no-claims-overlap",
    sentence="No two claims on the same room, examiner or person overlap.",
    counted="SELECT count(*) FROM claim",
    query=OVERLAPS.format(source="SELECT session_id, resource, resource_id, during FROM claim"),
)

CLAIMS_AND_REASONS = Invariant(
    name="claims-and-reasons",
    sentence="A standing session claims its room, each examiner and each booked person for its time, and nothing else.",
    counted=f"SELECT (SELECT count(*) FROM claim) + (SELECT count(*) FROM ({NEEDED}) needed)",  # noqa: S608
    query=f"""
        SELECT 'session', session_id,
               format(CASE WHEN claim.id IS NULL THEN '%s %s is needed and not claimed'
                           ELSE '%s %s is claimed without a reason' END, lower(resource), resource_id)
          FROM claim FULL JOIN ({NEEDED}) needed USING (session_id, resource, resource_id, during)
         WHERE claim.id IS NULL OR needed.session_id IS NULL
    """,  # noqa: S608  # our own text
)

ROOM_OF_ITS_SITE = Invariant(
    name="room-of-its-site",
    sentence="A standing session is in a room of its own site.",
    counted="SELECT count(*) FROM session WHERE state NOT IN ('DROPPED', 'CANCELLED')",
    query="""
        SELECT 'session', s.id, format('site %s, room %s of site %s', s.site_id, s.room_id, room.site_id)
          FROM session s LEFT JOIN room ON room.id = s.room_id
         WHERE s.state NOT IN ('DROPPED', 'CANCELLED') AND room.site_id IS DISTINCT FROM s.site_id
    """,
)

NOBODY_TWICE = Invariant(
    name="nobody-twice",
    sentence="No person has two places in one session.",
    counted="SELECT count(*) FROM booking WHERE state = 'CONFIRMED'",
    query="""
        SELECT 'session', session_id, format('worker %s has %s places', worker_id, count(*))
          FROM booking
         WHERE state = 'CONFIRMED'
         GROUP BY session_id, worker_id
        HAVING count(*) > 1
    """,
)

CLAIMS = (NOTHING_IN_TWO_SESSIONS, NO_CLAIMS_OVERLAP, CLAIMS_AND_REASONS, ROOM_OF_ITS_SITE, NOBODY_TWICE)
