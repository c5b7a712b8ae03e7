"""Waiting for places: the queue of a session or of an exam."""

from datetime import date, datetime
from typing import ClassVar

import strawberry
from sqlmodel import col, select
from strawberry import relay

from api.graphql.catalogue import Exam
from api.graphql.context import Info
from api.graphql.entity import Entity, find, get, key_of
from api.graphql.errors import Payload
from api.graphql.holds import Hold
from api.graphql.mutation import mutation
from api.graphql.paging import Connection, Page, connect, paged
from api.graphql.sessions import Session
from models.bookings import Hold as HoldRow
from models.bookings import Waiting as WaitingRow
from models.vocabulary import WaitingState
from scheduler import queues, waiting
from scheduler.hold_ends import STANDING
from scheduler.visibility import visible

strawberry.enum(WaitingState, name="WaitingState", description="Where a firm's waiting for places stands.")


@strawberry.type(description="A firm in the queue for freed places (候补).")
class Waiting(Entity, relay.Node):
    """One wish in the queue."""

    TABLE: ClassVar = WaitingRow
    id: relay.NodeID[int]
    exam_id: strawberry.Private[int]
    session_id: strawberry.Private[int | None]
    people: int = strawberry.field(description="For how many places, together.")
    most_km: float | None = strawberry.field(
        description="How far they go by road; empty where a session is waited for."
    )
    until_day: date = strawberry.field(description="The last day that will do.")
    state: WaitingState = strawberry.field(description="Where it stands.")
    asked_at: datetime = strawberry.field(description="When it joined: its place in the queue, whatever is changed.")
    passed: int = strawberry.field(description="How often smaller groups were served before it, where it did not fit.")

    @strawberry.field(description="Its place in the queue, 1 for the next; empty once it is over.")
    async def position(self, info: Info) -> int | None:
        """How many are before it, and one."""
        loader = info.context.loader("positions in queues", lambda ids: positions_of(info, ids))
        found: int | None = await loader.load(self.id)
        return found

    @strawberry.field(description="Why it was passed; empty if it was not.")
    async def reason(self) -> str | None:
        """The reason in words."""
        if not self.passed:
            return None
        return (
            f"Fewer than {self.people} places were free together, so {self.passed} smaller groups were served before"
            " you. After a few times places are kept until your group fits."
        )

    @strawberry.field(description="What is examined.")
    async def exam(self, info: Info) -> Exam:
        """The exam."""
        return await get(info, Exam, self.exam_id)

    @strawberry.field(description="The session that is waited for; empty for any of the exam.")
    async def session(self, info: Info) -> Session | None:
        """The one session."""
        return await find(info, Session, self.session_id)

    @strawberry.field(description="The places offered to it, to be named with holdConfirm; or kept for it.")
    async def hold(self, info: Info) -> Hold | None:
        """What is set aside."""
        loader = info.context.loader("holds of those who wait", lambda ids: holds_of(info, ids))
        row = await loader.load(self.id)
        return Hold.from_row(row) if row else None


async def positions_of(info: Info, waiting_ids: list[int]) -> list[int | None]:
    """The places in their queues, in one statement."""
    async with info.context.reading() as db:
        found = await queues.positions(db, waiting_ids)
    return [found.get(waiting_id) for waiting_id in waiting_ids]


async def holds_of(info: Info, waiting_ids: list[int]) -> list[HoldRow | None]:
    """What is set aside for each, in one statement."""
    aside = select(HoldRow).where(col(HoldRow.waiting_id).in_(waiting_ids), col(HoldRow.state).in_(STANDING))
    async with info.context.reading() as db:
        by_waiting = {row.waiting_id: row for row in (await db.exec(aside)).all()}
    return [by_waiting.get(waiting_id) for waiting_id in waiting_ids]


@strawberry.input(description="What to wait for: a session, or any session of an exam near enough and in time.")
class WaitingJoinInput:
    """What waitingJoin takes."""

    people: int = strawberry.field(description="How many places, together.")
    session_id: strawberry.ID | None = strawberry.field(default=None, description="This session alone.")
    exam_id: strawberry.ID | None = strawberry.field(default=None, description="Any session of this exam.")
    most_km: float | None = strawberry.field(default=None, description="With an exam: how far, by road.")
    until_day: date | None = strawberry.field(default=None, description="With an exam: the last day that will do.")


@strawberry.input(description="Another wish at the same place in the queue.")
class WaitingChangeInput:
    """What waitingChange takes."""

    waiting_id: strawberry.ID = strawberry.field(description="What is changed.")
    people: int = strawberry.field(description="How many places, together.")
    most_km: float | None = strawberry.field(default=None, description="Where an exam is waited for: how far, by road.")
    until_day: date | None = strawberry.field(
        default=None, description="Where an exam is waited for: the last day that will do."
    )


@strawberry.input(description="A queue to leave.")
class WaitingLeaveInput:
    """What waitingLeave takes."""

    waiting_id: strawberry.ID = strawberry.field(description="What is given up.")


@strawberry.type(description="The answer to a change of the queue.")
class WaitingPayload(Payload):
    """The wish as it now stands."""

    waiting: Waiting | None = strawberry.field(default=None, description="The wish; empty if refused.")


@strawberry.type
class WaitingQuery:
    """Reads of queues."""

    @paged("The wishes in the queue that you may see (候补).")
    async def waitings(self, info: Info, page: Page) -> Connection[Waiting]:
        """Wishes in the order of joining."""
        return await connect(info, Waiting, visible(WaitingRow, info.context.caller), page)


@strawberry.type
class WaitingMutation:
    """Acts on queues."""

    @mutation("Wait for freed places; where some are open that nobody before you can use, they are offered (候补).")
    async def waiting_join(self, info: Info, input: WaitingJoinInput) -> WaitingPayload:
        """To the end of the queue."""
        context = info.context
        wish = waiting.Wish(
            people=input.people,
            session_id=key_of(input.session_id, Session, "input", "sessionId") if input.session_id else None,
            exam_id=key_of(input.exam_id, Exam, "input", "examId") if input.exam_id else None,
            most_km=input.most_km,
            until_day=input.until_day,
        )
        row = await waiting.join(context.db, wish, caller=context.caller, now=context.now())
        return WaitingPayload(waiting=Waiting.from_row(row))

    @mutation("Change for how many, how far and until when you wait; your place in the queue stays (修改候补).")
    async def waiting_change(self, info: Info, input: WaitingChangeInput) -> WaitingPayload:
        """The same place in the queue."""
        context, key = info.context, key_of(input.waiting_id, Waiting, "input", "waitingId")
        wish = waiting.Wish(people=input.people, most_km=input.most_km, until_day=input.until_day)
        row = await waiting.change(context.db, key, wish, caller=context.caller, now=context.now())
        return WaitingPayload(waiting=Waiting.from_row(row))

    @mutation("Leave the queue; what was offered to you goes to the next (取消候补).")
    async def waiting_leave(self, info: Info, input: WaitingLeaveInput) -> WaitingPayload:
        """Out of the queue."""
        context, key = info.context, key_of(input.waiting_id, Waiting, "input", "waitingId")
        row = await waiting.leave(context.db, key, caller=context.caller, now=context.now())
        return WaitingPayload(waiting=Waiting.from_row(row))
