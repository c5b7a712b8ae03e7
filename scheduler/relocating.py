"""
Moving people who must leave a session by the organiser's act: to the nearest session that takes them by every rule.

Never to an earlier day than the one they prepared for, never without a place in between, and at no cost to the firm: it
counts neither as one of its changes nor against its share. They pass the queue of that session: whoever loses a place
by no act of theirs comes before everybody.

All sessions are locked first, in id order. The people are not locked: whoever books them locks them before a session,
and would be waited for crosswise. Their place in the locked session bars another one in the exam, and the database lets
no two claims on their time overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Promise
from models.demand import Request
from models.parties import Enterprise, Worker
from models.places import Site
from models.sessions import Session
from models.vocabulary import SessionState
from scheduler.allocation.rules import km_between
from scheduler.booking_changes import reseat
from scheduler.booking_rules import reasons_against
from scheduler.journal import note
from scheduler.places_taken import is_bookable, lock_session
from scheduler.policy import Policy, policy_of

MOST_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Group:
    """People of one firm who were booked together, and the request they came from, if any."""

    bookings: tuple[Booking, ...]
    request: Request | None = None

    @property
    def enterprise_id(self) -> int:
        """Whose people they are."""
        return self.bookings[0].enterprise_id

    @property
    def is_together(self) -> bool:
        """Whether they sit together or not at all."""
        return self.request is not None and self.request.keep_together

    def alone(self) -> list["Group"]:
        """Each of them as a group of one."""
        return [Group((booking,), self.request) for booking in self.bookings]


@dataclass(frozen=True, slots=True)
class Moved:
    """Who went where."""

    booking: Booking
    there: Session


async def lock_with_others(db: AsyncSession, session_id: int, *, now: datetime) -> tuple[Session, list[Session]]:
    """A session and the next ones of its exam to which its people might be moved, all locked, in id order."""
    seen = (await db.exec(select(Session).where(col(Session.id) == session_id))).one()
    keys = {session_id, *await keys_of_others(db, seen, now=now)}
    locked = {key: await lock_session(db, key) for key in sorted(keys)}
    session = locked.pop(session_id)
    return session, [other for other in locked.values() if is_after(session, other, now=now)]


async def keys_of_others(db: AsyncSession, session: Session, *, now: datetime) -> Sequence[int]:
    """The bookable sessions of the exam in the bureau on the session's day and for some days after it."""
    until = session.day + timedelta(days=(await policy_of(db, session.bureau_id)).move_days)
    others = select(col(Session.id)).where(
        col(Session.exam_id) == session.exam_id,
        col(Session.bureau_id) == session.bureau_id,
        col(Session.id) != session.id,
        col(Session.day).between(session.day, until),
        is_bookable(now),
    )
    return (await db.exec(others.order_by(col(Session.starts_at), col(Session.id)).limit(MOST_LOOKED_AT))).all()


def is_after(session: Session, other: Session, *, now: datetime) -> bool:
    """Whether a locked session still takes names, on no earlier day."""
    is_open = other.state is SessionState.PUBLISHED and other.roster_freezes_at > now and other.ranked_until is None
    return is_open and other.day >= session.day


async def groups_of(db: AsyncSession, bookings: Sequence[Booking]) -> list[Group]:
    """The bookings as they were made: people of one firm named at one moment into places of one kind."""
    promise_ids = {booking.promise_id for booking in bookings if booking.promise_id is not None}
    made = select(col(Promise.id), Request).join(Request, col(Request.id) == col(Promise.request_id))
    requests = dict((await db.exec(made.where(col(Promise.id).in_(promise_ids)))).all())
    together: dict[tuple[int, datetime, int], list[Booking]] = {}
    for booking in sorted(bookings, key=lambda row: row.id):
        act = (booking.enterprise_id, booking.booked_at, booking.promise_id or 0)
        together.setdefault(act, []).append(booking)
    return [Group(tuple(rows), requests.get(promise_id)) for (_, _, promise_id), rows in together.items()]


async def relocate(
    db: AsyncSession, group: Group, here: Session, others: Sequence[Session], *, now: datetime
) -> list[Moved]:
    """Move a group, whole if it can be, else each of them alone unless they sit together; says who went where."""
    for party in ([group], [] if group.is_together or len(group.bookings) == 1 else group.alone()):
        moved = [each for one in party for each in await moved_whole(db, one, here, others, now=now)]
        if moved:
            return moved
    return []


async def moved_whole(
    db: AsyncSession, group: Group, here: Session, others: Sequence[Session], *, now: datetime
) -> list[Moved]:
    """Move a group to the nearest session that takes all of it; nobody where there is none."""
    workers = await people_of(db, group)
    for there in await nearest_first(db, group, others):
        if there.unclaimed >= len(workers) and await takes_all(db, group, workers, here, there, now=now):
            return [await move(db, booking, here, there) for booking in group.bookings]
    return []


async def people_of(db: AsyncSession, group: Group) -> Sequence[Worker]:
    """The people of a group."""
    wanted = select(Worker).where(col(Worker.id).in_([booking.worker_id for booking in group.bookings]))
    return (await db.exec(wanted.order_by(col(Worker.id)))).all()


async def nearest_first(db: AsyncSession, group: Group, others: Sequence[Session]) -> list[Session]:
    """The sessions that are near and soon enough for a group: the nearest, and of those the earliest, first."""
    wanted = select(Site).where(col(Site.id).in_({other.site_id for other in others}))
    sites = {site.id: site for site in (await db.exec(wanted)).all()}
    firm = (await db.exec(select(Enterprise).where(col(Enterprise.id) == group.enterprise_id))).one()
    ways = []
    for other in others:
        policy = await policy_of(db, other.bureau_id)
        km = km_to(sites[other.site_id], group.request or firm, policy)
        if is_wanted(group.request, other, km, policy):
            ways.append((km, other.starts_at, other.id, other))
    return [other for *_, other in sorted(ways)]


def km_to(site: Site, start: Request | Enterprise, policy: Policy) -> float:
    """Road kilometres to a site from where a request, or a firm, starts."""
    return policy.road_factor * km_between((start.latitude, start.longitude), (site.latitude, site.longitude))


def is_wanted(request: Request | None, other: Session, km: float, policy: Policy) -> bool:
    """Whether a session is no farther than people are moved, and within what their request asked for."""
    if request is None:
        return km <= policy.move_km
    is_near = request.most_km is None or km <= request.most_km
    return km <= policy.move_km and is_near and other.day <= request.latest_day


async def takes_all(  # whom, from where to where, and when
    db: AsyncSession, group: Group, workers: Sequence[Worker], here: Session, there: Session, *, now: datetime
) -> bool:
    """Whether nothing stands against anybody of a group in another session, by the rules by which all are booked."""
    asked_at = min(booking.booked_at for booking in group.bookings)
    reasons = await reasons_against(
        db, there, workers, leaving_id=here.id, enterprise_id=group.enterprise_id, now=now, asked_at=asked_at
    )
    return not any(reasons.values())


async def move(db: AsyncSession, booking: Booking, here: Session, there: Session) -> Moved:
    """Put a booking into an open place of another locked session, and free its place in this one."""
    there.taken += 1
    booking.is_relocated = True
    await reseat(db, booking, here, there)
    await note(db, "relocated", "booking", booking.id, from_session=here.id, to_session=there.id)
    return Moved(booking, there)
