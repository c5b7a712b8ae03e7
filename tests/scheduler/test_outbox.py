from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import OutboxMessage
from scheduler.outbox import delivery_to, next_delivery

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NINE + timedelta(hours=1)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_due_message_is_written_once_with_its_id_and_a_later_one_waits(
    database: Database, tmp_path: Path
) -> None:
    job = delivery_to(tmp_path / "new folder" / "outbox.jsonl")
    async with database.writing(actor="test", now=NINE) as db:
        for subject, due_at in (("名额已留", NINE), ("明日考试", LATER)):
            db.add(OutboxMessage(recipient="enterprise:1", subject=subject, body="…", made_at=NINE, due_at=due_at))

    done = [await job.handle(database, lambda: NINE) for _ in range(2)]

    assert done == [1, 0]
    (line,) = (tmp_path / "new folder" / "outbox.jsonl").read_bytes().splitlines()
    async with database.reading() as db:
        first, second = (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.due_at)))).all()
        assert (await db.exec(next_delivery())).one() == LATER
    assert orjson.loads(line) == {
        "id": first.id,
        "recipient": "enterprise:1",
        "subject": "名额已留",
        "body": "…",
        "made_at": "2027-03-01T09:00:00+00:00",
    }
    assert (first.delivered_at, first.attempts) == (NINE, 1)
    assert (second.delivered_at, second.attempts) == (None, 0)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_message_that_could_not_be_written_stays_due(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    job = delivery_to(tmp_path / "file" / "outbox.jsonl")
    async with database.writing(actor="test", now=NINE) as db:
        db.add(OutboxMessage(recipient="enterprise:1", subject="s", body="b", made_at=NINE, due_at=NINE))

    with pytest.raises(OSError, match="file"):
        await job.handle(database, lambda: NINE)

    async with database.reading() as db:
        (message,) = (await db.exec(select(OutboxMessage))).all()
    assert (message.delivered_at, message.attempts) == (None, 0)
