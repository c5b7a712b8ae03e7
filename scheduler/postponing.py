"""
Moving a whole session to another day: same site, same examiners, same people, each of whom keeps the place.

The day is the one on which the fewest people are missing, and of those the next. Who has another session then, or may
not sit the exam on that day, is moved or comes first in the queue like anybody else who must leave. A roster that was
final opens again, so that firms can send others, move on or cancel.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Waiting
from models.parties import Worker
from models.sessions import Claim, Session
from models.vocabulary import HoldState, ResourceKind, SessionState, WaitingState
from scheduler.booking_rules import reasons_against
from scheduler.calendar import Block
from scheduler.cancellation import bookings_in
from scheduler.free_days import Ground, days_after, ground_of
from scheduler.hold_ends import end_holds, standing_holds
from scheduler.journal import note
from scheduler.making_room import Left, leave_seats
from scheduler.plan_rows import due_dates
from scheduler.relocating import Group, groups_of


async def postpone(
    db: AsyncSession, session: Session, others: Sequence[Session], *, reason: str, now: datetime
) -> Left | None:
    """
    Move a locked public session to another day, and say who had to leave; None, with nothing done, if no day is left.

    Those who must leave are moved to the others, which are locked, too.
    """
    bookings = await bookings_in(db, [session.id])
    groups = await groups_of(db, bookings)
    ground = await ground_of(db, session, [booking.worker_id for booking in bookings])
    blocks = [block for block in days_after(session, ground) if ground.takes(block, now=now)]
    if not blocks:
        return None
    block = min(blocks, key=lambda one: (missing_on(one, groups, ground), one.day, one.part is not session.part, one))
    left, before = Left(can_return=False), f"{session.day} {session.part.value}"
    await leave_if(db, session, groups, busy_in(block, groups, ground), others, left, now=now)
    await set_time(db, session, block, ground)
    unfit = await unfit_among(db, session, now=now)
    await leave_if(db, session, await groups_of(db, await bookings_in(db, [session.id])), unfit, others, left, now=now)
    await keep_queue(db, session)
    said = {"before": before, "after": f"{block.day} {block.part.value}", "reason": reason}
    await note(db, "postponed", "session", session.id, **said, left=len(left.moved) + left.open.total())
    return left


def busy_in(block: Block, groups: Sequence[Group], ground: Ground) -> set[int]:
    """The bookings of people who have another session in the half-day."""
    return {
        booking.id
        for group in groups
        for booking in group.bookings
        if not ground.is_free(ResourceKind.WORKER, booking.worker_id, block)
    }


def missing_on(block: Block, groups: Sequence[Group], ground: Ground) -> int:
    """How many people have another session then, or asked for earlier days: those keep the place, with a choice."""
    late = {
        booking.id
        for group in groups
        for booking in group.bookings
        if group.request is not None and group.request.latest_day < block.day
    }
    return len(busy_in(block, groups, ground) | late)


async def leave_if(  # noqa: PLR0913  # of which groups who, from where to where, and when
    db: AsyncSession,
    session: Session,
    groups: Sequence[Group],
    leaving: Collection[int],
    others: Sequence[Session],
    left: Left,
    *,
    now: datetime,
) -> None:
    """Let these bookings leave; a group that sits together or not at all leaves with whoever of it must."""
    for group in groups:
        gone = tuple(booking for booking in group.bookings if booking.id in leaving)
        if gone:
            who = group if group.is_together else Group(gone, group.request)
            await leave_seats(db, session, who, others, left, now=now)


async def set_time(db: AsyncSession, session: Session, block: Block, ground: Ground) -> None:
    """Give a session its new time with all that hangs on it: claims, due dates, and a roster that is open."""
    calendar = ground.calendar
    session.day, session.part = block.day, block.part
    session.starts_at, session.ends_at = calendar.starts_at(block), calendar.ends_at(block)
    due = due_dates(session.starts_at, session.ends_at, calendar, ground.policy)
    session.confirm_due_at, session.roster_freezes_at, session.results_due_at = due
    session.room_id = ground.room_in(block)
    session.state = SessionState.PUBLISHED
    await db.flush()
    mine = col(Claim.session_id) == session.id
    room = {"resource_id": session.room_id}
    await db.exec(
        update(Claim).where(mine, col(Claim.resource) == ResourceKind.ROOM).values(**room, during=during(session))
    )
    await db.exec(update(Claim).where(mine, col(Claim.resource) != ResourceKind.ROOM).values(during=during(session)))


def during(session: Session) -> Range[datetime]:
    """The session's time."""
    return Range(session.starts_at, session.ends_at)


async def unfit_among(db: AsyncSession, session: Session, *, now: datetime) -> set[int]:
    """The bookings of people whom a rule keeps from sitting at the session's new time."""
    found: set[int] = set()
    for group in await groups_of(db, await bookings_in(db, [session.id])):
        wanted = select(Worker).where(col(Worker.id).in_([booking.worker_id for booking in group.bookings]))
        reasons = await reasons_against(
            db,
            session,
            (await db.exec(wanted)).all(),
            leaving_id=session.id,
            enterprise_id=group.enterprise_id,
            now=now,
            asked_at=group.bookings[0].booked_at,
        )
        found |= {booking.id for booking in group.bookings if reasons.get(booking.worker_id)}
    return found


async def keep_queue(db: AsyncSession, session: Session) -> None:
    """Let those who wait for the session wait for its new day; who does not wait that long waits on elsewhere."""
    bound = col(Waiting.session_id) == session.id
    standing = col(Waiting.state).in_((WaitingState.WAITING, WaitingState.OFFERED))
    await db.exec(
        update(Waiting)
        .where(bound, standing)
        .values(until_day=session.day)
        .execution_options(synchronize_session="fetch")
    )
    holds = await standing_holds(db, session)
    ends = select(col(Waiting.id)).where(
        col(Waiting.id).in_([hold.waiting_id for hold in holds]), col(Waiting.until_day) < session.day
    )
    too_late = set((await db.exec(ends)).all())
    await end_holds(
        db, session, [hold for hold in holds if hold.waiting_id in too_late], HoldState.RELEASED, waits_on=True
    )
    kept = (col(Hold.session_id) == session.id) & (col(Hold.state) == HoldState.KEPT)
    await db.exec(
        update(Hold)
        .where(kept)
        .values(held_until=session.roster_freezes_at)
        .execution_options(synchronize_session="fetch")
    )
