"""Ranked windows: applied for until a date, ranked by a published rule, recounted by anybody."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import orjson
import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.alternatives import Alternative
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of, keys_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import Worker
from api.graphql.sessions import Session
from api.graphql.waiting import Waiting
from models.bookings import Waiting as WaitingRow
from models.vocabulary import ApplicationState, WindowState
from models.windows import Applicant
from models.windows import Application as ApplicationRow
from models.windows import RankedWindow as WindowRow
from scheduler import applying, windows
from scheduler.visibility import visible

strawberry.enum(WindowState, name="WindowState", description="Where a ranked window stands.")
strawberry.enum(ApplicationState, name="ApplicationState", description="Where an application stands.")
SessionId = Annotated[strawberry.ID | None, strawberry.argument(description="Only windows of this session.")]
States = Annotated[list[WindowState] | None, strawberry.argument(description="Only windows in these states.")]
WindowId = Annotated[strawberry.ID | None, strawberry.argument(description="Only applications in this window.")]


@strawberry.type(description="An application at its place in the order, under a key that only its firm knows.")
class RankedEntry:
    """One line of a result."""

    key: str = strawberry.field(description="Random; the firm finds its own on its application.")
    people: int = strawberry.field(description="How many places it is for, together.")
    deadline: date | None = strawberry.field(
        description="The retake or expiry deadline that a place would meet; the earliest comes first, none last."
    )
    since: date = strawberry.field(
        description="Then: the latest of application, last exam and last cancellation, in Shanghai; earliest first."
    )
    lot: str = strawberry.field(description="Then: the lot, drawn from the seed and all keys; lowest first.")
    is_placed: bool = strawberry.field(description="Whether it got its places.")


@strawberry.type(description="A window's result: enough for anybody to work it out again (docs/ranking.md).")
class RankedResult:
    """What is published."""

    document: str = strawberry.field(description="All of it as JSON: save it, and `doorstep recount` it.")
    hash: str = strawberry.field(description="SHA-256 over its lines, in hexadecimal.")
    seed: str = strawberry.field(description="What the lots were drawn with; its hash was public from the start.")
    places: int = strawberry.field(description="How many places there were.")
    entries: list[RankedEntry] = strawberry.field(description="Every application that was ranked, in order.")


@strawberry.type(description="A session's open places, applied for until a date and ranked by a published rule (排序).")
class RankedWindow(Entity, relay.Node):
    """A window."""

    TABLE: ClassVar = WindowRow
    id: relay.NodeID[int]
    session_id: strawberry.Private[int]
    document: strawberry.Private[dict[str, Any] | None]
    state: WindowState = strawberry.field(description="Where it stands.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    apply_until: datetime = strawberry.field(description="Until when firms apply and withdraw.")
    seed_hash: str = strawberry.field(description="SHA-256 of the seed, public before anybody applies.")
    ranked_at: datetime | None = strawberry.field(description="When it was ranked.")

    @strawberry.field(description="The session.")
    async def session(self, info: Info) -> Session:
        """Where the places are."""
        return await get(info, Session, self.session_id)

    @strawberry.field(description="The result; empty before it is ranked.")
    async def result(self) -> RankedResult | None:
        """For anybody, without anybody's name."""
        if self.document is None:
            return None
        return RankedResult(
            document=orjson.dumps(self.document, option=orjson.OPT_INDENT_2).decode(),
            hash=self.document["hash"],
            seed=self.document["seed"],
            places=self.document["places"],
            entries=[entry_of(each) for each in self.document["entries"]],
        )


def entry_of(each: dict[str, Any]) -> RankedEntry:
    """A line of the published document."""
    return RankedEntry(
        key=each["key"],
        people=each["people"],
        deadline=date.fromisoformat(each["deadline"]) if each["deadline"] else None,
        since=date.fromisoformat(each["since"]),
        lot=each["lot"],
        is_placed=each["placed"],
    )


@strawberry.type(description="People of a firm who apply in a ranked window: one, or a group together (报名排序).")
class Application(Entity, relay.Node):
    """An application."""

    TABLE: ClassVar = ApplicationRow
    id: relay.NodeID[int]
    window_id: strawberry.Private[int]
    key: str = strawberry.field(description="What it is called in the result; nobody else can tell whose it is.")
    people: int = strawberry.field(description="How many places, together; once ranked, for those who may still sit.")
    state: ApplicationState = strawberry.field(description="Where it stands.")
    applied_at: datetime = strawberry.field(description="When the firm applied.")
    position: int | None = strawberry.field(description="Its place in the result, 1 for the first.")

    @strawberry.field(description="The window.")
    async def window(self, info: Info) -> RankedWindow:
        """What is applied for."""
        return await get(info, RankedWindow, self.window_id)

    @strawberry.field(description="Who is named on it.")
    async def workers(self, info: Info) -> list[Worker]:
        """Its people."""
        loader = info.context.loader("workers of applications", lambda ids: workers_of(info, ids))
        found = [await find(info, Worker, worker_id) for worker_id in await loader.load(self.id)]
        return [worker for worker in found if worker]

    @strawberry.field(description="Where there was no place: its turn in the queue, until it has left it.")
    async def waiting(self, info: Info) -> Waiting | None:
        """What became of it in the queue."""
        loader = info.context.loader("waitings of applications", lambda ids: waitings_of(info, ids))
        row = await loader.load(self.id)
        return Waiting.from_row(row) if row else None

    @strawberry.field(description="Where there was no place: the three nearest other sessions with some, for its firm.")
    async def alternatives(self, info: Info) -> list[Alternative]:
        """Full is never a dead end."""
        context = info.context
        async with context.reading() as db:
            others = await applying.alternatives_to(db, self.id, caller=context.caller, now=context.now())
        found = [(each, await find(info, Session, each.session_id)) for each in others]
        return [Alternative(kind=each.kind, places=each.places, session=session) for each, session in found if session]


async def workers_of(info: Info, application_ids: list[int]) -> list[list[int]]:
    """The people on each application, in one statement."""
    named = visible(Applicant, info.context.caller).where(col(Applicant.application_id).in_(application_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(named.order_by(col(Applicant.id)))).all()
    return [[row.worker_id for row in rows if row.application_id == key] for key in application_ids]


async def waitings_of(info: Info, application_ids: list[int]) -> list[WaitingRow | None]:
    """What waits under each application, in one statement."""
    seen = visible(WaitingRow, info.context.caller).where(col(WaitingRow.application_id).in_(application_ids))
    async with info.context.reading() as db:
        by_application = {row.application_id: row for row in (await db.exec(seen)).all()}
    return [by_application.get(key) for key in application_ids]


@strawberry.input(description="A session whose open places are to be applied for.")
class RankedWindowOpenInput:
    """What rankedWindowOpen takes."""

    session_id: strawberry.ID = strawberry.field(description="The published session.")
    apply_until: datetime = strawberry.field(
        description="Until when to apply; before it is decided whether it is held."
    )


@strawberry.input(description="People who apply in a window.")
class RankedWindowApplyInput:
    """What rankedWindowApply takes."""

    window_id: strawberry.ID = strawberry.field(description="The window.")
    worker_ids: list[strawberry.ID] = strawberry.field(description="Who would come.")
    together: bool = strawberry.field(
        default=True,
        description="Whether they come together or not at all: ranked as the last of them. Else each for themselves.",
    )


@strawberry.input(description="An application to take back.")
class ApplicationWithdrawInput:
    """What applicationWithdraw takes."""

    application_id: strawberry.ID = strawberry.field(description="The application.")


@strawberry.type(description="The answer to rankedWindowOpen.")
class RankedWindowPayload(Payload):
    """The window."""

    window: RankedWindow | None = strawberry.field(default=None, description="The window; empty if refused.")


@strawberry.type(description="The answer to rankedWindowApply.")
class ApplicationsPayload(Payload):
    """The applications."""

    applications: list[Application] = strawberry.field(
        default_factory=list, description="One for a group, or one a person; empty if refused."
    )


@strawberry.type(description="The answer to applicationWithdraw.")
class ApplicationPayload(Payload):
    """The application as it now stands."""

    application: Application | None = strawberry.field(default=None, description="Empty if refused.")


@strawberry.type
class WindowQuery:
    """Reads of ranked windows."""

    @paged("Ranked windows that you may see, with their results (排序).")
    async def ranked_windows(
        self, info: Info, page: Page, session_id: SessionId = None, states: States = None
    ) -> Connection[RankedWindow]:
        """Windows in the order in which they were opened."""
        rows = visible(WindowRow, info.context.caller)
        if session_id is not None:
            rows = rows.where(col(WindowRow.session_id) == key_of(session_id, Session, "sessionId"))
        if states is not None:
            rows = rows.where(col(WindowRow.state).in_(states))
        return await connect(info, RankedWindow, rows, page)

    @paged("Applications in ranked windows that you may see (报名排序).")
    async def applications(self, info: Info, page: Page, window_id: WindowId = None) -> Connection[Application]:
        """Applications in the order in which they were made."""
        rows = visible(ApplicationRow, info.context.caller)
        if window_id is not None:
            rows = rows.where(col(ApplicationRow.window_id) == key_of(window_id, RankedWindow, "windowId"))
        return await connect(info, Application, rows, page)


@strawberry.type
class WindowMutation:
    """Acts on ranked windows."""

    @mutation("Have a published session's open places applied for until a date, and ranked; for its bureau (开启排序).")
    async def ranked_window_open(self, info: Info, input: RankedWindowOpenInput) -> RankedWindowPayload:
        """Not first come any more."""
        context, key = info.context, key_of(input.session_id, Session, "input", "sessionId")
        row = await windows.open_window(context.db, key, input.apply_until, caller=context.caller, now=context.now())
        return RankedWindowPayload(window=RankedWindow.from_row(row))

    @mutation("Apply for places in a ranked window by name: a group together, or each alone (报名排序).")
    async def ranked_window_apply(self, info: Info, input: RankedWindowApplyInput) -> ApplicationsPayload:
        """Every rule is looked at now, and again when it is ranked."""
        context = info.context
        bid = applying.Bid(
            key_of(input.window_id, RankedWindow, "input", "windowId"),
            tuple(keys_of(input.worker_ids, Worker, "input", "workerIds")),
            input.together,
        )
        rows = await applying.apply(context.db, bid, caller=context.caller, now=context.now())
        return ApplicationsPayload(applications=[Application.from_row(row) for row in rows])

    @mutation("Take an application back before the date (撤回报名).")
    async def application_withdraw(self, info: Info, input: ApplicationWithdrawInput) -> ApplicationPayload:
        """APPLIED becomes WITHDRAWN."""
        context, key = info.context, key_of(input.application_id, Application, "input", "applicationId")
        row = await applying.withdraw(context.db, key, caller=context.caller, now=context.now())
        return ApplicationPayload(application=Application.from_row(row))
