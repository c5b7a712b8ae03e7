"""Shares over the tiers: every place of them is somebody's, and only whom they are for has drawn from them."""

from scheduler.audit.invariant import Invariant

SHARES_ADD_UP = Invariant(
    name="shares-add-up",
    sentence="A session's places shared are those unused in its shares; a town's granted on are its offices' shares.",
    counted="SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM place_grant)",
    query="""
        SELECT 'session', s.id, format('%s shared, %s unused', s.shared, coalesce(g.unused, 0))
          FROM session s
          LEFT JOIN (SELECT session_id, sum(given - drawn - granted_on - gone_back) AS unused FROM place_grant
                      GROUP BY 1) g
            ON g.session_id = s.id
         WHERE s.shared <> coalesce(g.unused, 0)
        UNION ALL
        SELECT 'place_grant', t.id, format('%s granted on, %s in shares below', t.granted_on, coalesce(o.places, 0))
          FROM place_grant t
          LEFT JOIN (SELECT parent_id, sum(given - gone_back) AS places FROM place_grant GROUP BY 1) o
            ON o.parent_id = t.id
         WHERE t.granted_on <> coalesce(o.places, 0)
        UNION ALL
        SELECT 'place_grant', id, format('%s, %s of %s drawn, %s granted on, %s gone back', state, drawn, given,
                                         granted_on, gone_back)
          FROM place_grant
         WHERE least(drawn, granted_on, gone_back) < 0 OR drawn + granted_on + gone_back > given
            OR state <> 'STANDING' AND drawn + granted_on + gone_back < given
    """,
)

SHARES_GO_DOWN = Invariant(
    name="shares-go-down",
    sentence="A share goes one tier down, from the bureau or out of a share of the same session that stands as long.",
    counted="SELECT count(*) FROM place_grant",
    query="""
        SELECT 'place_grant', g.id, format('to %s below %s, out of %s until %s, itself until %s', g.jurisdiction_id,
                                           j.parent_id, coalesce(t.jurisdiction_id, s.bureau_id),
                                           coalesce(t.until, s.roster_freezes_at), g.until)
          FROM place_grant g
          JOIN jurisdiction j ON j.id = g.jurisdiction_id
          JOIN session s ON s.id = g.session_id
          LEFT JOIN place_grant t ON t.id = g.parent_id
         WHERE j.parent_id IS DISTINCT FROM coalesce(t.jurisdiction_id, s.bureau_id)
            OR g.until > coalesce(t.until, s.roster_freezes_at) OR t.session_id <> g.session_id
            OR g.state = 'STANDING' AND (s.state <> 'PUBLISHED' OR t.state <> 'STANDING')
    """,
)

DRAWN_ARE_HELD_OR_BOOKED = Invariant(
    name="drawn-are-held-or-booked",
    sentence="A share's places drawn are those of standing holds and of confirmed bookings of the tier's own firms.",
    counted="SELECT (SELECT count(*) FROM place_grant) + (SELECT count(*) FROM grant_draw)",
    query="""
        WITH drawn AS (
            SELECT d.grant_id, d.places, h.session_id, h.enterprise_id
              FROM grant_draw d JOIN hold h ON h.id = d.hold_id
            UNION ALL
            SELECT grant_id, 1, session_id, enterprise_id FROM booking WHERE state = 'CONFIRMED' AND grant_id > 0
        )
        SELECT 'place_grant', g.id, format('%s drawn, %s held or booked', g.drawn, coalesce(sum(d.places), 0))
          FROM place_grant g LEFT JOIN drawn d ON d.grant_id = g.id
         GROUP BY g.id
        HAVING g.drawn <> coalesce(sum(d.places), 0)
        UNION ALL
        SELECT DISTINCT 'place_grant', g.id, format('of session %s for %s, drawn in %s by firm %s of office %s',
                                                    g.session_id, g.jurisdiction_id, d.session_id, e.id, e.office_id)
          FROM drawn d
          JOIN place_grant g ON g.id = d.grant_id
          JOIN enterprise e ON e.id = d.enterprise_id
          JOIN jurisdiction o ON o.id = e.office_id
         WHERE d.session_id <> g.session_id OR g.jurisdiction_id NOT IN (o.id, o.parent_id)
        UNION ALL
        SELECT 'hold', h.id, format('%s, %s drawn, %s of %s named', h.state, sum(d.places), h.named, h.people)
          FROM hold h JOIN grant_draw d ON d.hold_id = h.id
         GROUP BY h.id
        HAVING h.state NOT IN ('KEPT', 'HELD') OR sum(d.places) > h.people - h.named
    """,
)

HALF_DAYS_ADD_UP = Invariant(
    name="half-days-add-up",
    sentence="A share of half-days is granted on, gone back or kept; what a town granted on are its offices' shares.",
    counted="SELECT count(*) FROM staff_grant",
    query="""
        SELECT 'staff_grant', t.id, format('%s of %s granted on, %s in shares below, %s gone back', t.granted_on,
                                           t.given, coalesce(o.half_days, 0), t.gone_back)
          FROM staff_grant t
          LEFT JOIN (SELECT parent_id, sum(given - gone_back) AS half_days FROM staff_grant GROUP BY 1) o
            ON o.parent_id = t.id
         WHERE t.granted_on <> coalesce(o.half_days, 0) OR least(t.granted_on, t.gone_back) < 0
            OR t.granted_on + t.gone_back > t.given
    """,
)

HALF_DAYS_GO_DOWN = Invariant(
    name="half-days-go-down",
    sentence="A share of half-days goes one tier down, from the bureau or out of one of the same item and month.",
    counted="SELECT count(*) FROM staff_grant",
    query="""
        SELECT 'staff_grant', g.id, format('of item %s in %s to %s below %s, out of %s', g.item_id, g.month,
                                           g.jurisdiction_id, j.parent_id, coalesce(t.jurisdiction_id, g.bureau_id))
          FROM staff_grant g
          JOIN jurisdiction j ON j.id = g.jurisdiction_id
          LEFT JOIN staff_grant t ON t.id = g.parent_id
         WHERE j.parent_id IS DISTINCT FROM coalesce(t.jurisdiction_id, g.bureau_id)
            OR (t.item_id, t.month, t.bureau_id) <> (g.item_id, g.month, g.bureau_id) OR g.until > t.until
            OR g.state = 'STANDING' AND t.state <> 'STANDING'
    """,
)

GRANTS = (SHARES_ADD_UP, SHARES_GO_DOWN, DRAWN_ARE_HELD_OR_BOOKED, HALF_DAYS_ADD_UP, HALF_DAYS_GO_DOWN)
