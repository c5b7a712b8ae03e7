"""
What changed, in the order in which it is safe to read: the change feed's rows, and the triggers that write them.

A row is written in the transaction that makes the change, whoever makes it and by whatever statement: it is there if
and only if the change is. `xid` is that transaction's number. Numbers are given out at a transaction's first write and
transactions end in any order, so a reader that goes by them must stay behind every transaction that still runs:
`scheduler.change_feed` does.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field

from models.columns import Table, instant, listed
from models.vocabulary import Topic


class Change(Table, table=True):
    """Something about one row changed; how it stands now is read from the row itself."""

    __tablename__ = "change"

    xid: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = instant()
    topic: Topic = listed(Topic)
    entity_id: int = Field(sa_type=BigInteger)


TELL = """
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO change (xid, at, topic, entity_id)
    VALUES (pg_current_xact_id()::text::bigint,
            coalesce(nullif(current_setting('doorstep.now', true), '')::timestamptz, now()), TG_ARGV[0], NEW.id);
    RETURN NULL;
END $$
"""

# Which columns of which table make a change that is told. Leases and heartbeats do not.
TOLD = {
    Topic.SESSION_PLACES: ("session", ("places", "promised", "held", "taken", "state", "ranked_until")),
    Topic.BOOKING: ("booking", ("session_id", "worker_id", "state", "attendance")),
    Topic.ROUND: ("round", ("state", "failure")),
}


def telling_statements() -> Iterator[str]:
    """The SQL that makes the database tell its changes, for the migration that makes the table."""
    yield TELL
    for topic, (table, columns) in TOLD.items():
        before, after = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
        yield (
            f"CREATE TRIGGER tell_change AFTER UPDATE OF {', '.join(columns)} ON {table} FOR EACH ROW"
            f" WHEN (({before}) IS DISTINCT FROM ({after})) EXECUTE FUNCTION tell_change('{topic}')"
        )
    for topic in (Topic.BOOKING, Topic.ROUND):
        yield (
            f"CREATE TRIGGER tell_birth AFTER INSERT ON {TOLD[topic][0]}"
            f" FOR EACH ROW EXECUTE FUNCTION tell_change('{topic}')"
        )
