"""`doorstep jobs`: the dead are seen first, then what is due, then what ran."""

import orjson
import pytest

from api.commands.jobs import jobs
from models.database import Database
from models.journal import JobRun
from tests.factories import NOW

pytestmark = pytest.mark.asyncio


@pytest.fixture
def _ours(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("_ours")
async def test_what_is_dead_due_and_done_is_told_in_this_order(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = {"fire_at": NOW, "due_at": NOW}
    async with database.writing(actor="test", now=NOW) as db:
        db.add(JobRun(job="ended", **shape, finished_at=NOW, done=3))
        db.add(JobRun(job="waiting", **shape, attempts=1, failure="OSError: no"))
        db.add(JobRun(job="lost", **shape, died_at=NOW, attempts=8, failure="OSError: no"))

    assert await jobs(json=True) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert await jobs() == 0
    shown = capsys.readouterr().out

    assert [(run["job"], run["state"]) for run in told] == [("lost", "dead"), ("waiting", "due"), ("ended", "ran")]
    assert shown.index("lost") < shown.index("waiting") < shown.index("ended")
