"""Results, certificates and renewals: each by the rule in force on its day."""

from scheduler.audit.invariant import Invariant

# The version of the item's rule that a result must be judged by.
IN_FORCE = """
    (SELECT er.id FROM item_rule ir JOIN exam_rule er ON er.rule_id = ir.id AND er.exam_id = {row}.exam_id
      WHERE ir.in_force_from <= {row}.sat_on ORDER BY ir.in_force_from DESC LIMIT 1)
"""

RESULTS_BY_THE_RULE = Invariant(
    name="results-by-the-rule",
    sentence="A result's outcome follows from its mark by the rule in force on its day.",
    counted="SELECT count(*) FROM result",
    query=f"""
        SELECT 'result', r.id, format('%s with mark %s, pass mark %s, judged by rule %s, in force %s',
                                      r.outcome, coalesce(r.mark::text, 'none'), er.pass_mark, er.id, in_force.id)
          FROM result r
          JOIN exam_rule er ON er.id = r.exam_rule_id
          LEFT JOIN exam_rule in_force ON in_force.id = {IN_FORCE.format(row="r")}
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
    query="""
        SELECT 'booking', b.id, format('worker %s was %s when booked, admitted are %s to %s',
                                       w.id, aged.years, ir.least_age, ir.most_age)
          FROM booking b
          JOIN session s ON s.id = b.session_id
          JOIN exam e ON e.id = s.exam_id
          JOIN worker w ON w.id = b.worker_id
          JOIN LATERAL (SELECT rule.* FROM item_rule rule
                         WHERE rule.item_id = e.item_id AND rule.in_force_from <= s.day
                           AND NOT EXISTS (SELECT FROM audit_entry later
                                            WHERE later.entity = 'item_rule' AND later.entity_id = rule.id
                                              AND later.act = 'rule revised' AND later.at > b.booked_at)
                         ORDER BY rule.in_force_from DESC LIMIT 1) ir ON true
         CROSS JOIN LATERAL (SELECT extract(year FROM age((b.booked_at AT TIME ZONE 'Asia/Shanghai')::date, w.born_on))
                                    AS years) aged
         WHERE b.state = 'CONFIRMED' AND aged.years NOT BETWEEN ir.least_age AND ir.most_age
    """,
)

CERTIFICATES_EARNED = Invariant(
    name="certificates-earned",
    sentence="A first certificate is of somebody who passed every subject of its item.",
    counted="SELECT count(*) FROM certificate WHERE renews_id IS NULL",
    query="""
        SELECT 'certificate', c.id, format('worker %s never passed exam %s (%s)', c.worker_id, e.id, lower(e.subject))
          FROM certificate c JOIN exam e ON e.item_id = c.item_id
         WHERE c.renews_id IS NULL
           AND NOT EXISTS (SELECT FROM result r
                            WHERE r.worker_id = c.worker_id AND r.exam_id = e.id AND r.outcome = 'PASSED')
    """,
)

VALID_AS_LONG_AS_RULED = Invariant(
    name="valid-as-long-as-ruled",
    sentence="An issued certificate is valid for its rule's years, and one that was not issued has no days.",
    counted="SELECT count(*) FROM certificate",
    query="""
        SELECT 'certificate', c.id, format('%s, from %s to %s, rule %s of item %s says %s years', c.state,
                                           coalesce(c.issued_on::text, 'none'), coalesce(c.expires_on::text, 'none'),
                                           ir.id, ir.item_id, ir.valid_years)
          FROM certificate c JOIN item_rule ir ON ir.id = c.rule_id
         WHERE ir.item_id <> c.item_id
            OR (c.state IN ('VALID', 'RENEWED', 'EXPIRED')) <> (c.issued_on IS NOT NULL)
            OR c.expires_on NOT IN ((c.issued_on + make_interval(years => ir.valid_years))::date - 1,
                                    (c.issued_on + make_interval(years => ir.valid_years))::date)
    """,
)

RENEWALS_SUCCEEDED = Invariant(
    name="renewals-succeeded",
    sentence=(
        "A certificate is renewed exactly when its successor was issued, to the same person for the same item, from the"
        " last day of the one before."
    ),
    counted="SELECT count(*) FROM certificate WHERE state = 'RENEWED' OR renews_id IS NOT NULL",
    query="""
        SELECT 'certificate', o.id, format('is %s, its successor is %s', o.state, coalesce(n.id::text, 'none'))
          FROM certificate o
          LEFT JOIN certificate n ON n.renews_id = o.id AND n.state IN ('VALID', 'RENEWED', 'EXPIRED')
         WHERE (o.state = 'RENEWED') <> (n.id IS NOT NULL)
        UNION ALL
        SELECT 'certificate', n.id, format('renews %s, which is of worker %s and item %s and ends on %s', o.id,
                                           o.worker_id, o.item_id, coalesce(o.expires_on::text, 'no day'))
          FROM certificate n JOIN certificate o ON o.id = n.renews_id
         WHERE (n.worker_id, n.item_id) <> (o.worker_id, o.item_id) OR n.issued_on <> o.expires_on
    """,
)

RENEWALS_GRANTED = Invariant(
    name="renewals-granted",
    sentence="A renewal names a successor exactly when it was granted, and the successor renews its certificate.",
    counted="SELECT count(*) FROM renewal",
    query="""
        SELECT 'renewal', r.id, format('is %s, certificate %s, successor %s', r.state, r.certificate_id,
                                       coalesce(r.successor_id::text, 'none'))
          FROM renewal r LEFT JOIN certificate n ON n.id = r.successor_id
         WHERE (r.state = 'GRANTED') <> (r.successor_id IS NOT NULL)
            OR r.successor_id IS NOT NULL AND n.renews_id IS DISTINCT FROM r.certificate_id
    """,
)

RENEWALS_BY_THE_RULE = Invariant(
    name="renewals-by-the-rule",
    sentence=(
        "A renewal was applied for in time, with both declarations, for somebody of an age that the rule in force on"
        " that day admits."
    ),
    counted="SELECT count(*) FROM renewal WHERE state IN ('APPLIED', 'GRANTED', 'REFUSED')",
    query="""
        SELECT 'renewal', r.id, format('%s, applied for on %s of %s, worker %s aged %s of %s, declared %s and %s',
                                       r.state, coalesce(asked.day::text, 'no day'), r.due_on, w.id, aged.years,
                                       ir.renewal_most_age, coalesce(r.had_no_responsible_accident::text, 'nothing'),
                                       coalesce(r.had_no_long_break::text, 'nothing'))
          FROM renewal r
          JOIN certificate c ON c.id = r.certificate_id
          JOIN worker w ON w.id = c.worker_id
         CROSS JOIN LATERAL (SELECT (r.applied_at AT TIME ZONE 'Asia/Shanghai')::date AS day) asked
         CROSS JOIN LATERAL (SELECT extract(year FROM age(asked.day, w.born_on)) AS years) aged
          LEFT JOIN LATERAL (SELECT * FROM item_rule WHERE item_id = c.item_id AND in_force_from <= asked.day
                              ORDER BY in_force_from DESC LIMIT 1) ir ON true
         WHERE r.state IN ('APPLIED', 'GRANTED', 'REFUSED')
           AND (asked.day <= r.due_on AND aged.years <= ir.renewal_most_age
                AND r.had_no_responsible_accident AND r.had_no_long_break) IS NOT TRUE
    """,
)

OUTCOMES = (
    RESULTS_BY_THE_RULE,
    RESULTS_OF_THEIR_BOOKING,
    CLOSED_WITH_ALL_RESULTS,
    ATTEMPTS_COUNTED,
    RETAKES_IN_THEIR_WINDOW,
    WINDOWS_BY_THE_RULE,
    AGES_WHEN_BOOKED,
    CERTIFICATES_EARNED,
    VALID_AS_LONG_AS_RULED,
    RENEWALS_SUCCEEDED,
    RENEWALS_GRANTED,
    RENEWALS_BY_THE_RULE,
)
