"""Plans of a round: what the allocator answered, what it costs, whom it leaves out, and what it changed."""

from datetime import datetime
from typing import Any, ClassVar

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.demand import Request
from api.graphql.entity import Entity, find
from models.rounds import Plan as PlanRow
from models.vocabulary import PlanState
from scheduler.problem_keys import row_behind

strawberry.enum(PlanState, name="PlanState", description="Whether a plan is consulted on or was replaced.")


@strawberry.type(description="One term of a plan's cost.")
class CostTerm:
    """A named part of the objective."""

    name: str = strawberry.field(description="open, tier, staff, travel, wait, unplaced or change.")
    fen: float = strawberry.field(description="Its cost, in fen.")


@strawberry.type(description="What the same requests cost where they are not planned together.")
class Baseline:
    """A plan to compare with."""

    name: str = strawberry.field(
        description="centre: everybody to the bureau's own sites; offices: each office for itself."
    )
    cost_fen: float = strawberry.field(description="Its cost, in fen.")
    unplaced_people: int = strawberry.field(description="How many people it leaves without a place.")


@strawberry.type(description="People whom a plan leaves without a place, and why.")
class Unplaced:
    """A reason with its way out."""

    request_id: strawberry.Private[int]
    people: int = strawberry.field(description="How many.")
    reason: str = strawberry.field(description="The listed reason, such as FULL or MIN_CLASS.")
    detail: JSON = strawberry.field(description="The numbers behind it, and the cheapest way out.")

    @strawberry.field(description="Whose they are; empty if you may not see it.")
    async def request(self, info: Info) -> Request | None:
        """The request."""
        return await find(info, Request, self.request_id)


@strawberry.type(description="A plan of a round: what the allocator answered, with its cost and proof.")
class Plan(Entity, relay.Node):
    """An allocation of a whole bureau."""

    TABLE: ClassVar = PlanRow
    id: relay.NodeID[int]
    answer: strawberry.Private[dict[str, Any]]
    changes: strawberry.Private[dict[str, Any]]
    baselines: strawberry.Private[dict[str, Any]]
    version: int = strawberry.field(description="1 for the first plan, more after objections.")
    state: PlanState = strawberry.field(description="Whether it is the current one.")
    cost_fen: float = strawberry.field(description="What it costs, in fen.")
    bound_fen: float = strawberry.field(description="No plan can cost less, in fen.")
    made_at: datetime = strawberry.field(description="When it was made.")

    @strawberry.field(description="How far the cost may lie above the best, 0 to 1.")
    async def gap(self) -> float:
        """The proven gap."""
        return float(self.answer["gap"])

    @strawberry.field(description="The cost by term.")
    async def terms(self) -> list[CostTerm]:
        """The objective, taken apart."""
        return [CostTerm(name=name, fen=fen) for name, fen in sorted(self.answer["terms"].items())]

    @strawberry.field(
        name="baselines",
        description="What doing without the allocator would cost; empty where the solver had no time left for it.",
    )
    async def compared_with(self) -> list[Baseline]:
        """Other plans of the same requests."""
        return [
            Baseline(name=name, cost_fen=row["cost_fen"], unplaced_people=row["unplaced_people"])
            for name, row in sorted(self.baselines.items())
        ]

    @strawberry.field(description="Who could not be placed, and why.")
    async def unplaced(self) -> list[Unplaced]:
        """The people left out."""
        return [
            Unplaced(
                request_id=row_behind(row["request"]),
                people=row["people"],
                reason=row["reason"],
                detail=JSON(row["detail"]),
            )
            for row in self.answer["unplaced"]
        ]

    @strawberry.field(description="How many people no longer sit where the plan before put them.")
    async def moved_people(self) -> int:
        """What the re-plan moved."""
        return int(self.changes["moved_people"])

    @strawberry.field(description="Sessions that the plan before did not have.")
    async def opened_sessions(self) -> int:
        """New sessions."""
        return len(self.changes["opened"])

    @strawberry.field(description="Sessions that only the plan before had.")
    async def closed_sessions(self) -> int:
        """Sessions given up."""
        return len(self.changes["closed"])
