"""What no worker could do waits for an operator, who has it tried again."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from models.database import Database
from models.journal import AuditEntry, JobRun
from models.vocabulary import Role
from scheduler.job_runs import MOST_ATTEMPTS, fail, to_try
from tests import factories as make
from tests.asking import act, global_id, read
from tests.factories import NOW

pytestmark = pytest.mark.asyncio

DEAD = "{ deadJobRuns { nodes { id job attempts failure } } }"
LATER = NOW + timedelta(hours=2)


async def dead_run(database: Database) -> JobRun:
    """A run that failed until it was given up."""
    async with database.writing(actor="job:planning", now=NOW) as db:
        run = await make.written(db, JobRun(job="planning", fire_at=NOW, due_at=NOW))
        for _ in range(MOST_ATTEMPTS):
            fail(run, RuntimeError("no solver"), now=NOW)
        return run


async def test_an_operator_has_a_dead_run_tried_again_and_that_is_written_down(database: Database) -> None:
    run = await dead_run(database)
    async with database.writing(actor="test", now=NOW) as db:
        operator = await make.make_caller(db, role=Role.OPERATOR)
        assert await to_try(db, now=LATER) == set()
    shown = (await read(database, operator, DEAD))["deadJobRuns"]["nodes"]

    payload = await act(
        database, operator, "jobRunsRetry", {"jobRunIds": [shown[0]["id"]]}, "jobRuns { diedAt attempts }"
    )

    told = {"id": global_id("JobRun", run.id), "job": "planning", "attempts": 8, "failure": "RuntimeError: no solver"}
    assert shown == [told]
    assert (payload["jobRuns"], payload["userErrors"]) == ([{"diedAt": None, "attempts": 0}], [])
    async with database.reading() as db:
        assert await to_try(db, now=LATER) == {"planning"}
        noted = (await db.exec(select(AuditEntry).where(col(AuditEntry.entity) == "job_run"))).all()
    assert [(entry.act, entry.entity_id, entry.actor) for entry in noted] == [("retried", run.id, operator.actor)]
    assert (await read(database, operator, DEAD))["deadJobRuns"]["nodes"] == []


async def test_what_is_not_dead_is_not_tried_again_and_auditors_only_look(database: Database) -> None:
    run = await dead_run(database)
    async with database.writing(actor="test", now=NOW) as db:
        operator, auditor = [await make.make_caller(db, role=role) for role in (Role.OPERATOR, Role.AUDITOR)]
        ran = await make.written(db, JobRun(job="planning", fire_at=LATER, due_at=LATER, finished_at=LATER))
    dead, over = global_id("JobRun", run.id), global_id("JobRun", ran.id)

    answers = [
        await act(database, operator, "jobRunsRetry", {"jobRunIds": [dead, over]}),
        await act(database, operator, "jobRunsRetry", {"jobRunIds": []}),
        await act(database, auditor, "jobRunsRetry", {"jobRunIds": [dead]}),
    ]

    assert [answer["userErrors"][0]["code"] for answer in answers] == ["WRONG_STATE", "OUT_OF_RANGE", "NOT_ALLOWED"]
    assert len((await read(database, auditor, DEAD))["deadJobRuns"]["nodes"]) == 1
