"""The counts of a bureau's work."""

import dataclasses
from typing import Annotated, Self

import strawberry

from api.graphql.context import Info
from api.graphql.entity import key_of
from api.graphql.rounds import Round
from models.rounds import Round as RoundRow
from models.vocabulary import Role
from scheduler import reports
from scheduler.callers import require
from scheduler.refusals import not_found


@strawberry.type(description="Sessions, places and people under one heading.")
class ReportLine:
    """A row of the report."""

    heading: str = strawberry.field(description="The tier, the town or the exam.")
    sessions: int = strawberry.field(description="Standing sessions.")
    places: int = strawberry.field(description="Their places.")
    people: int = strawberry.field(description="People promised a place or booked.")
    fill: float = strawberry.field(description="People over places, 0 to 1.")

    @classmethod
    def of(cls, line: reports.Line) -> Self:
        """A counted line."""
        return cls(heading=line.heading, sessions=line.sessions, places=line.places, people=line.people, fill=line.fill)


@strawberry.type(description="How many requests and people a tier brought an exam to.")
class ReportReach:
    """A tier's share of the demand."""

    heading: str = strawberry.field(description="The tier.")
    requests: int = strawberry.field(
        description="Requests with places; one spread over several tiers counts at the highest."
    )
    people: int = strawberry.field(description="Their people with places, at the tier where they sit.")


@strawberry.type(description="How long people waited and how far they go.")
class Way:
    """Means over people, and what the worst tenth exceeds."""

    people: int = strawberry.field(description="People seated.")
    mean_days: float = strawberry.field(description="Mean days from the first day asked for to the session.")
    worst_tenth_days: float = strawberry.field(description="A tenth of the people wait longer than this many days.")
    mean_km: float = strawberry.field(description="Mean road kilometres, one way.")
    worst_tenth_km: float = strawberry.field(description="A tenth of the people go further than this, in kilometres.")
    mean_km_to_centre: float | None = strawberry.field(
        description="Mean road kilometres to the municipal centre, one way; empty where there is none."
    )


@strawberry.type(description="What a bureau's work came to, counted from its rows.")
class Report:
    """Counts by tier, town and exam."""

    requests_by_tier: list[ReportReach] = strawberry.field(description="Requests and people by tier, lowest first.")
    by_tier: list[ReportLine] = strawberry.field(description="By the tier that was consulted.")
    by_town: list[ReportLine] = strawberry.field(description="By the town on whose ground the session is.")
    by_exam: list[ReportLine] = strawberry.field(description="By item and subject.")
    way: Way = strawberry.field(description="Waiting and travelling.")

    @classmethod
    def of(cls, report: reports.Report) -> Self:
        """A counted report."""
        return cls(
            requests_by_tier=[ReportReach(**dataclasses.asdict(reach)) for reach in report.requests_by_tier],
            by_tier=[ReportLine.of(line) for line in report.by_tier],
            by_town=[ReportLine.of(line) for line in report.by_town],
            by_exam=[ReportLine.of(line) for line in report.by_exam],
            way=Way(**dataclasses.asdict(report.way)),
        )


RoundId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only this round; all of the bureau's if left out.")
]


@strawberry.type
class ReportQuery:
    """Counts for officials."""

    @strawberry.field(description="The counts of the caller's bureau, or of one of its rounds (统计).")
    async def report(self, info: Info, round_id: RoundId = None) -> Report:
        """Counted at this moment."""
        caller = info.context.caller
        require(caller, Role.BUREAU, Role.TOWN, Role.OFFICE)
        key = key_of(round_id, Round, "roundId") if round_id else None
        if key is not None and await info.context.row(RoundRow, key) is None:
            raise not_found("round", "roundId")
        async with info.context.reading() as db:
            return Report.of(await reports.report_of(db, caller.bureau_id or 0, round_id=key))
