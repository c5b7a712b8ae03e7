"""
People who lost an open place by no act of theirs: their firm is first in the queue of the exam, and looked after soon.

Promised places have a request that is asked again; open ones have nothing but this.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Booking, Hold, Waiting
from models.parties import Enterprise
from models.sessions import Session
from models.vocabulary import HoldState, WaitingState
from scheduler.jobs import Job
from scheduler.outbox import send
from scheduler.policy import policy_of
from scheduler.queues import lock_queue
from scheduler.refusals import Code, refuse
from scheduler.waiting import FARTHEST_KM, serve

MOST_PEOPLE = 200
_BIT = timedelta(microseconds=1)
SUBJECT = "You are first in the queue (优先候补)"


def open_places_of(bookings: Iterable[Booking]) -> Counter[int]:
    """How many places each firm had among the open ones."""
    return Counter(booking.enterprise_id for booking in bookings if booking.promise_id is None)


def chosen_places_of(holds: Iterable[Hold], *, now: datetime) -> Counter[int]:
    """How many places each firm had chosen and not named yet; what was offered to who waits is no loss of its turn."""
    lost = Counter[int]()
    for hold in holds:
        if hold.waiting_id is None and hold.held_until > now:
            lost[hold.enterprise_id] += hold.people - hold.named
    return lost


async def queue_first(
    db: AsyncSession, session: Session, lost: Mapping[int, int], *, now: datetime, can_return: bool = True
) -> None:
    """Put firms that lost so many open places in a locked session first in the queue, for that session too or not."""
    if not lost:
        return
    await lock_queue(db, session)
    until_day = session.day + timedelta(days=(await policy_of(db, session.bureau_id)).next_subject_days)
    first = await before_everybody(db, session, now=now)
    for enterprise_id, people in sorted(lost.items()):
        row = await own_wish(db, session, enterprise_id) or await new_wish(db, session, enterprise_id, until_day)
        row.people = min(row.people + people, MOST_PEOPLE)
        row.asked_at, row.look_after = min(row.asked_at or first, first), now
        row.until_day = max(row.until_day, until_day)
        row.not_session_id = row.not_session_id if can_return else session.id
        db.add(row)
        body = (
            f"{people} of your people lost their places on {session.day} ({session.part.value}). They are first in the"
            f" queue of this exam until {row.until_day}: places are offered to you as soon as there are some."
        )
        send(db, recipient=f"enterprise:{enterprise_id}", subject=SUBJECT, body=body, now=now)
    await db.flush()


async def before_everybody(db: AsyncSession, session: Session, *, now: datetime) -> datetime:
    """A moment before all who wait for the exam joined."""
    earliest = select(func.min(col(Waiting.asked_at))).where(
        col(Waiting.exam_id) == session.exam_id,
        col(Waiting.bureau_id) == session.bureau_id,
        col(Waiting.state) == WaitingState.WAITING,
    )
    return min((await db.exec(earliest)).one() or now, now) - _BIT


async def own_wish(db: AsyncSession, session: Session, enterprise_id: int) -> Waiting | None:
    """The firm's standing wish for any session of the exam, locked; what is offered to it stays held for it."""
    standing = select(Waiting).where(
        col(Waiting.enterprise_id) == enterprise_id,
        col(Waiting.exam_id) == session.exam_id,
        col(Waiting.session_id).is_(None),
        col(Waiting.state).in_((WaitingState.WAITING, WaitingState.OFFERED)),
    )
    locked = standing.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = (await db.exec(locked)).one_or_none()
    if row and row.state is WaitingState.OFFERED:
        await keep_as_hold(db, row)
        return None
    return row


async def keep_as_hold(db: AsyncSession, row: Waiting) -> None:
    """
    Let what is offered to a firm be an ordinary hold until the same moment, so that it may wait for others, too.

    Raises:
        Refused: IN_PROGRESS while the offer is being used: whoever uses it may wait for what is locked here.
    """
    offer = select(Hold).where(col(Hold.waiting_id) == row.id, col(Hold.state) == HoldState.HELD)
    hold = (await db.exec(offer.with_for_update(key_share=True, skip_locked=True))).one_or_none()
    if hold is None:
        raise refuse(Code.IN_PROGRESS, "A firm concerned is using an offer at this very moment: try again.")
    hold.waiting_id, row.state = None, WaitingState.SERVED
    await db.flush()


async def new_wish(db: AsyncSession, session: Session, enterprise_id: int, until_day: date) -> Waiting:
    """A wish for nobody yet, as far away as may be."""
    firm = (await db.exec(select(Enterprise).where(col(Enterprise.id) == enterprise_id))).one()
    return Waiting(
        bureau_id=session.bureau_id,
        enterprise_id=enterprise_id,
        exam_id=session.exam_id,
        people=0,
        latitude=firm.latitude,
        longitude=firm.longitude,
        most_km=FARTHEST_KM,
        until_day=until_day,
        state=WaitingState.WAITING,
    )


async def look_after_one(db: AsyncSession, now: datetime) -> int:
    """Offer a firm that was put first what is open in other sessions; says how many there were."""
    due = select(Waiting).where(col(Waiting.look_after) <= now).order_by(col(Waiting.look_after), col(Waiting.id))
    row = (await db.exec(due.limit(1))).one_or_none()
    if row is None:
        return 0
    if row.state is WaitingState.WAITING:
        # The sessions are locked before the wish, as everywhere.
        await serve(db, row, now=now)
    row.look_after = None
    await db.flush()
    return 1


def next_look() -> SelectOfScalar[Any]:
    """When the next firm is to be looked after."""
    return select(func.min(col(Waiting.look_after)))


LOOKS = Job("displaced are looked after", look_after_one, next_look)
