"""
Bureaus after many years, by SQL alone: sessions long held, requests long settled, consents long given, a few under way.

The triggers that keep the trail are off while the rows come in; they cost a reader nothing.
"""

from sqlalchemy import text

from models.database import Database

# The seeded bureaus' own sites, firms and offices, evenly and out of order. Sessions to come are public,
# a tenth of the consents is asked for, a seventh of the requests open.
PREPARE = """
    CREATE TEMP TABLE site_nr AS
        SELECT row_number() OVER (ORDER BY o.id) - 1 AS nr, o.site_id, o.exam_id, o.places, s.jurisdiction_id
          FROM site_offer o JOIN site s ON s.id = o.site_id;
    CREATE TEMP TABLE firm_nr AS
        SELECT row_number() OVER (ORDER BY id) - 1 AS nr, id, latitude, longitude FROM enterprise;
    CREATE TEMP TABLE exam_nr AS SELECT row_number() OVER (ORDER BY id) - 1 AS nr, id FROM exam;
    CREATE TEMP TABLE bureau_of AS
        WITH RECURSIVE up (id, root, parent) AS (
            SELECT id, id, parent_id FROM jurisdiction WHERE parent_id IS NULL
            UNION ALL SELECT j.id, up.root, j.parent_id FROM jurisdiction j JOIN up ON j.parent_id = up.id)
        SELECT id, root FROM up;
    CREATE TEMP TABLE office_nr AS
        SELECT b.root, row_number() OVER (PARTITION BY b.root ORDER BY j.id) - 1 AS nr, j.id,
               count(*) OVER (PARTITION BY b.root) AS many
          FROM jurisdiction j JOIN bureau_of b USING (id) WHERE j.tier = 'OFFICE';
"""

ROUNDS = """
    INSERT INTO round (bureau_id, number, state, first_day, last_day, collect_until, consult_until, publish_at,
                       replan_wanted, seed, time_limit_seconds, failures, claim, stop_search)
    SELECT root, 1, 'PUBLISHED', '2027-03-01', '2027-05-31', '2027-01-10', '2027-01-20', '2027-01-30', false, 0, 10, 0,
           0, false
      FROM (SELECT DISTINCT root FROM bureau_of) roots
"""

# Sessions follow each other in time, so that the page of open ones is at the end of a long past.
SESSIONS = """
    INSERT INTO session (bureau_id, round_id, exam_id, site_id, exam_body_id, day, part, starts_at, ends_at, places,
                         promised, held, taken, shared, tier, jurisdiction_id, state, confirm_due_at, roster_freezes_at,
                         results_due_at)
    SELECT b.root, round.id, n.exam_id, n.site_id, body.id, (at AT TIME ZONE 'Asia/Shanghai')::date, 'am', at,
           at + interval '3 hours', n.places, 0, 0, CASE WHEN i % 10 < 7 THEN n.places ELSE n.places - 1 END, 0,
           'OFFICE', n.jurisdiction_id, CASE WHEN at < '2027-03-04' THEN 'CLOSED' ELSE 'PUBLISHED' END,
           at - interval '3 days', at - interval '2 days', at + interval '28 days'
      FROM generate_series(0::bigint, :rows - 1) AS i
      JOIN site_nr n ON n.nr = i * 7919 % (SELECT count(*) FROM site_nr)
      JOIN bureau_of b ON b.id = n.jurisdiction_id
      JOIN round ON round.bureau_id = b.root
      JOIN exam_body body ON body.bureau_id = b.root
     CROSS JOIN LATERAL (SELECT timestamptz '2027-06-01 01:00Z' - interval '20 years' * (1 - i / :rows::float)) t (at)
"""

REQUESTS = """
    INSERT INTO request (enterprise_id, exam_id, people, earliest_day, latest_day, latitude, longitude, keep_together,
                         origin, state, asked_at)
    SELECT f.id, e.id, 1 + i % 5, day, day + 60, f.latitude, f.longitude, false, 'ENTERPRISE',
           CASE WHEN i < :rows * 0.85 THEN 'SETTLED' ELSE 'OPEN' END, day
      FROM generate_series(0::bigint, :rows - 1) AS i
      JOIN firm_nr f ON f.nr = i * 7919 % (SELECT count(*) FROM firm_nr)
      JOIN exam_nr e ON e.nr = (i / 7) % (SELECT count(*) FROM exam_nr)
     CROSS JOIN LATERAL (SELECT date '2027-03-01' - (7300 * (1 - i / :rows::float))::int) t (day)
"""

# Each session asked one office of its own bureau.
CONSENTS = """
    INSERT INTO consent (session_id, party, jurisdiction_id, state, due_at)
    SELECT s.id, 'OFFICE', o.id, CASE WHEN s.starts_at < '2025-06-01' THEN 'AGREED' ELSE 'ASKED' END,
           s.starts_at - interval '60 days'
      FROM session s
      JOIN office_nr o ON o.root = s.bureau_id AND o.nr = abs(hashint8(s.id)::bigint) % o.many
"""


async def fill(database: Database, rows: int) -> None:
    """So many sessions, requests and consents each, with fresh statistics."""
    async with database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in PREPARE.strip().rstrip(";").split(";\n"):
            await connection.execute(text(statement))
        await connection.execute(text(ROUNDS))
        for statement in (SESSIONS, REQUESTS, CONSENTS):
            bound = statement.replace(":rows::float", f"{rows}.0").replace(":rows", str(rows))
            await connection.execute(text(bound))
    async with database.engine.connect() as connection:
        settled = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await settled.execute(text("VACUUM ANALYZE"))
