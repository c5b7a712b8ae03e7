"""
People and places that must leave a locked session by the organiser's act: nobody vanishes.

Named people are moved where a session takes them. For the others the way depends on what they had: who waits goes on
waiting at its old position, promised places are asked for again by their request, and a firm that lost open places is
first in the exam's queue.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Promise
from models.demand import Request
from models.places import Site
from models.sessions import Claim, Session
from models.vocabulary import BookingState, HoldState, PromiseState
from scheduler.booking_changes import claim_on
from scheduler.cancellation import Lost, bookings_in, reopen_requests
from scheduler.displaced import queue_first
from scheduler.granted_places import undraw
from scheduler.hold_ends import end_holds, standing_holds
from scheduler.leaving import Kind, Party, who_leaves
from scheduler.outbox import send
from scheduler.places_taken import give_back, held_promises, settle
from scheduler.policy import policy_of
from scheduler.relocating import Group, Moved, groups_of, relocate

CHOICE = "If that does not suit you, move them on, send others, or cancel: the move counts as none of your changes."


@dataclass
class Left:
    """What leaving came to: who was moved, what firms lost of open places, and requests of promised ones."""

    moved: list[Moved] = field(default_factory=list)
    open: Counter[int] = field(default_factory=Counter)
    promised: dict[int, Lost] = field(default_factory=lambda: defaultdict(Lost))
    can_return: bool = True  # whether those who left could sit in the session, were there a place


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to the session, for all who are told what it means for them."""

    subject: str
    what: str


async def make_room(
    db: AsyncSession, session: Session, people: int, others: Sequence[Session], *, now: datetime
) -> Left:
    """Let so many people leave a locked session, by the published rule."""
    holds, promises = await standing_holds(db, session), await held_promises(db, session)
    groups = await groups_of(db, await bookings_in(db, [session.id]))
    requests = await requests_of(db, promises)
    rows: list[Hold | Promise | Group] = [*holds, *promises, *groups]
    parties = [party_of(at, row, requests) for at, row in enumerate(rows)]
    left = Left()
    for at, leaving in sorted(who_leaves(parties, people).items()):
        row = rows[at]
        if isinstance(row, Hold):
            await leave_hold(db, session, row, leaving, left)
        elif isinstance(row, Promise):
            leave_promise(session, row, leaving, left)
        else:
            await leave_seats(db, session, leaving_of(row, leaving), others, left, now=now)
    await db.flush()
    return left


async def requests_of(db: AsyncSession, promises: Sequence[Promise]) -> dict[int, Request]:
    """The requests of the promises, by key."""
    wanted = select(Request).where(col(Request.id).in_({promise.request_id for promise in promises}))
    return {request.id: request for request in (await db.exec(wanted)).all()}


def party_of(at: int, row: Hold | Promise | Group, requests: Mapping[int, Request]) -> Party:
    """What the rule of leaving needs to know of places set aside or taken."""
    if isinstance(row, Group):
        return Party(at, Kind.NAMED, len(row.bookings), row.bookings[0].booked_at, row.is_together)
    if isinstance(row, Promise):
        request = requests[row.request_id]
        is_together = request.keep_together and not row.named
        return Party(at, Kind.PROMISED, row.people - row.named, request.asked_at, is_together)
    is_kept = row.state is HoldState.KEPT
    is_offer = row.waiting_id is not None and not is_kept
    return Party(at, Kind.KEPT if is_kept else Kind.HELD, row.people - row.named, row.held_at, is_offer)


def leaving_of(group: Group, people: int) -> Group:
    """The last so many of a group."""
    return Group(group.bookings[-people:], group.request)


async def leave_hold(db: AsyncSession, session: Session, hold: Hold, people: int, left: Left) -> None:
    """
    End a hold, or make it smaller.

    Whoever waits goes on waiting at its old position; whoever was choosing names is to be first in the queue.
    """
    is_waited_for = hold.waiting_id is not None and not hold.named
    if not is_waited_for:
        left.open[hold.enterprise_id] += people
    if people == hold.people - hold.named:
        await end_holds(db, session, [hold], HoldState.RELEASED, waits_on=True)
    else:
        hold.people, session.held = hold.people - people, session.held - people
        await db.flush()
        await undraw(db, session, [hold])


def leave_promise(session: Session, promise: Promise, people: int, left: Left) -> None:
    """Take nameless places back from a promise; its request asks for them again."""
    session.promised -= people
    if people == promise.people:
        promise.state = PromiseState.RELEASED
    else:
        promise.people -= people
        promise.state = PromiseState.USED if promise.people == promise.named else promise.state
    left.promised[promise.request_id].people += people


async def leave_seats(  # who, from where to where, and when
    db: AsyncSession, session: Session, group: Group, others: Sequence[Session], left: Left, *, now: datetime
) -> None:
    """Move named people to other sessions; who finds no place there loses theirs, and comes first elsewhere."""
    left.moved += await relocate(db, group, session, others, now=now)
    gone = {each.booking.id for each in left.moved}
    for booking in group.bookings:
        if booking.id in gone:
            continue
        booking.state = BookingState.CANCELLED
        await db.flush()
        await db.exec(delete(Claim).where(*claim_on(session, booking.worker_id)))
        await give_back(db, session, booking.promise_id, booking.grant_id)
        if group.request is None:
            left.open[booking.enterprise_id] += 1
        else:
            left.promised[group.request.id].people += 1
            left.promised[group.request.id].worker_ids.append(booking.worker_id)


async def look_after(db: AsyncSession, session: Session, left: Left, notice: Notice, *, now: datetime) -> None:
    """Let requests ask again, put firms first in the queue, and tell each firm what became of its people."""
    await reopen_requests(db, left.promised, policy=await policy_of(db, session.bureau_id), now=now)
    asked_again = Counter[int]()
    for request_id, lost in sorted(left.promised.items()):
        request = await settle(db, request_id, now=now)
        asked_again[request.enterprise_id] += lost.people
    sites = await sites_of_moves(db, left.moved)
    for firm in sorted({*left.open, *asked_again, *(each.booking.enterprise_id for each in left.moved)}):
        moved = [each for each in left.moved if each.booking.enterprise_id == firm]
        said = [notice.what, *moves_in_words(moved, sites)]
        if asked_again[firm]:
            said.append(f"{asked_again[firm]} places are asked for again by your requests.")
        if left.open[firm]:
            said.append(f"{left.open[firm]} places are lost.")
        send(db, recipient=f"enterprise:{firm}", subject=notice.subject, body=" ".join(said), now=now)
    await queue_first(db, session, left.open, now=now, can_return=left.can_return)


async def sites_of_moves(db: AsyncSession, moved: Sequence[Moved]) -> dict[int, str]:
    """The names of the sites that people were moved to."""
    wanted = select(col(Site.id), col(Site.name)).where(col(Site.id).in_({each.there.site_id for each in moved}))
    return dict((await db.exec(wanted)).all())


def moves_in_words(moved: Sequence[Moved], sites: Mapping[int, str]) -> list[str]:
    """How many were moved where, and what the firm can do about it."""
    counted = Counter(each.there.id for each in moved)
    to = {each.there.id: each.there for each in moved}
    said = [
        f"{counted[there.id]} of your people are moved to {there.day} ({there.part.value}) at {sites[there.site_id]}."
        for there in sorted(to.values(), key=lambda there: (there.starts_at, there.id))
    ]
    return [*said, CHOICE] if said else []
