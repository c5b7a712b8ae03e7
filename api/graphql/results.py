"""The exam body's report of a session."""

import strawberry

from api.graphql.bookings import Booking
from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.outcomes import Result
from api.graphql.sessions import Session
from scheduler import results


@strawberry.input(description="The mark of one person who was present.")
class MarkInput:
    """One row of resultsRecord."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    mark: float = strawberry.field(description="The mark, 0 to 100.")


@strawberry.input(description="Marks of a held session.")
class ResultsRecordInput:
    """What resultsRecord takes."""

    session_id: strawberry.ID = strawberry.field(description="The session.")
    marks: list[MarkInput] = strawberry.field(
        description="1 to 200 marks of people who were present; none at all only where nobody was."
    )

    def rows(self) -> list[results.Mark]:
        """The marks as the use case takes them."""
        return [
            results.Mark(key_of(row.booking_id, Booking, "input", "marks", str(at), "bookingId"), row.mark)
            for at, row in enumerate(self.marks)
        ]


@strawberry.type(description="The answer to resultsRecord.")
class ResultsPayload(Payload):
    """What was recorded."""

    results: list[Result] | None = strawberry.field(
        default=None, description="The results recorded now, those of the absent among them; empty if refused."
    )
    session: Session | None = strawberry.field(default=None, description="The session as it now stands.")


@strawberry.type
class ResultMutation:
    """The exam body's report."""

    @mutation("Record marks of a held session, all or none; for its exam body alone (成绩登记).")
    async def results_record(self, info: Info, input: ResultsRecordInput) -> ResultsPayload:
        """The rule in force on the session's day judges them."""
        context = info.context
        key = key_of(input.session_id, Session, "input", "sessionId")
        done = await results.record_results(context.db, key, input.rows(), caller=context.caller, now=context.now())
        return ResultsPayload(
            results=[Result.from_row(row) for row in done.results], session=Session.from_row(done.session)
        )
