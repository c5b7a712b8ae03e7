"""Tiers and consents: who had to be asked, from the people in the session, and whether they agreed."""

from scheduler.audit.invariant import Invariant

# Every jurisdiction with itself and all above it; `height` is 0 for itself.
LINES = """
    RECURSIVE line (jurisdiction_id, above_id, height) AS (
        SELECT id, id, 0 FROM jurisdiction
        UNION ALL
        SELECT line.jurisdiction_id, j.parent_id, line.height + 1
          FROM line JOIN jurisdiction j ON j.id = line.above_id
         WHERE j.parent_id IS NOT NULL AND line.height < 10
    )
"""

# Whoever takes an open place later, from wherever in the bureau, changes no tier: it was consulted for the plan.
# A session whose promises fall away later keeps the tier that was consulted: it may stand higher than those still in
# it need, never lower, and never higher than everyone it was ever planned for needs.
TIER_IS_LOWEST_COVER = Invariant(
    name="tier-is-lowest-cover",
    sentence=(
        "A session's jurisdiction covers its site and everyone promised a place, is the lowest that covers all it was"
        " planned for, and gives the session its tier."
    ),
    counted="SELECT count(*) FROM session WHERE state IN ('PROPOSED', 'AGREED', 'PUBLISHED', 'FROZEN')",
    query=f"""
        WITH {LINES},
        upcoming AS (
            SELECT * FROM session WHERE state IN ('PROPOSED', 'AGREED', 'PUBLISHED', 'FROZEN')
        ),
        part (session_id, jurisdiction_id, stands) AS (
            SELECT s.id, site.jurisdiction_id, true FROM upcoming s JOIN site ON site.id = s.site_id
            UNION ALL
            SELECT s.id, e.office_id, p.state IN ('PLANNED', 'HELD', 'USED')
              FROM upcoming s JOIN promise p ON p.session_id = s.id
              JOIN request r ON r.id = p.request_id JOIN enterprise e ON e.id = r.enterprise_id
        ),
        cover AS (
            SELECT part.session_id, line.above_id, count(*) FILTER (WHERE stands) AS standing, count(*) AS planned,
                   min(line.height) AS height
              FROM part JOIN line ON line.jurisdiction_id = part.jurisdiction_id
             GROUP BY 1, 2
        ),
        total AS (
            SELECT session_id, count(*) FILTER (WHERE stands) AS standing, count(*) AS planned FROM part GROUP BY 1
        ),
        root AS (SELECT jurisdiction_id, max(height) AS depth FROM line GROUP BY 1),
        lowest AS (
            SELECT DISTINCT ON (session_id) cover.session_id, cover.above_id, root.depth
              FROM cover JOIN total USING (session_id) JOIN root ON root.jurisdiction_id = cover.above_id
             WHERE cover.planned = total.planned
             ORDER BY session_id, root.depth DESC
        )
        SELECT 'session', s.id,
               format('%s at jurisdiction %s, which covers %s of %s; the lowest that covers all is %s (%s)',
                      s.tier, s.jurisdiction_id, coalesce(own.standing, 0), total.standing, lowest.above_id, j.tier)
          FROM upcoming s
          JOIN total ON total.session_id = s.id
          JOIN jurisdiction given ON given.id = s.jurisdiction_id
          JOIN root ON root.jurisdiction_id = s.jurisdiction_id
          LEFT JOIN cover own ON own.session_id = s.id AND own.above_id = s.jurisdiction_id
          LEFT JOIN lowest ON lowest.session_id = s.id
          LEFT JOIN jurisdiction j ON j.id = lowest.above_id
         WHERE s.tier <> given.tier
            OR coalesce(own.standing, 0) <> total.standing
            OR root.depth < lowest.depth
    """,  # noqa: S608  # our own text
)

CONSULTED = "('PUBLISHED', 'FROZEN', 'HELD', 'CLOSED')"

# Silence of an office or a town is answered for by a jurisdiction above it, in the same session.
ANSWERED_FOR = """
    EXISTS (SELECT FROM line JOIN consent answer ON answer.jurisdiction_id = line.above_id
             WHERE line.jurisdiction_id = {silent}.jurisdiction_id AND line.height > 0
               AND answer.session_id = {silent}.session_id AND answer.state = 'AGREED')
"""

NEEDED_CONSENTS_GIVEN = Invariant(
    name="needed-consents-given",
    sentence=(
        "A published session has the consent of its exam body, its examiners, its site's host, the offices of its"
        " firms and its site, from the town tier on their towns, at the bureau tier the bureau; after silence, of the"
        " next tier up."
    ),
    counted=f"SELECT count(*) FROM session WHERE state IN {CONSULTED}",  # noqa: S608
    query=f"""
        WITH {LINES},
        consulted AS (SELECT * FROM session WHERE state IN {CONSULTED}),
        covered AS (
            SELECT DISTINCT s.id AS session_id, s.tier AS tier, e.office_id AS concerned_id
              FROM consulted s JOIN promise p ON p.session_id = s.id AND p.state <> 'DROPPED'
              JOIN request r ON r.id = p.request_id JOIN enterprise e ON e.id = r.enterprise_id
            UNION
            SELECT s.id, s.tier, site.jurisdiction_id FROM consulted s JOIN site ON site.id = s.site_id
        ),
        needed (session_id, party, jurisdiction_id, enterprise_id, examiner_id, exam_body_id) AS (
            SELECT id, 'EXAM_BODY', NULL::bigint, NULL::bigint, NULL::bigint, exam_body_id FROM consulted
            UNION ALL
            SELECT s.id, 'STAFF', NULL, NULL, d.examiner_id, NULL
              FROM consulted s JOIN session_staff d ON d.session_id = s.id
            UNION ALL
            SELECT s.id, 'HOST', NULL, site.host_enterprise_id, NULL, NULL
              FROM consulted s JOIN site ON site.id = s.site_id WHERE site.host_enterprise_id IS NOT NULL
            UNION
            SELECT c.session_id, j.tier, j.id, NULL, NULL, NULL
              FROM covered c
              JOIN line ON line.jurisdiction_id = c.concerned_id JOIN jurisdiction j ON j.id = line.above_id
             WHERE j.tier = 'OFFICE' OR j.tier = 'TOWN' AND c.tier IN ('TOWN', 'BUREAU')
                OR j.tier = 'BUREAU' AND c.tier = 'BUREAU'
        )
        SELECT 'session', n.session_id,
               format('no consent of %s %s', lower(n.party),
                      coalesce(n.jurisdiction_id, n.enterprise_id, n.examiner_id, n.exam_body_id))
          FROM needed n
         WHERE NOT EXISTS (SELECT FROM consent c
                            WHERE c.session_id = n.session_id AND c.state = 'AGREED' AND c.party = n.party
                              AND coalesce(c.jurisdiction_id, c.enterprise_id, c.examiner_id, c.exam_body_id)
                                = coalesce(n.jurisdiction_id, n.enterprise_id, n.examiner_id, n.exam_body_id))
           AND NOT (n.jurisdiction_id IS NOT NULL
                    AND EXISTS (SELECT FROM consent c WHERE c.session_id = n.session_id
                                   AND c.jurisdiction_id = n.jurisdiction_id AND c.state = 'ESCALATED')
                    AND {ANSWERED_FOR.format(silent="n")})
    """,  # noqa: S608  # our own text
)

NO_ANSWER_OUTSTANDING = Invariant(
    name="no-answer-outstanding",
    sentence="Nobody who was asked about a published session is still to answer or has objected.",
    counted=f"SELECT count(*) FROM consent c JOIN session s ON s.id = c.session_id WHERE s.state IN {CONSULTED}",  # noqa: S608
    query=f"""
        WITH {LINES}
        SELECT 'consent', c.id,
               format('session %s is %s, the consent of %s is %s', s.id, s.state, lower(c.party), c.state)
          FROM consent c JOIN session s ON s.id = c.session_id
         WHERE s.state IN {CONSULTED}
           AND (c.state IN ('QUEUED', 'ASKED', 'OBJECTED')
                OR c.state = 'ESCALATED' AND NOT {ANSWERED_FOR.format(silent="c")})
    """,  # noqa: S608  # our own text
)

ANSWERED_BY_WHO_WAS_ASKED = Invariant(
    name="answered-by-who-was-asked",
    sentence="Whoever agreed or objected signed in as the party that was asked.",
    counted="SELECT count(*) FROM consent WHERE state IN ('AGREED', 'OBJECTED')",
    query="""
        SELECT 'consent', c.id, format('asked of %s %s, answered by %s', lower(c.party),
                                       coalesce(c.jurisdiction_id, c.enterprise_id, c.examiner_id, c.exam_body_id),
                                       coalesce(format('account %s (%s)', a.id, lower(a.role)), 'nobody'))
          FROM consent c LEFT JOIN account a ON a.id = c.answered_by_id
         WHERE c.state IN ('AGREED', 'OBJECTED')
           AND (c.jurisdiction_id, c.enterprise_id, c.examiner_id, c.exam_body_id)
               IS DISTINCT FROM (a.jurisdiction_id, a.enterprise_id, a.examiner_id, a.exam_body_id)
    """,
)

CONSULTATION = (TIER_IS_LOWEST_COVER, NEEDED_CONSENTS_GIVEN, NO_ANSWER_OUTSTANDING, ANSWERED_BY_WHO_WAS_ASKED)
