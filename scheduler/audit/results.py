"""Sittings and their results: each by the rule in force on its day."""

from scheduler.audit.invariant import Invariant

# Of a bureau's versions of an item's rule that have begun: its own before the common ones, the latest first.
NEWEST_FIRST = "({rule}.bureau_id IS NULL), {rule}.in_force_from DESC"

# The version of the item's rule that a result must be judged by.
IN_FORCE = f"""
    (SELECT er.id FROM item_rule ir JOIN exam_rule er ON er.rule_id = ir.id AND er.exam_id = r.exam_id
      WHERE ir.in_force_from <= r.sat_on AND coalesce(ir.bureau_id, s.bureau_id) = s.bureau_id
      ORDER BY {NEWEST_FIRST.format(rule="ir")} LIMIT 1)
"""  # noqa: S608  # our own text

RESULTS_BY_THE_RULE = Invariant(
    name="results-by-the-rule",
    sentence="A result's outcome follows from its mark by the rule in force on its day.",
    counted="SELECT count(*) FROM result",
    query=f"""
        SELECT 'result', r.id, format('%s with mark %s, pass mark %s, judged by rule %s, in force %s',
                                      r.outcome, coalesce(r.mark::text, 'none'), er.pass_mark, er.id, in_force.id)
          FROM result r
          JOIN exam_rule er ON er.id = r.exam_rule_id
          JOIN booking b ON b.id = r.booking_id JOIN session s ON s.id = b.session_id
          LEFT JOIN exam_rule in_force ON in_force.id = {IN_FORCE}
         WHERE er.id IS DISTINCT FROM in_force.id
            OR r.outcome <> CASE WHEN r.mark IS NULL THEN 'ABSENT' WHEN r.mark >= er.pass_mark THEN 'PASSED'
                                 ELSE 'FAILED' END
    """,  # noqa: S608  # our own text
)

RESULTS_OF_THEIR_BOOKING = Invariant(
    name="results-of-their-booking",
    sentence="A result is of its booking's person, exam, day and attendance.",
    counted="SELECT count(*) FROM result",
    query="""
        SELECT 'result', r.id,
               format('worker %s, exam %s on %s, %s; booking %s: worker %s, exam %s on %s, %s, %s',
                      r.worker_id, r.exam_id, r.sat_on, r.outcome,
                      b.id, b.worker_id, s.exam_id, s.day, b.attendance, b.state)
          FROM result r JOIN booking b ON b.id = r.booking_id JOIN session s ON s.id = b.session_id
         WHERE (r.worker_id, r.exam_id, r.sat_on) <> (b.worker_id, s.exam_id, s.day) OR b.state <> 'CONFIRMED'
            OR b.attendance <> CASE r.outcome WHEN 'ABSENT' THEN 'ABSENT' ELSE 'PRESENT' END
    """,
)

CLOSED_WITH_ALL_RESULTS = Invariant(
    name="closed-with-all-results",
    sentence="A closed session has the result of everybody booked.",
    counted="SELECT count(*) FROM session WHERE state = 'CLOSED'",
    query="""
        SELECT 'booking', b.id, format('session %s is closed, worker %s has no result', s.id, b.worker_id)
          FROM session s JOIN booking b ON b.session_id = s.id AND b.state = 'CONFIRMED'
          LEFT JOIN result r ON r.booking_id = b.id
         WHERE s.state = 'CLOSED' AND r.id IS NULL
    """,
)

ATTEMPTS_COUNTED = Invariant(
    name="attempts-counted",
    sentence="Attempts of a series follow each other from the first, and are at most the first and its retakes.",
    counted="SELECT count(*) FROM result",
    query="""
        SELECT 'result', id, format('attempt %s, in order %s, with %s retakes allowed', attempt, nth, allowed)
          FROM (SELECT r.id, r.attempt, row_number() OVER turns AS nth,
                       coalesce(lag(ir.retakes) OVER turns, ir.retakes) AS allowed
                  FROM result r
                  JOIN exam_rule er ON er.id = r.exam_rule_id JOIN item_rule ir ON ir.id = er.rule_id
                WINDOW turns AS (PARTITION BY r.worker_id, r.exam_id, r.series ORDER BY r.sat_on, r.id)) turn
         WHERE attempt <> nth OR attempt > 1 + allowed
    """,
)

RETAKES_IN_THEIR_WINDOW = Invariant(
    name="retakes-in-their-window",
    sentence="A retake follows a failure, never an absence or a pass, on a later day within the failure's window.",
    counted="SELECT count(*) FROM result WHERE attempt > 1",
    query="""
        SELECT 'result', id, format('sat on %s after %s on %s, window %s to %s', sat_on, before, sat_before,
                                    coalesce(opens::text, 'none'), coalesce(ends::text, 'none'))
          FROM (SELECT id, attempt, sat_on, lag(outcome) OVER turns AS before, lag(sat_on) OVER turns AS sat_before,
                       lag(retake_from) OVER turns AS opens, lag(retake_until) OVER turns AS ends
                  FROM result
                WINDOW turns AS (PARTITION BY worker_id, exam_id, series ORDER BY attempt)) turn
         WHERE attempt > 1
           AND (before = 'FAILED' AND sat_on > sat_before AND sat_on BETWEEN opens AND ends) IS NOT TRUE
    """,
)

WINDOWS_BY_THE_RULE = Invariant(
    name="windows-by-the-rule",
    sentence=(
        "A failure with a retake left opens a window, from a later day and no longer than the rule allows;"
        " a pass or an absence opens none."
    ),
    counted="SELECT count(*) FROM result",
    query="""
        SELECT 'result', r.id, format('%s on %s, attempt %s of %s, window %s to %s of %s months', r.outcome, r.sat_on,
                                      r.attempt, 1 + ir.retakes, coalesce(r.retake_from::text, 'none'),
                                      coalesce(r.retake_until::text, 'none'), ir.retake_window_months)
          FROM result r
          JOIN exam_rule er ON er.id = r.exam_rule_id JOIN item_rule ir ON ir.id = er.rule_id
         WHERE CASE
               WHEN r.outcome = 'FAILED' AND r.attempt <= ir.retakes THEN
                   (r.retake_from > r.sat_on AND r.retake_until >= r.retake_from
                    AND r.retake_until <= r.sat_on + make_interval(months => ir.retake_window_months)) IS NOT TRUE
               ELSE r.retake_from IS NOT NULL OR r.retake_until IS NOT NULL
               END
    """,
)

AGES_WHEN_BOOKED = Invariant(
    name="ages-when-booked",
    sentence="Everybody booked was of an age that the rule admits on the day of booking, as it was known then.",
    counted="SELECT count(*) FROM booking WHERE state = 'CONFIRMED'",
    query=f"""
        SELECT 'booking', b.id, format('worker %s was %s when booked, admitted are %s to %s',
                                       w.id, aged.years, ir.least_age, ir.most_age)
          FROM booking b
          JOIN session s ON s.id = b.session_id
          JOIN exam e ON e.id = s.exam_id
          JOIN worker w ON w.id = b.worker_id
          JOIN LATERAL (SELECT rule.* FROM item_rule rule
                         WHERE rule.item_id = e.item_id AND rule.in_force_from <= s.day
                           AND coalesce(rule.bureau_id, s.bureau_id) = s.bureau_id
                           AND NOT EXISTS (SELECT FROM audit_entry later
                                            WHERE later.entity = 'item_rule' AND later.entity_id = rule.id
                                              AND later.act = 'rule revised' AND later.at > b.booked_at)
                         ORDER BY {NEWEST_FIRST.format(rule="rule")} LIMIT 1) ir ON true
         CROSS JOIN LATERAL (SELECT extract(year FROM age((b.booked_at AT TIME ZONE 'Asia/Shanghai')::date, w.born_on))
                                    AS years) aged
         WHERE b.state = 'CONFIRMED' AND aged.years NOT BETWEEN ir.least_age AND ir.most_age
    """,  # noqa: S608  # our own text
)

GATED_IN_ORDER = Invariant(
    name="gated-in-order",
    sentence="With a gated exam body a practical is sat after a passed theory, on a later day, while the pass counts.",
    counted="SELECT count(*) FROM result r JOIN exam e ON e.id = r.exam_id WHERE e.subject = 'PRACTICAL'",
    query="""
        SELECT 'result', r.id, format('worker %s sat the practical on %s, theory passed on %s, counting %s months',
                                      r.worker_id, r.sat_on, coalesce(theory.passed_on::text, 'no day'),
                                      greatest(ir.retake_window_months, 12))
          FROM result r
          JOIN booking b ON b.id = r.booking_id JOIN session s ON s.id = b.session_id
          JOIN exam_body body ON body.id = s.exam_body_id AND body.is_gated
          JOIN exam e ON e.id = r.exam_id AND e.subject = 'PRACTICAL'
          JOIN exam first ON first.item_id = e.item_id AND first.subject = 'THEORY'
          JOIN exam_rule er ON er.id = r.exam_rule_id JOIN item_rule ir ON ir.id = er.rule_id
         CROSS JOIN LATERAL (SELECT max(p.sat_on) AS passed_on FROM result p
                              WHERE p.worker_id = r.worker_id AND p.exam_id = first.id AND p.outcome = 'PASSED'
                                AND p.sat_on < r.sat_on) theory
         WHERE (theory.passed_on + make_interval(months => greatest(ir.retake_window_months, 12)) >= r.sat_on)
               IS NOT TRUE
    """,
)

RESULTS = (
    RESULTS_BY_THE_RULE,
    RESULTS_OF_THEIR_BOOKING,
    CLOSED_WITH_ALL_RESULTS,
    ATTEMPTS_COUNTED,
    RETAKES_IN_THEIR_WINDOW,
    WINDOWS_BY_THE_RULE,
    AGES_WHEN_BOOKED,
    GATED_IN_ORDER,
)
