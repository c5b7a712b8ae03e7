"""Empties a database of everything that is ours, and touches none that holds anything else."""

from sqlalchemy import Connection, inspect, text

from models.database import Database
from models.halts import RulesSayNo
from models.registry import metadata

_STEPS_TABLE = "alembic_version"
_GUARDS = (
    "guard_state()",
    "forbid_change()",
    "shares_add_up()",
    "tell_change()",
    "half_days_add_up()",
    "announce_session()",
    "announce_consent()",
    "announce_booking()",
    "announce(bigint, text, jsonb)",
)


class HoldsOthersTables(RulesSayNo):
    """The database is not ours alone."""


async def erase(database: Database) -> None:
    """
    Drop our tables and guards in one transaction.

    Raises:
        HoldsOthersTables: There are other tables too.
    """
    async with database.engine.begin() as connection:
        await connection.run_sync(_erase)


def _erase(connection: Connection) -> None:
    there = set(inspect(connection).get_table_names())
    if others := there - {*metadata.tables, _STEPS_TABLE}:
        raise HoldsOthersTables(
            f"The database also holds tables that are not doorstep's ({', '.join(sorted(others)[:3])}): "
            "nothing was touched; use a database of its own."
        )
    quoted = connection.dialect.identifier_preparer.quote
    if there:
        connection.execute(text(f"DROP TABLE {', '.join(map(quoted, sorted(there)))} CASCADE"))
    for guard in _GUARDS:
        connection.execute(text(f"DROP FUNCTION IF EXISTS {guard}"))
