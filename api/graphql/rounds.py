"""Rounds of allocation and their plans."""

from datetime import date, datetime
from typing import Any, ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.demand import Request
from api.graphql.entity import Entity, find, get, key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.plans import Plan
from api.graphql.sessions import Session
from models.rounds import Plan as PlanRow
from models.rounds import Round as RoundRow
from models.sessions import Session as SessionRow
from models.vocabulary import PlanState, RequestState, RoundState
from scheduler import publication, round_ends, round_search, rounds
from scheduler.callers import OFFICIALS
from scheduler.publication_diff import diff_of
from scheduler.visibility import visible

strawberry.enum(RoundState, name="RoundState", description="Where a round stands.")


@strawberry.type(description="What publication would change for one request.")
class RequestDiff:
    """A request before and after publication."""

    request_id: strawberry.Private[int]
    before: RequestState = strawberry.field(description="Where it stands now.")
    after: RequestState = strawberry.field(description="Where it will stand.")
    people: int = strawberry.field(description="How many people it is for.")
    placed: int = strawberry.field(description="How many of them get a place; the others go on waiting.")

    @strawberry.field(description="The request; empty if you may not see it.")
    async def request(self, info: Info) -> Request | None:
        """Whose it is."""
        return await find(info, Request, self.request_id)


@strawberry.type(description="What publishing what is agreed now would do.")
class PublicationDiff:
    """Publication, before it happens."""

    session_ids: strawberry.Private[list[int]]
    people_told: int = strawberry.field(description="How many people are told of a place.")
    requests: list[RequestDiff] = strawberry.field(description="Each request of the round, before and after.")

    @strawberry.field(description="The sessions that would be public.")
    async def sessions(self, info: Info) -> list[Session]:
        """Agreed sessions."""
        return [await get(info, Session, session_id) for session_id in self.session_ids]


@strawberry.type(description="How far the search for a round's plan has come.")
class SearchProgress:
    """What is known at a moment of the search."""

    phase: str = strawberry.field(description="What the allocator is at, in its own words.")
    cost_fen: float | None = strawberry.field(description="The cost of the best plan so far; empty before the first.")
    bound_fen: float | None = strawberry.field(description="No plan costs less; empty until that is known.")
    seconds: float = strawberry.field(description="How long it has searched.")


@strawberry.type(description="One allocation of a whole bureau's open requests (统筹轮次), with its calendar.")
class Round(Entity, relay.Node):
    """A round."""

    TABLE: ClassVar = RoundRow
    id: relay.NodeID[int]
    number: int = strawberry.field(description="The bureau's rounds are numbered from 1.")
    state: RoundState = strawberry.field(description="Where it stands.")
    first_day: date = strawberry.field(description="The first day it plans.")
    last_day: date = strawberry.field(description="The last day it plans.")
    collect_until: datetime = strawberry.field(description="Until when requests are collected.")
    consult_until: datetime = strawberry.field(description="Until when the tiers are consulted.")
    publish_at: datetime = strawberry.field(description="When it is published.")
    failure: str | None = strawberry.field(description="What went wrong in the last attempt to plan it.")
    progress: strawberry.Private[dict[str, Any] | None]

    @strawberry.field(
        description="How far the search for its plan has come, told about once a second; empty when nothing is "
        "searched for, and for anybody but officials."
    )
    def search_progress(self, info: Info) -> SearchProgress | None:
        """Phase, best cost and bound."""
        if self.progress is None or info.context.caller.role not in OFFICIALS:
            return None
        return SearchProgress(**self.progress)

    @strawberry.field(description="Its plans, oldest first; empty for anybody but officials.")
    async def plans(self, info: Info) -> list[Plan]:
        """Every version."""
        loader = info.context.loader("plans of rounds", lambda ids: plans_of(info, ids))
        return [Plan.from_row(row) for row in await loader.load(self.id)]

    @strawberry.field(description="The plan that is consulted on, or was published.")
    async def plan(self, info: Info) -> Plan | None:
        """The current version."""
        loader = info.context.loader("plans of rounds", lambda ids: plans_of(info, ids))
        current = [row for row in await loader.load(self.id) if row.state is PlanState.CURRENT]
        return Plan.from_row(current[0]) if current else None

    @strawberry.field(description="What publishing now would do; empty unless it is consulted on, and for the bureau.")
    async def publication_diff(self, info: Info) -> PublicationDiff | None:
        """Who moves, who is told."""
        context = info.context
        async with context.reading() as db:
            diff = await diff_of(db, self.id, caller=context.caller, now=context.now())
        if diff is None:
            return None
        return PublicationDiff(
            session_ids=list(diff.session_ids),
            people_told=diff.people_told,
            requests=[
                RequestDiff(
                    request_id=each.request_id,
                    before=each.before,
                    after=each.after,
                    people=each.people,
                    placed=each.placed,
                )
                for each in diff.requests
            ],
        )

    @paged("Its sessions that you may see, in the order of their time.")
    async def sessions(self, info: Info, page: Page) -> Connection[Session]:
        """The round's sessions."""
        own = visible(SessionRow, info.context.caller).where(col(SessionRow.round_id) == self.id)
        return await connect(info, Session, own, page, by=("starts_at", "id"))


async def plans_of(info: Info, round_ids: list[int]) -> list[list[PlanRow]]:
    """The visible plans of each round, oldest first, in one statement."""
    seen = visible(PlanRow, info.context.caller).where(col(PlanRow.round_id).in_(round_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(seen.order_by(col(PlanRow.version)))).all()
    return [[row for row in rows if row.round_id == round_id] for round_id in round_ids]


@strawberry.input(description="The calendar of a new round.")
class RoundOpenInput:
    """What roundOpen takes."""

    first_day: date = strawberry.field(description="The first day to plan; the lead time after publication at least.")
    last_day: date = strawberry.field(description="The last day to plan; 200 days on at most.")
    collect_until: datetime = strawberry.field(description="Until when to collect requests.")
    consult_until: datetime = strawberry.field(description="Until when to consult.")
    publish_at: datetime = strawberry.field(description="When to publish what is agreed.")
    seed: int = strawberry.field(default=0, description="The same seed and requests give the same plan.")
    time_limit_seconds: float = strawberry.field(default=10.0, description="How long to search, in seconds.")

    def order(self) -> rounds.RoundOrder:
        """The input as the use case takes it."""
        return rounds.RoundOrder(
            first_day=self.first_day,
            last_day=self.last_day,
            collect_until=self.collect_until,
            consult_until=self.consult_until,
            publish_at=self.publish_at,
            seed=self.seed,
            time_limit_seconds=self.time_limit_seconds,
        )


@strawberry.input(description="A round of the caller's bureau.")
class RoundInput:
    """What roundPlan and roundReplan take."""

    round_id: strawberry.ID = strawberry.field(description="The round.")


@strawberry.input(description="A search to be ended before its time.")
class RoundSearchStopInput:
    """What roundSearchStop takes."""

    round_id: strawberry.ID = strawberry.field(description="The round.")
    keep_best: bool = strawberry.field(
        default=True,
        description="Go on with the best plan so far; else go back to the plan before, which only a re-plan has.",
    )


@strawberry.input(description="A round to be called off.")
class RoundCancelInput:
    """What roundCancel takes."""

    round_id: strawberry.ID = strawberry.field(description="The round.")
    reason: str = strawberry.field(description="Why; kept in the audit trail.")


@strawberry.input(description="A round to be published.")
class RoundPublishInput:
    """What roundPublish takes."""

    round_id: strawberry.ID = strawberry.field(description="The round.")
    only_agreed: bool = strawberry.field(
        default=False, description="Publish what is agreed and return the rest to planning; else all must be agreed."
    )


@strawberry.type(description="The answer to a change of a round.")
class RoundPayload(Payload):
    """The round as it now stands."""

    round: Round | None = strawberry.field(default=None, description="The round; empty if refused.")


@strawberry.type
class RoundQuery:
    """Reads of rounds."""

    @paged("The rounds of your bureau (统筹轮次).")
    async def rounds(self, info: Info, page: Page) -> Connection[Round]:
        """Rounds, oldest first."""
        return await connect(info, Round, visible(RoundRow, info.context.caller), page)


@strawberry.type
class RoundMutation:
    """Acts on rounds."""

    @mutation("Begin to collect requests for a round.")
    async def round_open(self, info: Info, input: RoundOpenInput) -> RoundPayload:
        """A new round."""
        context = info.context
        row = await rounds.open_round(context.db, input.order(), caller=context.caller, now=context.now())
        return RoundPayload(round=Round.from_row(row))

    @mutation("Stop collecting and plan now.")
    async def round_plan(self, info: Info, input: RoundInput) -> RoundPayload:
        """COLLECTING becomes PLANNING."""
        context = info.context
        key = key_of(input.round_id, Round, "input", "roundId")
        row = await rounds.plan_now(context.db, key, caller=context.caller, now=context.now())
        return RoundPayload(round=Round.from_row(row))

    @mutation("Plan a round in consultation again: what is agreed stays, objections are kept.")
    async def round_replan(self, info: Info, input: RoundInput) -> RoundPayload:
        """CONSULTING becomes PLANNING."""
        context = info.context
        key = key_of(input.round_id, Round, "input", "roundId")
        row = await rounds.replan(context.db, key, caller=context.caller, now=context.now())
        return RoundPayload(round=Round.from_row(row))

    @mutation("End the search for a round's plan before its time; the best plan so far is consulted on.")
    async def round_search_stop(self, info: Info, input: RoundSearchStopInput) -> RoundPayload:
        """PLANNING becomes CONSULTING, as soon as the worker has written the plan."""
        context = info.context
        key = key_of(input.round_id, Round, "input", "roundId")
        row = await round_search.stop_search(context.db, key, keep_best=input.keep_best, caller=context.caller)
        return RoundPayload(round=Round.from_row(row))

    @mutation("Call a round off before it is published: its requests wait for the next one.")
    async def round_cancel(self, info: Info, input: RoundCancelInput) -> RoundPayload:
        """COLLECTING, PLANNING or CONSULTING becomes CANCELLED."""
        context = info.context
        key = key_of(input.round_id, Round, "input", "roundId")
        row = await round_ends.cancel_round(context.db, key, input.reason, caller=context.caller, now=context.now())
        return RoundPayload(round=Round.from_row(row))

    @mutation("Publish a round.")
    async def round_publish(self, info: Info, input: RoundPublishInput) -> RoundPayload:
        """CONSULTING becomes PUBLISHED."""
        context = info.context
        key = key_of(input.round_id, Round, "input", "roundId")
        row = await publication.publish_now(
            context.db, key, only_agreed=input.only_agreed, caller=context.caller, now=context.now()
        )
        return RoundPayload(round=Round.from_row(row))
