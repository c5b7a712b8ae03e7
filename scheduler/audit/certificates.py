"""Certificates and renewals: earned, valid, renewed and replaced as the rules say."""

from scheduler.audit.invariant import Invariant
from scheduler.audit.results import NEWEST_FIRST

CERTIFICATES_EARNED = Invariant(
    name="certificates-earned",
    sentence="A certificate that renews none was earned: every subject of its item was passed, and the passes counted.",
    counted="SELECT count(*) FROM certificate WHERE renews_id IS NULL",
    query="""
        SELECT 'certificate', c.id, format('worker %s has no pass of exam %s (%s) that counts beside the one on %s',
                                           c.worker_id, e.id, lower(e.subject), coalesce(latest.day::text, 'no day'))
          FROM certificate c
          JOIN exam e ON e.item_id = c.item_id
          JOIN item_rule ir ON ir.id = c.rule_id
          LEFT JOIN LATERAL (SELECT min(at) AS at FROM audit_entry
                              WHERE entity = 'certificate' AND entity_id = c.id AND from_state IS NULL
                                AND act = 'state') born ON true
          LEFT JOIN LATERAL (SELECT max(r.sat_on) AS day FROM result r JOIN exam x ON x.id = r.exam_id
                              WHERE r.worker_id = c.worker_id AND x.item_id = c.item_id AND r.outcome = 'PASSED'
                                AND r.recorded_at <= born.at) latest ON true
         WHERE c.renews_id IS NULL
           AND NOT EXISTS (SELECT FROM result r
                            WHERE r.worker_id = c.worker_id AND r.exam_id = e.id AND r.outcome = 'PASSED'
                              AND r.recorded_at <= born.at
                              AND r.sat_on + make_interval(months => greatest(ir.retake_window_months, 12))
                                  >= latest.day)
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
            OR (c.state IN ('VALID', 'RENEWED', 'REPLACED', 'EXPIRED')) <> (c.issued_on IS NOT NULL)
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
          LEFT JOIN certificate n ON n.renews_id = o.id AND n.state IN ('VALID', 'RENEWED', 'REPLACED', 'EXPIRED')
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

REPLACED_BY_A_NEW_EXAM = Invariant(
    name="replaced-by-a-new-exam",
    sentence="A certificate is replaced only by one of the same person and item, earned anew before its end.",
    counted="SELECT count(*) FROM certificate WHERE state = 'REPLACED'",
    query="""
        SELECT 'certificate', o.id, format('is replaced, of worker %s and item %s, ends on %s; no later one was earned',
                                           o.worker_id, o.item_id, o.expires_on)
          FROM certificate o
         WHERE o.state = 'REPLACED'
           AND NOT EXISTS (SELECT FROM certificate n
                            WHERE (n.worker_id, n.item_id) = (o.worker_id, o.item_id) AND n.id <> o.id
                              AND n.renews_id IS NULL AND n.issued_on BETWEEN o.issued_on AND o.expires_on)
    """,
)

RENEWALS_BY_THE_RULE = Invariant(
    name="renewals-by-the-rule",
    sentence=(
        "A renewal was applied for in time, with both declarations, for somebody of an age that the rule in force on"
        " that day admits."
    ),
    counted="SELECT count(*) FROM renewal WHERE state IN ('APPLIED', 'GRANTED', 'REFUSED')",
    query=f"""
        SELECT 'renewal', r.id, format('%s, applied for on %s of %s, worker %s aged %s of %s, declared %s and %s',
                                       r.state, coalesce(asked.day::text, 'no day'), r.due_on, w.id, aged.years,
                                       ir.renewal_most_age, coalesce(r.had_no_responsible_accident::text, 'nothing'),
                                       coalesce(r.had_no_long_break::text, 'nothing'))
          FROM renewal r
          JOIN certificate c ON c.id = r.certificate_id
          JOIN worker w ON w.id = c.worker_id
          JOIN enterprise firm ON firm.id = r.enterprise_id
          JOIN jurisdiction office ON office.id = firm.office_id
          LEFT JOIN jurisdiction town ON town.id = office.parent_id
         CROSS JOIN LATERAL (SELECT coalesce(town.parent_id, office.parent_id, office.id) AS id) bureau
         CROSS JOIN LATERAL (SELECT (r.applied_at AT TIME ZONE 'Asia/Shanghai')::date AS day) asked
         CROSS JOIN LATERAL (SELECT extract(year FROM age(asked.day, w.born_on)) AS years) aged
          LEFT JOIN LATERAL (SELECT rule.* FROM item_rule rule
                              WHERE rule.item_id = c.item_id AND rule.in_force_from <= asked.day
                                AND coalesce(rule.bureau_id, bureau.id) = bureau.id
                              ORDER BY {NEWEST_FIRST.format(rule="rule")} LIMIT 1) ir ON true
         WHERE r.state IN ('APPLIED', 'GRANTED', 'REFUSED')
           AND (asked.day <= r.due_on AND aged.years <= ir.renewal_most_age
                AND r.had_no_responsible_accident AND r.had_no_long_break) IS NOT TRUE
    """,  # noqa: S608  # our own text
)

CERTIFICATES = (
    CERTIFICATES_EARNED,
    VALID_AS_LONG_AS_RULED,
    RENEWALS_SUCCEEDED,
    RENEWALS_GRANTED,
    REPLACED_BY_A_NEW_EXAM,
    RENEWALS_BY_THE_RULE,
)
