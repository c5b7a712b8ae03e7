"""The ground of the benchmark: one bureau, many firms that may book, and many published sessions."""

from dataclasses import dataclass
from datetime import timedelta

from models.database import Database
from models.migrations.run import upgrade
from scheduler.clock import system_clock

FIRMS, SESSIONS, PLACES = 2_000, 1_001, 1_000_000

# The first session is the hot one. Keys are those of fresh sequences, so that both sides of the comparison know them.
GROUND = """
INSERT INTO jurisdiction (code, name, tier, parent_id, latitude, longitude)
VALUES ('310117', 'bureau', 'BUREAU', NULL, 31.03, 121.22);
INSERT INTO exam_body (bureau_id, name, is_gated, opts_into_evenings, opts_into_weekends)
VALUES (1, 'body', true, false, false);
INSERT INTO site (jurisdiction_id, name, latitude, longitude, is_municipal_centre, opts_into_evenings,
                  opts_into_weekends)
VALUES (1, 'site', 31.03, 121.22, false, false, false);
INSERT INTO item (code, name, english_name) VALUES ('N1', '叉车司机', 'forklift');
INSERT INTO exam (item_id, subject) VALUES (1, 'THEORY');
INSERT INTO enterprise (credit_code, name, office_id, latitude, longitude, contact_name, contact_phone)
SELECT n::text, 'firm', 1, 31.03, 121.22, '', '' FROM generate_series(1, {firms}) AS n;
INSERT INTO account (login, password_hash, role, name, enterprise_id, failed_sign_ins)
SELECT n::text, '-', 'ENTERPRISE', 'clerk', n, 0 FROM generate_series(1, {firms}) AS n;
INSERT INTO round (bureau_id, number, state, first_day, last_day, collect_until, consult_until, publish_at,
                   replan_wanted, seed, time_limit_seconds, failures, claim, stop_search)
VALUES (1, 1, 'COLLECTING', '{day}', '{day}', now(), now() + interval '1 day', now() + interval '2 days', false, 0,
        10, 0, 0, false);
INSERT INTO session (bureau_id, round_id, exam_id, site_id, exam_body_id, day, part, starts_at, ends_at, places,
                     promised, held, taken, shared, tier, jurisdiction_id, state, confirm_due_at, roster_freezes_at,
                     results_due_at)
SELECT 1, 1, 1, 1, 1, '{day}', 'am', '{day}', '{day} 03:00', {places}, 0, 0, 0, 0, 'BUREAU', 1, 'PROPOSED',
       timestamptz '{day}' - interval '1 day', '{day}', '{day}'
  FROM generate_series(1, {sessions});
UPDATE session SET state = 'AGREED';
UPDATE session SET state = 'PUBLISHED';
"""


@dataclass(frozen=True)
class Scenario:
    """Which sessions are booked."""

    name: str
    first: int
    last: int


SCENARIOS = (Scenario("one hot session", 1, 1), Scenario("1,000 sessions", 2, SESSIONS))


async def lay(url: str) -> None:
    """Migrate the database and fill it."""
    await upgrade(url)
    day = (system_clock() + timedelta(days=90)).date().isoformat()
    connection = await Database(url).connect()
    async with connection.transaction():
        await connection.execute("SELECT set_config('doorstep.actor', 'bench', true)")
        await connection.execute("SELECT set_config('doorstep.now', now()::text, true)")
        await connection.execute(GROUND.format(firms=FIRMS, sessions=SESSIONS, places=PLACES, day=day))
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def forget_holds(url: str) -> None:
    """Begin each measurement with the same rows."""
    connection = await Database(url).connect()
    await connection.execute("TRUNCATE hold, grant_draw, idempotency_key; UPDATE session SET held = 0")
    await connection.execute("VACUUM ANALYZE session, hold, idempotency_key, audit_entry")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def held_and_kept(url: str) -> tuple[int, int, int, int]:
    """What the rows add up to: counters, holds, audit entries of holds, answers."""
    connection = await Database(url).connect()
    row = await connection.fetchrow(
        "SELECT (SELECT sum(held) FROM session), (SELECT sum(people) FROM hold), "
        "(SELECT count(*) FROM audit_entry a JOIN hold h ON a.entity = 'hold' AND a.entity_id = h.id),"
        "(SELECT count(*) FROM idempotency_key WHERE answer IS NOT NULL)"
    )
    await connection.close()
    return tuple(row)


async def wait_at_commits(url: str, microseconds: int) -> None:
    """Let every commit wait, as one does that is sent to a replica or a slow disk."""
    connection = await Database(url).connect()
    await connection.execute(f"ALTER SYSTEM SET commit_delay = {microseconds}")
    await connection.execute("ALTER SYSTEM SET commit_siblings = 0")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
