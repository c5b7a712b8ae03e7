"""Ranked windows: results that anybody can recount, and places that nobody takes beside the rule."""

from collections import defaultdict

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.vocabulary import WindowState
from models.windows import Application, RankedWindow
from scheduler.audit.invariant import Invariant, Violation
from scheduler.recounting import faults_of

WINDOWS_CLOSE_THEIR_SESSIONS = Invariant(
    name="windows-close-their-sessions",
    sentence="A session's places are not first come while a window of it stands, and only then; it is public then.",
    counted="SELECT count(*) FROM session",
    query="""
        SELECT 'session', s.id, format('%s, ranked until %s, its window until %s', s.state,
                                       coalesce(s.ranked_until::text, 'never'), coalesce(w.apply_until::text, 'never'))
          FROM session s LEFT JOIN ranked_window w ON w.session_id = s.id AND w.state = 'OPEN'
         WHERE s.ranked_until IS DISTINCT FROM w.apply_until OR w.id IS NOT NULL AND s.state <> 'PUBLISHED'
    """,
)

# The trail's own order decides, not the clocks of several machines: whoever takes places has the session's lock.
PLACES_BY_RANK_ALONE = Invariant(
    name="places-by-rank-alone",
    sentence="From a window's opening until its end, its session's open places are held for nobody but its winners.",
    counted="SELECT count(*) FROM ranked_window",
    query="""
        SELECT 'hold', h.id, format('%s places held in window %s, for no application in it', h.people, w.id)
          FROM (SELECT w.id, w.session_id, min(e.id) AS begun, max(e.id) FILTER (WHERE e.to_state <> 'OPEN') AS ended
                  FROM ranked_window w JOIN audit_entry e ON e.entity = 'ranked_window' AND e.entity_id = w.id
                 WHERE e.act = 'state'
                 GROUP BY w.id) w
          JOIN hold h ON h.session_id = w.session_id
          JOIN audit_entry born ON born.entity = 'hold' AND born.entity_id = h.id AND born.from_state IS NULL
                               AND born.act = 'state'
          LEFT JOIN application a ON a.id = h.application_id AND a.window_id = w.id
         WHERE born.id > w.begun AND born.id < coalesce(w.ended, born.id + 1) AND a.id IS NULL
    """,
)

PLACED_ARE_BOOKED = Invariant(
    name="placed-are-booked",
    sentence="An application was given its places if and only if it won them: all of them, named, in its session.",
    counted="SELECT (SELECT count(*) FROM application) + (SELECT count(*) FROM hold WHERE application_id IS NOT NULL)",
    query="""
        SELECT 'application', a.id, format('%s for %s, given %s in session %s', a.state, a.people,
                                           coalesce(h.state || ' ' || h.people, 'nothing'), w.session_id)
          FROM application a
          JOIN ranked_window w ON w.id = a.window_id
          LEFT JOIN hold h ON h.application_id = a.id
         WHERE (a.state = 'PLACED') <> (h.id IS NOT NULL)
            OR h.session_id <> w.session_id OR h.people <> a.people OR h.enterprise_id <> a.enterprise_id
            OR h.state <> 'USED'
    """,
)

STANDING_ONCE = Invariant(
    name="standing-once",
    sentence="Nobody stands in two applications for an exam, and an application is for the people named on it.",
    counted="SELECT count(*) FROM application WHERE state = 'APPLIED'",
    query="""
        SELECT 'application', max(a.id), format('worker %s stands in %s applications for exam %s', p.worker_id,
                                                count(*), s.exam_id)
          FROM application a
          JOIN applicant p ON p.application_id = a.id
          JOIN ranked_window w ON w.id = a.window_id
          JOIN session s ON s.id = w.session_id
         WHERE a.state = 'APPLIED'
         GROUP BY p.worker_id, s.exam_id
        HAVING count(*) > 1
        UNION ALL
        SELECT 'application', a.id, format('for %s, %s named', a.people, count(p.id))
          FROM application a LEFT JOIN applicant p ON p.application_id = a.id
         WHERE a.state = 'APPLIED'
         GROUP BY a.id
        HAVING count(p.id) <> a.people
        UNION ALL
        SELECT 'application', a.id, format('waits for a result of window %s, which is %s', w.id, w.state)
          FROM application a JOIN ranked_window w ON w.id = a.window_id
         WHERE a.state = 'APPLIED' AND w.state <> 'OPEN'
    """,
)

COMMITTED_IN_THE_TRAIL = Invariant(
    name="committed-in-the-trail",
    sentence="A window's seed and result are those that the trail noted when it opened and when it was ranked.",
    counted="SELECT count(*) FROM ranked_window",
    query="""
        SELECT 'ranked_window', w.id, format('seed hash %s and result %s are not the trail''s', left(w.seed_hash, 8),
                                             coalesce(left(w.result_hash, 8), 'none'))
          FROM ranked_window w
          LEFT JOIN audit_entry o ON o.entity = 'ranked_window' AND o.entity_id = w.id AND o.act = 'opened'
          LEFT JOIN audit_entry r ON r.entity = 'ranked_window' AND r.entity_id = w.id AND r.act = 'ranked'
         WHERE o.detail ->> 'seed_hash' IS DISTINCT FROM w.seed_hash
            OR r.detail ->> 'hash' IS DISTINCT FROM w.result_hash
            OR w.seed_hash <> encode(sha256(convert_to(w.seed, 'UTF8')), 'hex')
    """,
)


async def recounted(db: AsyncSession) -> tuple[int, list[Violation]]:
    """Every result, worked out again from its entries, and held against the rows behind it."""
    ranked = (
        select(RankedWindow, Application)
        .join(
            Application,
            (col(Application.window_id) == col(RankedWindow.id)) & col(Application.position).is_not(None),
            isouter=True,
        )
        .where(col(RankedWindow.state) == WindowState.RANKED)
        .order_by(col(RankedWindow.id), col(Application.position))
    )
    windows: dict[int, RankedWindow] = {}
    rows: dict[int, list[Application]] = defaultdict(list)
    for window, row in (await db.exec(ranked)).all():
        windows[window.id] = window
        rows[window.id] += [row] if row else []
    return len(windows), [
        Violation("rankings-recount", "ranked_window", window.id, found)
        for window in windows.values()
        for found in faults_of(window, rows[window.id])
    ]


RANKINGS_RECOUNT = Invariant(
    name="rankings-recount",
    sentence="A published ranking is what its entries and its seed come to, and what its applications were given.",
    look=recounted,
)

WINDOWS = (
    WINDOWS_CLOSE_THEIR_SESSIONS,
    PLACES_BY_RANK_ALONE,
    PLACED_ARE_BOOKED,
    STANDING_ONCE,
    COMMITTED_IN_THE_TRAIL,
    RANKINGS_RECOUNT,
)
