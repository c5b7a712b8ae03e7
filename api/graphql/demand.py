"""Requests of firms for places."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

import strawberry
from sqlmodel import col, select
from strawberry import relay

from api.graphql.catalogue import Exam, Item
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Enterprise, Worker
from models.bookings import Promise as PromiseRow
from models.demand import Request as RequestRow
from models.demand import RequestPerson as RequestPersonRow
from models.vocabulary import RequestOrigin, RequestState
from scheduler import demand, request_changes
from scheduler.visibility import visible

if TYPE_CHECKING:
    from api.graphql.bookings import Promise
    from api.graphql.rounds import Round

strawberry.enum(RequestOrigin, name="RequestOrigin", description="Why a request exists.")
strawberry.enum(RequestState, name="RequestState", description="Where a request stands.")


@strawberry.type(description="A firm's wish for places in an exam (申报).")
class Request(Entity, relay.Node):
    """So many people, between two days, starting from a place."""

    TABLE: ClassVar = RequestRow
    id: relay.NodeID[int]
    enterprise_id: strawberry.Private[int]
    exam_id: strawberry.Private[int]
    round_id: strawberry.Private[int | None]
    people: int = strawberry.field(description="How many people.")
    earliest_day: date = strawberry.field(description="The first day that suits.")
    latest_day: date = strawberry.field(description="The last day that suits.")
    keep_together: bool = strawberry.field(description="Whether all sit in one session or none.")
    most_km: float | None = strawberry.field(description="Most road kilometres one way; empty for any.")
    origin: RequestOrigin = strawberry.field(description="Why it exists.")
    state: RequestState = strawberry.field(description="Where it stands.")
    asked_at: datetime = strawberry.field(description="When it was asked.")
    unplaced_reason: str | None = strawberry.field(description="Why the last plan left people without a place.")
    unplaced_detail: str | None = strawberry.field(description="The cheapest way out that was found, in words.")

    @strawberry.field(description="The firm that asks.")
    async def enterprise(self, info: Info) -> Enterprise:
        """Who asks."""
        return await get(info, Enterprise, self.enterprise_id)

    @strawberry.field(description="The exam asked for.")
    async def exam(self, info: Info) -> Exam:
        """What is asked for."""
        return await get(info, Exam, self.exam_id)

    @strawberry.field(description="The round that plans it or promised it places; empty while it waits.")
    async def round(self, info: Info) -> Annotated["Round", strawberry.lazy("api.graphql.rounds")] | None:
        """Its round."""
        # Rounds refer to requests, so their type is looked up in the schema.
        definition = info.schema.get_type_by_name("Round")
        kind: type[Round] = definition.origin  # type: ignore[union-attr,assignment]
        return await find(info, kind, self.round_id)

    @strawberry.field(description="The people named so far.")
    async def persons(self, info: Info) -> list[Worker]:
        """Named workers."""
        loader = info.context.loader("persons of requests", lambda ids: persons_of(info, ids))
        return [await get(info, Worker, worker_id) for worker_id in await loader.load(self.id)]

    @strawberry.field(description="The places promised to it (预留名额).")
    async def promises(self, info: Info) -> list[Annotated["Promise", strawberry.lazy("api.graphql.bookings")]]:
        """What rounds set aside for it."""
        loader = info.context.loader("promises of requests", lambda ids: promises_of(info, ids))
        definition = info.schema.get_type_by_name("Promise")
        kind: type[Promise] = definition.origin  # type: ignore[union-attr,assignment]
        return [kind.from_row(row) for row in await loader.load(self.id)]


async def persons_of(info: Info, request_ids: list[int]) -> list[list[int]]:
    """The workers named on each request, in one statement."""
    named = select(RequestPersonRow).where(col(RequestPersonRow.request_id).in_(request_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(named.order_by(col(RequestPersonRow.worker_id)))).all()
    return [[row.worker_id for row in rows if row.request_id == request_id] for request_id in request_ids]


async def promises_of(info: Info, request_ids: list[int]) -> list[list[PromiseRow]]:
    """The visible promises made to each request, in one statement."""
    seen = visible(PromiseRow, info.context.caller).where(col(PromiseRow.request_id).in_(request_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(seen.order_by(col(PromiseRow.id)))).all()
    return [[row for row in rows if row.request_id == request_id] for request_id in request_ids]


@strawberry.input(description="A new wish for places.")
class RequestSubmitInput:
    """What requestSubmit takes."""

    item_id: strawberry.ID = strawberry.field(description="The item; the rules decide which subject is next.")
    people: int = strawberry.field(description="How many people, 1 to 500.")
    worker_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Who, as far as known; the others are named when places are promised."
    )
    earliest_day: date = strawberry.field(description="The first day that suits.")
    latest_day: date = strawberry.field(description="The last day that suits.")
    keep_together: bool = strawberry.field(default=False, description="All in one session, or none.")
    most_km: float | None = strawberry.field(default=None, description="Most road kilometres one way.")
    latitude: float | None = strawberry.field(default=None, description="Where they start from; the firm if empty.")
    longitude: float | None = strawberry.field(default=None, description="Where they start from; the firm if empty.")

    def order(self) -> demand.RequestOrder:
        """The input as the use case takes it."""
        return demand.RequestOrder(
            item_id=key_of(self.item_id, Item, "input", "itemId"),
            people=self.people,
            worker_ids=tuple(keys_of(self.worker_ids, Worker, "input", "workerIds")),
            earliest_day=self.earliest_day,
            latest_day=self.latest_day,
            keep_together=self.keep_together,
            most_km=self.most_km,
            latitude=self.latitude,
            longitude=self.longitude,
        )


@strawberry.input(description="A proposed request that the firm accepts.")
class RequestAcceptInput:
    """What requestAccept takes."""

    request_id: strawberry.ID = strawberry.field(description="The proposed request.")
    earliest_day: date | None = strawberry.field(default=None, description="A later first day, within the window.")
    latest_day: date | None = strawberry.field(default=None, description="An earlier last day, within the window.")


@strawberry.input(description="A request of the firm's own.")
class RequestInput:
    """What requestWithdraw and requestDecline take."""

    request_id: strawberry.ID = strawberry.field(description="The request.")


@strawberry.type(description="The answer to a change of a request.")
class RequestPayload(Payload):
    """The request as it now stands."""

    request: Request | None = strawberry.field(default=None, description="The request; empty if refused.")


States = Annotated[list[RequestState] | None, strawberry.argument(description="Only requests in these states.")]
Origins = Annotated[list[RequestOrigin] | None, strawberry.argument(description="Only requests of these origins.")]


@strawberry.type
class DemandQuery:
    """Reads of requests."""

    @paged("Requests that you may see (申报).")
    async def requests(
        self,
        info: Info,
        page: Page,
        states: States = None,
        origins: Origins = None,
    ) -> Connection[Request]:
        """Requests in the order in which they were asked."""
        rows = visible(RequestRow, info.context.caller)
        if states is not None:
            rows = rows.where(col(RequestRow.state).in_(states))
        if origins is not None:
            rows = rows.where(col(RequestRow.origin).in_(origins))
        return await connect(info, Request, rows, page)


@strawberry.type
class DemandMutation:
    """Acts on requests."""

    @mutation("Ask for places for your workers (申报).")
    async def request_submit(self, info: Info, input: RequestSubmitInput) -> RequestPayload:
        """A new request."""
        context = info.context
        row = await demand.submit_request(context.db, input.order(), caller=context.caller, now=context.now())
        return RequestPayload(request=Request.from_row(row))

    @mutation("Accept a request that the rules proposed: a retake, for instance.")
    async def request_accept(self, info: Info, input: RequestAcceptInput) -> RequestPayload:
        """PROPOSED becomes OPEN."""
        context = info.context
        row = await request_changes.accept_request(
            context.db,
            key_of(input.request_id, Request, "input", "requestId"),
            window=(input.earliest_day, input.latest_day),
            caller=context.caller,
            now=context.now(),
        )
        return RequestPayload(request=Request.from_row(row))

    @mutation("Decline a request that the rules proposed.")
    async def request_decline(self, info: Info, input: RequestInput) -> RequestPayload:
        """PROPOSED becomes DECLINED."""
        key = key_of(input.request_id, Request, "input", "requestId")
        row = await request_changes.decline_request(info.context.db, key, caller=info.context.caller)
        return RequestPayload(request=Request.from_row(row))

    @mutation("Take a request back; places set aside for it are free again.")
    async def request_withdraw(self, info: Info, input: RequestInput) -> RequestPayload:
        """It becomes WITHDRAWN."""
        key = key_of(input.request_id, Request, "input", "requestId")
        context = info.context
        row = await request_changes.withdraw_request(context.db, key, caller=context.caller, now=context.now())
        return RequestPayload(request=Request.from_row(row))
