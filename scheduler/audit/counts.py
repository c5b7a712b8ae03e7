"""Places: what a session says it has given away is what its rows add up to."""

from scheduler.audit.invariant import Invariant

NEVER_OVERSOLD = Invariant(
    name="never-oversold",
    sentence="Places taken, promised, held and shared are never more than the session has; what is left is open.",
    counted="SELECT count(*) FROM session",
    query="""
        SELECT 'session', id, format('%s taken, %s promised, %s held and %s shared of %s places', taken, promised,
                                     held, shared, places)
          FROM session
         WHERE least(taken, promised, held, shared) < 0 OR taken + promised + held + shared > places
    """,
)

TAKEN_ARE_BOOKED = Invariant(
    name="taken-are-booked",
    sentence="A session's places taken are its confirmed bookings.",
    counted="SELECT count(*) FROM session",
    query="""
        SELECT 'session', s.id, format('%s taken, %s booked', s.taken, coalesce(b.booked, 0))
          FROM session s
          LEFT JOIN (SELECT session_id, count(*) AS booked FROM booking WHERE state = 'CONFIRMED' GROUP BY 1) b
            ON b.session_id = s.id
         WHERE s.taken <> coalesce(b.booked, 0)
    """,
)

PROMISED_ARE_UNNAMED = Invariant(
    name="promised-are-unnamed",
    sentence="A session's places promised are those of its standing promises that have no name yet.",
    counted="SELECT count(*) FROM session",
    query="""
        SELECT 'session', s.id, format('%s promised, %s unnamed', s.promised, coalesce(p.unnamed, 0))
          FROM session s
          LEFT JOIN (SELECT session_id, sum(people - named) AS unnamed FROM promise
                      WHERE state IN ('PLANNED', 'HELD') GROUP BY 1) p
            ON p.session_id = s.id
         WHERE s.promised <> coalesce(p.unnamed, 0)
    """,
)

HELD_ARE_UNNAMED = Invariant(
    name="held-are-unnamed",
    sentence="A session's places held are those of its standing holds that have no name yet.",
    counted="SELECT count(*) FROM session",
    query="""
        SELECT 'session', s.id, format('%s held, %s unnamed', s.held, coalesce(h.unnamed, 0))
          FROM session s
          LEFT JOIN (SELECT session_id, sum(people - named) AS unnamed FROM hold WHERE state IN ('KEPT', 'HELD')
                      GROUP BY 1) h
            ON h.session_id = s.id
         WHERE s.held <> coalesce(h.unnamed, 0)
    """,
)

HOLDS_IN_OPEN_SESSIONS = Invariant(
    name="holds-in-open-sessions",
    sentence="Places are held only in published sessions, and never beyond the freeze of the roster.",
    counted="SELECT count(*) FROM hold WHERE state IN ('KEPT', 'HELD')",
    query="""
        SELECT 'hold', h.id, format('held until %s, session %s is %s and freezes at %s', h.held_until, s.id, s.state,
                                    s.roster_freezes_at)
          FROM hold h JOIN session s ON s.id = h.session_id
         WHERE h.state IN ('KEPT', 'HELD') AND (s.state <> 'PUBLISHED' OR h.held_until > s.roster_freezes_at)
    """,
)

OFFERS_MEET_THE_QUEUE = Invariant(
    name="offers-meet-the-queue",
    sentence="A firm that was offered places has them held; places are kept only for who waits, in a session it wants.",
    counted="SELECT (SELECT count(*) FROM waiting) + (SELECT count(*) FROM hold WHERE waiting_id IS NOT NULL)",
    query="""
        SELECT 'waiting', w.id,
               format('%s for %s, places %s', w.state, w.people, coalesce(h.state || ' ' || h.people, 'none'))
          FROM waiting w
          LEFT JOIN hold h ON h.waiting_id = w.id AND h.state IN ('KEPT', 'HELD')
          LEFT JOIN session s ON s.id = h.session_id
         WHERE w.state = 'OFFERED' AND (h.state IS DISTINCT FROM 'HELD' OR h.people <> w.people)
            OR w.state = 'WAITING' AND (h.state = 'HELD' OR h.people > w.people)
            OR w.state NOT IN ('WAITING', 'OFFERED') AND h.id IS NOT NULL
            OR s.id IS NOT NULL AND (s.exam_id <> w.exam_id OR w.session_id <> s.id OR w.not_session_id = s.id
                OR w.until_day < s.day)
    """,
)

NAMED_ARE_BOOKED = Invariant(
    name="named-are-booked",
    sentence="A promise's named places are the confirmed bookings that use it; a used one has no place left.",
    counted="SELECT count(*) FROM promise",
    query="""
        SELECT 'promise', p.id, format('%s of %s named, %s booked', p.named, p.people, coalesce(b.booked, 0))
          FROM promise p
          LEFT JOIN (SELECT promise_id, count(*) AS booked FROM booking WHERE state = 'CONFIRMED' GROUP BY 1) b
            ON b.promise_id = p.id
         WHERE p.named <> coalesce(b.booked, 0) OR p.state = 'USED' AND p.named <> p.people
    """,
)

NAMED_WHEN_FROZEN = Invariant(
    name="named-when-frozen",
    sentence="Once a roster is frozen, every promised place has a name or was released.",
    counted="SELECT count(*) FROM session WHERE state IN ('FROZEN', 'HELD', 'CLOSED')",
    query="""
        SELECT 'promise', p.id, format('session %s is %s, and %s of %s are named', s.id, s.state, p.named, p.people)
          FROM promise p JOIN session s ON s.id = p.session_id
         WHERE s.state IN ('FROZEN', 'HELD', 'CLOSED') AND p.state IN ('PLANNED', 'HELD') AND p.named < p.people
    """,
)

PROMISES_TRACE_BACK = Invariant(
    name="promises-trace-back",
    sentence="Every promised place goes back to a request for that exam and to a round that was planned.",
    counted="SELECT count(*) FROM promise WHERE state IN ('PLANNED', 'HELD', 'USED')",
    query="""
        SELECT 'promise', p.id,
               format('request %s for exam %s in round %s, session %s of exam %s in round %s',
                      r.id, r.exam_id, coalesce(r.round_id::text, 'none'), s.id, s.exam_id, s.round_id)
          FROM promise p
          JOIN request r ON r.id = p.request_id
          JOIN session s ON s.id = p.session_id
         WHERE p.state IN ('PLANNED', 'HELD', 'USED')
           AND (r.exam_id <> s.exam_id OR r.round_id IS NULL
                OR NOT EXISTS (SELECT FROM plan WHERE plan.round_id = s.round_id))
    """,
)

PROMISED_WITHIN_ASKED = Invariant(
    name="promised-within-asked",
    sentence="A request is never promised more places than it asks for.",
    counted="SELECT count(*) FROM request",
    query="""
        SELECT 'request', r.id, format('%s people, %s promised', r.people, sum(p.people))
          FROM request r JOIN promise p ON p.request_id = r.id AND p.state IN ('PLANNED', 'HELD', 'USED')
         GROUP BY r.id
        HAVING sum(p.people) > r.people
    """,
)

COUNTS = (
    NEVER_OVERSOLD,
    TAKEN_ARE_BOOKED,
    PROMISED_ARE_UNNAMED,
    HELD_ARE_UNNAMED,
    HOLDS_IN_OPEN_SESSIONS,
    OFFERS_MEET_THE_QUEUE,
    NAMED_ARE_BOOKED,
    NAMED_WHEN_FROZEN,
    PROMISES_TRACE_BACK,
    PROMISED_WITHIN_ASKED,
)
