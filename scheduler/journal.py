"""Notes in the audit trail for acts that change no state; changes of state are written by the database itself."""

from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

NOTE = text(
    "INSERT INTO audit_entry (at, actor, act, entity, entity_id, detail)"
    " VALUES (current_setting('doorstep.now')::timestamptz, current_setting('doorstep.actor'),"
    " :act, :entity, :entity_id, CAST(:detail AS jsonb))"
)


async def note(db: AsyncSession, act: str, entity: str, entity_id: int, **detail: Any) -> None:
    """Record an act of the transaction's own actor, at its own time; no personal data in the detail."""
    connection = await db.connection()
    await connection.execute(
        NOTE, {"act": act, "entity": entity, "entity_id": entity_id, "detail": orjson.dumps(detail).decode()}
    )
