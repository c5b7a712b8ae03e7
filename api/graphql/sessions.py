"""Exam sessions: where, when, what, with whom, and how many places are left."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry
from sqlmodel import col, select
from strawberry import relay

from api.graphql.catalogue import Exam
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.parties import ExamBody, Examiner
from api.graphql.places import Jurisdiction
from api.graphql.sites import Site
from models.bookings import Booking as BookingRow
from models.bookings import Promise as PromiseRow
from models.rounds import Consent as ConsentRow
from models.sessions import Session as SessionRow
from models.sessions import SessionStaff
from models.vocabulary import Part, Role, SessionState, Tier
from scheduler.availability import most_places
from scheduler.places_taken import PlacesNow, is_bookable, places_at
from scheduler.visibility import visible

if TYPE_CHECKING:
    from api.graphql.bookings import Booking, Promise
    from api.graphql.consultation import Consent

strawberry.enum(SessionState, name="SessionState", description="Where a session stands, from plan to results.")
strawberry.enum(Part, name="Part", description="A half-day: morning, afternoon or evening.")


@strawberry.type(description="An exam session (考试场次): one exam, at a site, on a half-day.")
class Session(Entity, relay.Node):
    """Every place is promised, held, taken, shared or open."""

    TABLE: ClassVar = SessionRow
    id: relay.NodeID[int]
    exam_id: strawberry.Private[int]
    site_id: strawberry.Private[int]
    exam_body_id: strawberry.Private[int]
    jurisdiction_id: strawberry.Private[int]
    day: date = strawberry.field(description="The day, in Shanghai.")
    part: Part = strawberry.field(description="The half-day.")
    starts_at: datetime = strawberry.field(description="The first moment.")
    ends_at: datetime = strawberry.field(description="The first moment after it.")
    places: int = strawberry.field(description="All places.")
    taken: int = strawberry.field(description="Places taken by named people.")
    tier: Tier = strawberry.field(description="The tier that is consulted: the lowest that covers site and people.")
    state: SessionState = strawberry.field(description="Where it stands.")
    confirm_due_at: datetime = strawberry.field(
        description="When it is confirmed, merged or cancelled by the number of its people."
    )
    confirmed_at: datetime | None = strawberry.field(
        description="When it was confirmed that it takes place (开考确认); empty before."
    )
    roster_freezes_at: datetime = strawberry.field(description="From when on the roster is frozen.")
    ranked_until: datetime | None = strawberry.field(
        description="While a ranked window stands: until when to apply. Its open places are not first come."
    )
    results_due_at: datetime = strawberry.field(description="By when the exam body reports results.")

    @strawberry.field(
        description="Places that are open at this moment; whoever waits (候补) has its turn before others."
    )
    async def open_places(self, info: Info) -> int:
        """By the rule by which places are taken, at this moment."""
        return (await places_now(info, self.id)).open

    @strawberry.field(description="The most places that your firm could hold now, together; empty if you are no firm.")
    async def bookable_places(self, info: Info) -> int | None:
        """By the rules by which the desk refuses."""
        if info.context.caller.role is not Role.ENTERPRISE:
            return None
        loader = info.context.loader("places for the firm", lambda ids: bookable_in(info, ids))
        found: int = await loader.load(self.id)
        return found

    @strawberry.field(
        description="Places in the shares of towns and offices that none of their firms has yet (名额下放)."
    )
    async def shared_places(self, info: Info) -> int:
        """What was granted down."""
        return (await places_now(info, self.id)).shared

    @strawberry.field(description="Places promised to requests and not yet named, while the promise holds.")
    async def promised(self, info: Info) -> int:
        """What a round set aside."""
        return (await places_now(info, self.id)).promised

    @strawberry.field(description="Places held for firms that are naming people, while their minutes last.")
    async def held(self, info: Info) -> int:
        """What firms chose."""
        return (await places_now(info, self.id)).held

    @strawberry.field(description="What is examined.")
    async def exam(self, info: Info) -> Exam:
        """The exam."""
        return await get(info, Exam, self.exam_id)

    @strawberry.field(description="Where it is held.")
    async def site(self, info: Info) -> Site:
        """The site."""
        return await get(info, Site, self.site_id)

    @strawberry.field(description="Who conducts it.")
    async def exam_body(self, info: Info) -> ExamBody:
        """The exam body."""
        return await get(info, ExamBody, self.exam_body_id)

    @strawberry.field(description="The lowest jurisdiction that covers its site and everyone in it.")
    async def jurisdiction(self, info: Info) -> Jurisdiction:
        """Whose session it is."""
        return await get(info, Jurisdiction, self.jurisdiction_id)

    @strawberry.field(description="The examiners on duty that you may see.")
    async def staff(self, info: Info) -> list[Examiner]:
        """Who is on duty."""
        loader = info.context.loader("staff of sessions", lambda ids: staff_of(info, ids))
        found = [await find(info, Examiner, examiner_id) for examiner_id in await loader.load(self.id)]
        return [examiner for examiner in found if examiner]

    @strawberry.field(description="The consents that you may see.")
    async def consents(self, info: Info) -> list[Annotated["Consent", strawberry.lazy("api.graphql.consultation")]]:
        """The consultation on it."""
        loader = info.context.loader("consents of sessions", lambda ids: consents_of(info, ids))
        kind = kind_named(info, "Consent")
        return [kind.from_row(row) for row in await loader.load(self.id)]

    @paged("The places taken by name that you may see: the roster (名单).")
    async def bookings(
        self, info: Info, page: Page
    ) -> Connection[Annotated["Booking", strawberry.lazy("api.graphql.bookings")]]:
        """Who comes, in the order of booking."""
        rows = visible(BookingRow, info.context.caller).where(col(BookingRow.session_id) == self.id)
        return await connect(info, kind_named(info, "Booking"), rows, page)

    @strawberry.field(description="The promised places that you may see (预留名额).")
    async def promises(self, info: Info) -> list[Annotated["Promise", strawberry.lazy("api.graphql.bookings")]]:
        """What is set aside in it."""
        loader = info.context.loader("promises of sessions", lambda ids: promises_of(info, ids))
        kind = kind_named(info, "Promise")
        return [kind.from_row(row) for row in await loader.load(self.id)]


def kind_named(info: Info, name: str) -> Any:
    """The type of this name, which itself refers to sessions."""
    return info.schema.get_type_by_name(name).origin  # type: ignore[union-attr]


async def staff_of(info: Info, session_ids: list[int]) -> list[list[int]]:
    """The examiners on duty at each session, in one statement."""
    duty = select(SessionStaff).where(col(SessionStaff.session_id).in_(session_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(duty.order_by(col(SessionStaff.examiner_id)))).all()
    return [[row.examiner_id for row in rows if row.session_id == session_id] for session_id in session_ids]


async def places_now(info: Info, session_id: int) -> PlacesNow:
    """How many places of a session are open and set aside, loaded together with its siblings'."""
    loader = info.context.loader("places of sessions", lambda ids: places_of(info, ids))
    found: PlacesNow = await loader.load(session_id)
    return found


async def places_of(info: Info, session_ids: list[int]) -> list[PlacesNow]:
    """How many places of each session are open and set aside now, in one statement."""
    async with info.context.reading() as db:
        found = await places_at(db, session_ids, now=info.context.now())
    return [found[session_id] for session_id in session_ids]


async def bookable_in(info: Info, session_ids: list[int]) -> list[int]:
    """How many places of each session the caller's firm could hold now."""
    async with info.context.reading() as db:
        found = await most_places(db, session_ids, caller=info.context.caller, now=info.context.now())
    return [found.get(session_id, 0) for session_id in session_ids]


async def consents_of(info: Info, session_ids: list[int]) -> list[list[ConsentRow]]:
    """The visible consents of each session, in one statement."""
    seen = visible(ConsentRow, info.context.caller).where(col(ConsentRow.session_id).in_(session_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(seen.order_by(col(ConsentRow.id)))).all()
    return [[row for row in rows if row.session_id == session_id] for session_id in session_ids]


async def promises_of(info: Info, session_ids: list[int]) -> list[list[PromiseRow]]:
    """The visible promises of each session, in one statement."""
    seen = visible(PromiseRow, info.context.caller).where(col(PromiseRow.session_id).in_(session_ids))
    async with info.context.reading() as db:
        rows = (await db.exec(seen.order_by(col(PromiseRow.id)))).all()
    return [[row for row in rows if row.session_id == session_id] for session_id in session_ids]


States = Annotated[list[SessionState] | None, strawberry.argument(description="Only sessions in these states.")]
RoundId = Annotated[strawberry.ID | None, strawberry.argument(description="Only sessions of this round.")]
ExamId = Annotated[strawberry.ID | None, strawberry.argument(description="Only sessions of this exam.")]
FromDay = Annotated[date | None, strawberry.argument(description="Only sessions on this day or later.")]
BeforeDay = Annotated[date | None, strawberry.argument(description="Only sessions before this day.")]
OpenOnly = Annotated[
    bool,
    strawberry.argument(description="Only sessions in which you may book a place now; others than firms: anybody."),
]


@strawberry.type
class SessionQuery:
    """Reads of sessions."""

    @paged("Sessions that you may see (考试场次), in the order of their time.")
    async def sessions(
        self,
        info: Info,
        page: Page,
        states: States = None,
        exam_id: ExamId = None,
        round_id: RoundId = None,
        from_day: FromDay = None,
        before_day: BeforeDay = None,
        open_places_only: OpenOnly = False,
    ) -> Connection[Session]:
        """Sessions by start."""
        exam_key = key_of(exam_id, Exam, "examId") if exam_id else None
        round_key = key_of(round_id, kind_named(info, "Round"), "roundId") if round_id else None
        rows = visible(SessionRow, info.context.caller)
        wanted = (
            col(SessionRow.round_id) == round_key if round_key is not None else None,
            col(SessionRow.state).in_(states) if states is not None else None,
            col(SessionRow.exam_id) == exam_key if exam_key is not None else None,
            col(SessionRow.day) >= from_day if from_day else None,
            col(SessionRow.day) < before_day if before_day else None,
            is_bookable(info.context.now(), info.context.caller.enterprise_id) if open_places_only else None,
        )
        rows = rows.where(*(condition for condition in wanted if condition is not None))
        return await connect(info, Session, rows, page, by=("starts_at", "id"))
