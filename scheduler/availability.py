"""
What a firm can book: the rules by which the desk refuses, asked before anybody tries.

The desk, the alternatives in its refusals and whoever only looks judge by one `Footing`, so that what is shown is to be
had, and what is not shown is refused for the reason that was given.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Waiting
from models.parties import Recusal
from models.sessions import Session, SessionStaff
from models.vocabulary import Role
from scheduler.booking_rules import (
    MOST_PEOPLE,
    STAFF_RECUSED,
    Names,
    full,
    own_among,
    refuse_wrong_number,
    refuse_wrong_people,
    unfit,
    why_not_first_come,
    why_not_session,
    why_not_share,
    why_not_size,
)
from scheduler.callers import Caller, require
from scheduler.granted_places import ShareNow, covering, shares_at, within_reach
from scheduler.places_taken import places_at
from scheduler.queues import queue_seen, waits_for
from scheduler.refusals import Code, Refusal, not_found
from scheduler.shares import Share, shares_of
from scheduler.visibility import visible

SESSION_ID = ("sessionId",)


@dataclass(frozen=True, slots=True)
class Footing:
    """
    How a firm stands in a session at a moment: its share, what it could have, whether its people may come at all.

    `shares` are those of tiers; the firm may draw on those in `reach` beside what is open to all.
    """

    session: Session
    share: Share
    unclaimed: int
    is_recused: bool
    shares: Sequence[ShareNow] = ()
    reach: tuple[int, ...] = ()

    @property
    def open(self) -> int:
        """The places that are open to the firm."""
        return self.unclaimed + sum(share.unused for share in self.shares if share.id in self.reach)

    def why_not(self, people: int, least: int, *, now: datetime) -> Refusal | None:
        """Why the firm cannot have so many places, or at least so many of them, together; None where it can."""
        reason = why_not_session(self.session, now=now) or why_not_size(self.session, least)
        reason = reason or (Refusal(Code.STAFF_RECUSED, STAFF_RECUSED) if self.is_recused else None)
        reason = reason or why_not_first_come(self.session, now=now) or why_not_share(self.share, least)
        return reason or (full(self.open, people) if self.open < least else None)

    def most(self, *, now: datetime) -> int:
        """The most places that the firm can have together."""
        return 0 if self.why_not(1, 1, now=now) else min(self.open, self.share.left, MOST_PEOPLE)


@dataclass(frozen=True, slots=True)
class Availability:
    """The most places that a firm can hold together, and what stands against what it asked for."""

    places: int
    reasons: tuple[Refusal, ...]


async def footing_of(db: AsyncSession, session: Session, enterprise_id: int, *, now: datetime) -> Footing:
    """How a firm stands in a session by what is open, whoever waits for it."""
    return (await _footings(db, [session], enterprise_id, now=now))[session.id]


async def footings_of(
    db: AsyncSession, sessions: Sequence[Session], enterprise_id: int, *, now: datetime
) -> dict[int, Footing]:
    """
    How a firm stands in sessions of its bureau once whoever waits for them has had its turn, by session.

    A constant number of statements, and some more for each session that has open places and a queue.
    """
    found = await _footings(db, sessions, enterprise_id, now=now)
    standing = [session for session in sessions if found[session.id].open > 0]
    for session in await waited_for(db, standing):
        found[session.id] = await after_the_queue(db, found[session.id], enterprise_id, now=now)
    return found


async def _footings(
    db: AsyncSession, sessions: Sequence[Session], enterprise_id: int, *, now: datetime
) -> dict[int, Footing]:
    ids = [session.id for session in sessions]
    shares = await shares_of(db, sessions, [enterprise_id], now=now)
    places, tiers_shares = await places_at(db, ids, now=now), await shares_at(db, ids, now=now)
    tiers = (await covering(db, [enterprise_id])).get(enterprise_id, ())
    refusing = recusing(enterprise_id).where(col(SessionStaff.session_id).in_(ids))
    recused = set((await db.exec(refusing)).all())
    return {
        session.id: Footing(
            session,
            shares[session.id, enterprise_id],
            places[session.id].open,
            session.id in recused,
            tiers_shares[session.id],
            within_reach(tiers_shares[session.id], tiers),
        )
        for session in sessions
    }


def recusing(enterprise_id: int) -> SelectOfScalar[int]:
    """The sessions in which somebody on duty must not examine the firm's people."""
    return (
        select(col(SessionStaff.session_id))
        .join(Recusal, col(Recusal.examiner_id) == col(SessionStaff.examiner_id))
        .where(col(Recusal.enterprise_id) == enterprise_id)
    )


async def waited_for(db: AsyncSession, sessions: Sequence[Session]) -> list[Session]:
    """Those of the sessions whose places somebody may wait for."""
    ids = [session.id for session in sessions]
    anybody = select(col(Waiting.id)).where(waits_for(Session)).exists()
    waited = select(col(Session.id)).where(col(Session.id).in_(ids), anybody)
    found = set((await db.exec(waited)).all())
    return [session for session in sessions if session.id in found]


async def after_the_queue(db: AsyncSession, footing: Footing, enterprise_id: int, *, now: datetime) -> Footing:
    """The same once the open places were offered to the queue, as whoever wants one has it done."""
    queue = await queue_seen(db, footing.session, places=footing.unclaimed, shares=footing.shares, now=now)
    decision = queue.decided()
    given, drawn = queue.given_by(decision), Counter[int]()
    for places in decision.drawn.values():
        drawn.update(places)
    share = replace(footing.share, has=footing.share.has + given[enterprise_id])
    shares = [each._replace(unused=each.unused - drawn[each.id]) for each in footing.shares]
    unclaimed = footing.unclaimed - (given.total() - drawn.total())
    return replace(footing, share=share, shares=shares, unclaimed=unclaimed)


async def most_places(db: AsyncSession, session_ids: Sequence[int], *, caller: Caller, now: datetime) -> dict[int, int]:
    """The most places that the caller's firm can hold in each of these sessions of its bureau; none in any other."""
    mine = visible(Session, caller).where(col(Session.id).in_(session_ids), col(Session.bureau_id) == caller.bureau_id)
    sessions = (await db.exec(mine.order_by(col(Session.id)))).all()
    footings = await footings_of(db, sessions, caller.enterprise_id or 0, now=now)
    return {session_id: footing.most(now=now) for session_id, footing in footings.items()}


async def availability_of(
    db: AsyncSession,
    session_id: int,
    *,
    people: int | None = None,
    worker_ids: Sequence[int] | None = None,
    caller: Caller,
    now: datetime,
) -> Availability:
    """
    What a firm can have of a session, and why it cannot have so many places, or these people in them.

    `reasons` are those with which the desk would refuse: empty where it would not. They are of this moment: only held
    places wait.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; BAD_INPUT or OUT_OF_RANGE for a senseless number.
    """
    require(caller, Role.ENTERPRISE)
    names = None if worker_ids is None else Names(tuple(worker_ids), ("workerIds",))
    if names:
        refuse_wrong_number(names)
    wanted = people if people is not None else len(names.worker_ids) if names else 1
    refuse_wrong_people(wanted, "people")
    seen = visible(Session, caller).where(col(Session.id) == session_id, col(Session.bureau_id) == caller.bureau_id)
    session = (await db.exec(seen)).one_or_none()
    if session is None:
        raise not_found("Session", *SESSION_ID)
    enterprise_id = caller.enterprise_id or 0
    footing = (await footings_of(db, [session], enterprise_id, now=now))[session.id]
    reason = why_not_session(session, now=now)
    if names and reason is None:
        workers = (await db.exec(own_among(names, enterprise_id))).all()
        against = await unfit(db, session, names, workers, enterprise_id=enterprise_id, now=now)
        if against:
            return Availability(footing.most(now=now), tuple(against))
    reason = reason or footing.why_not(wanted, wanted, now=now)
    return Availability(footing.most(now=now), (reason,) if reason else ())
