"""The audit trail: every state reached by listed moves from its birth, nothing rewritten, every guard in place."""

from models.announcing import ANNOUNCED
from models.changes import TOLD
from models.transitions import TRANSITIONS, listed_moves
from scheduler.audit.invariant import Invariant

STATES = " UNION ALL ".join(f"SELECT '{entity}' AS entity, id, state FROM {entity}" for entity in TRANSITIONS)  # noqa: S608
GUARDED = ", ".join(
    [f"('{entity}', 'guard_state')" for entity in TRANSITIONS]
    + [f"('{table}', 'announce')" for table in ANNOUNCED]
    + [f"('{table}', 'tell_change')" for table, _ in TOLD.values()]
)
LISTED = ", ".join(f"('{entity}', '{before}', '{after}')" for entity, before, after in listed_moves())

# One sorted pass over the trail gives each entry the one before it.
CHAIN = """
    SELECT entity, entity_id, id, at, actor, from_state, to_state,
           lag(to_state) OVER steps AS came_to, lag(at) OVER steps AS came_at
      FROM audit_entry WHERE act = 'state'
    WINDOW steps AS (PARTITION BY entity, entity_id ORDER BY id)
"""

STATES_BY_LISTED_MOVES = Invariant(
    name="states-by-listed-moves",
    sentence="Each row's history begins with its birth, links up, and goes by listed moves, each with its actor.",
    counted="SELECT count(*) FROM audit_entry WHERE act = 'state'",
    query=f"""
        SELECT chain.entity, entity_id,
               format('entry %s by "%s" goes from "%s" to "%s" after "%s"', id, actor, chain.from_state, chain.to_state,
                      came_to)
          FROM ({CHAIN}) chain
          LEFT JOIN (VALUES {LISTED}) AS move (entity, from_state, to_state)
            ON move.entity = chain.entity AND move.to_state = chain.to_state
           AND move.from_state = coalesce(chain.from_state, '')
         WHERE move.entity IS NULL OR chain.from_state IS DISTINCT FROM came_to OR actor = ''
    """,  # noqa: S608  # our own text
)

HISTORY_ENDS_IN_STATE = Invariant(
    name="history-ends-in-state",
    sentence="Each row's history ends in its present state, and each history has its row.",
    counted=f"SELECT count(*) FROM ({STATES}) rows",  # noqa: S608
    query=f"""
        SELECT entity, id, format('is "%s", its history ends in "%s"', state, to_state)
          FROM ({STATES}) rows
          FULL JOIN (SELECT DISTINCT ON (entity, entity_id) entity, entity_id AS id, to_state
                       FROM audit_entry WHERE act = 'state' ORDER BY entity, entity_id, audit_entry.id DESC) ends
         USING (entity, id)
         WHERE state IS DISTINCT FROM to_state
    """,  # noqa: S608  # our own text
)

# A writer that waited for a row's lock carries the moment at which it began, and nodes' clocks differ a little.
TRAIL_UNTOUCHED = Invariant(
    name="trail-untouched",
    sentence="Entries follow each other in time, and none lies beyond those that were ever given out.",
    counted="SELECT count(*) FROM audit_entry",
    query=f"""
        SELECT entity, entity_id, format('entry %s is of %s, the one before of %s', id, at, came_at)
          FROM ({CHAIN}) chain WHERE at < came_at - interval '5 minutes'
        UNION ALL
        SELECT entity, entity_id, format('entry %s was never given out', id)
          FROM audit_entry
         WHERE id > (SELECT last_value FROM pg_sequences
                      WHERE format('%I.%I', schemaname, sequencename)::regclass
                          = pg_get_serial_sequence('audit_entry', 'id')::regclass)
    """,  # noqa: S608  # our own text
)

GUARDS_IN_PLACE = Invariant(
    name="guards-in-place",
    sentence="The database's own triggers stand: on states, on the audit trail, on what is announced and what is told.",
    counted=f"SELECT count(*) FROM (VALUES {GUARDED}, ('audit_entry', 'append_only')) AS guard",  # noqa: S608
    query=f"""
        SELECT guard.entity, 0, format('trigger %s is %s', guard.name,
                                       CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'switched off' END)
          FROM (VALUES {GUARDED}, ('audit_entry', 'append_only')) AS guard (entity, name)
          LEFT JOIN pg_trigger t ON t.tgrelid = guard.entity::regclass AND t.tgname = guard.name
         WHERE t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A')
    """,  # noqa: S608  # our own text
)

MOVES_AS_IN_CODE = Invariant(
    name="moves-as-in-code",
    sentence="The database lets the same moves pass as the code lists.",
    counted="SELECT count(*) FROM transition",
    query=f"""
        SELECT entity, 0, format('from "%s" to "%s" is %s', from_state, to_state,
                                 CASE WHEN code.listed IS NULL THEN 'not listed in code' ELSE 'missing' END)
          FROM (SELECT entity, from_state, to_state, true AS let FROM transition) AS rows
          FULL JOIN (SELECT *, true AS listed FROM (VALUES {LISTED}) AS v (entity, from_state, to_state)) AS code
         USING (entity, from_state, to_state)
         WHERE rows.let IS NULL OR code.listed IS NULL
    """,  # noqa: S608  # our own text
)

HISTORY = (STATES_BY_LISTED_MOVES, HISTORY_ENDS_IN_STATE, TRAIL_UNTOUCHED, GUARDS_IN_PLACE, MOVES_AS_IN_CODE)
