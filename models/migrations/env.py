"""What Alembic runs for every command; the connection is handed in by `run`, and so is its transaction."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from models import registry


def _plainly(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    """Write a step without SQLModel's own types: it must read the same when SQLModel has moved on."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=registry.metadata,
    compare_server_default=True,
    render_item=_plainly,
)
with context.begin_transaction():
    context.run_migrations()
