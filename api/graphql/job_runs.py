"""Runs of jobs that were given up, and trying them again by hand."""

from datetime import datetime
from typing import ClassVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from models.journal import JobRun as JobRunRow
from scheduler import dead_runs


@strawberry.type(description="A firing of a job (定时任务), and how it fares.")
class JobRun(Entity, relay.Node):
    """A run."""

    TABLE: ClassVar = JobRunRow
    id: relay.NodeID[int]
    job: str = strawberry.field(description="What it does.")
    fire_at: datetime = strawberry.field(description="The moment it was fired for.")
    due_at: datetime = strawberry.field(description="When it is tried next, if it is neither finished nor dead.")
    finished_at: datetime | None = strawberry.field(description="When it got through.")
    died_at: datetime | None = strawberry.field(description="When it was given up, after too many failures.")
    attempts: int = strawberry.field(description="How often it failed.")
    done: int = strawberry.field(description="How many rows it has handled.")
    failure: str | None = strawberry.field(description="What went wrong last.")


@strawberry.input(description="Dead runs to be tried again.")
class JobRunsRetryInput:
    """What jobRunsRetry takes."""

    job_run_ids: list[strawberry.ID] = strawberry.field(description="1 to 100 runs, all of them dead.")


@strawberry.type(description="The answer to jobRunsRetry.")
class JobRunsRetryPayload(Payload):
    """What is due again."""

    job_runs: list[JobRun] = strawberry.field(default_factory=list, description="The runs, due now; none if refused.")


@strawberry.type
class JobRunQuery:
    """Reads of runs."""

    @paged("Runs of jobs that were given up. For auditors and operators.")
    async def dead_job_runs(self, info: Info, page: Page) -> Connection[JobRun]:
        """A page of them, oldest first."""
        return await connect(info, JobRun, dead_runs.dead_runs(info.context.caller), page)


@strawberry.type
class JobRunMutation:
    """Acts on runs."""

    @mutation("Have dead runs of jobs tried again. For operators.")
    async def job_runs_retry(self, info: Info, input: JobRunsRetryInput) -> JobRunsRetryPayload:
        """Due now, and as patient as at first."""
        context = info.context
        ids = keys_of(input.job_run_ids, JobRun, *dead_runs.IDS)
        rows = await dead_runs.retry(context.db, ids, caller=context.caller, now=context.now())
        return JobRunsRetryPayload(job_runs=[JobRun.from_row(row) for row in rows])
