"""What came of a sitting."""

from datetime import date, datetime
from typing import ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.catalogue import Exam
from api.graphql.context import Info
from api.graphql.entity import Entity, get
from api.graphql.parties import Worker
from models.outcomes import Result as ResultRow
from models.vocabulary import Outcome
from scheduler.visibility import visible

strawberry.enum(Outcome, name="Outcome", description="What a sitting came to; absence counts as failed.")


@strawberry.type(description="What a sitting came to, by the rule in force on its day (成绩).")
class Result(Entity, relay.Node):
    """The exam body's word on one sitting."""

    TABLE: ClassVar = ResultRow
    id: relay.NodeID[int]
    worker_id: strawberry.Private[int]
    exam_id: strawberry.Private[int]
    series: int = strawberry.field(description="Which series of attempts; a new one begins when no retake is left.")
    attempt: int = strawberry.field(description="Which attempt of the series; the second is the retake (补考).")
    mark: float | None = strawberry.field(description="The mark; empty for absence.")
    outcome: Outcome = strawberry.field(description="Passed, failed or absent.")
    sat_on: date = strawberry.field(description="The day of the session.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    retake_from: date | None = strawberry.field(description="The first day of the retake; empty where there is none.")
    retake_until: date | None = strawberry.field(description="The last day of the retake; empty where there is none.")

    @strawberry.field(description="Who sat.")
    async def worker(self, info: Info) -> Worker:
        """The person."""
        return await get(info, Worker, self.worker_id)

    @strawberry.field(description="What was sat.")
    async def exam(self, info: Info) -> Exam:
        """The exam."""
        return await get(info, Exam, self.exam_id)


async def result_of_booking(info: Info, booking_id: int) -> Result | None:
    """The result of a booking, loaded together with its siblings'."""
    loader = info.context.loader("results of bookings", lambda ids: results_of(info, ids))
    row = await loader.load(booking_id)
    return Result.from_row(row) if row else None


async def results_of(info: Info, booking_ids: list[int]) -> list[ResultRow | None]:
    """The visible result of each booking, in one statement."""
    wanted = visible(ResultRow, info.context.caller).where(col(ResultRow.booking_id).in_(booking_ids))
    async with info.context.reading() as db:
        found = {row.booking_id: row for row in (await db.exec(wanted)).all()}
    return [found.get(booking_id) for booking_id in booking_ids]
