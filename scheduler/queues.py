"""The queue of a session: who waits for its places, and the passing on of what is freed, in one decision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Waiting
from models.places import Site
from models.sessions import Session
from models.vocabulary import HoldState, SessionState, WaitingState
from scheduler.allocation.rules import km_between
from scheduler.booking_rules import recused_from
from scheduler.calendar_days import work_calendar
from scheduler.granted_places import (
    ShareNow,
    as_they_stand,
    covering,
    grants_in,
    keep_draws,
    return_expired,
    within_reach,
)
from scheduler.outbox import send
from scheduler.policy import Policy, policy_of
from scheduler.queueing import Decision, Waiter, decide
from scheduler.shares import shares_in

NEWCOMER = 0  # no row has this key


@dataclass(frozen=True, slots=True)
class Queue:
    """Who waits for places of a session, in order, and what is kept for whom; `left` is what each firm may yet take."""

    session: Session
    policy: Policy
    open: int
    rows: Sequence[Waiting]
    kept: Mapping[int, Hold]
    left: Mapping[int, int]
    shares: Sequence[ShareNow]  # those of tiers
    reach: Mapping[int, tuple[int, ...]]  # the shares that each firm may draw on, the lowest tier's first

    def decided(self, *newcomers: Waiter) -> Decision:
        """Whom the open places, and those of tiers' shares, go to, were these to join last."""
        waiters = [
            Waiter(
                row.id,
                row.people,
                row.passed,
                self.kept_for(row),
                row.enterprise_id,
                self.left[row.enterprise_id],
                self.reach[row.enterprise_id],
            )
            for row in self.rows
        ]
        return decide(
            self.open,
            [*waiters, *newcomers],
            most_passes=int(self.policy.most_passes),
            shares={share.id: share.unused for share in self.shares},
        )

    def kept_for(self, row: Waiting) -> int:
        """How many places are kept for a waiting group."""
        return self.kept[row.id].people if row.id in self.kept else 0

    def given_by(self, decision: Decision) -> Counter[int]:
        """How many of the open places each firm gets by a decision, offered or kept."""
        given: Counter[int] = Counter()
        for row in self.rows:
            offered = row.people - self.kept_for(row) if row.id in decision.offered else 0
            given[row.enterprise_id] += max(offered, 0) + decision.kept.get(row.id, 0)
        return given


def waits_for(session: Session | type[Session]) -> ColumnElement[bool]:
    """What finds those who may wait for the places of a session; distance and size are looked at row by row."""
    return (
        (col(Waiting.exam_id) == session.exam_id)
        & (col(Waiting.bureau_id) == session.bureau_id)
        & (col(Waiting.state) == WaitingState.WAITING)
        & (col(Waiting.until_day) >= session.day)
        & (col(Waiting.session_id).is_(None) | (col(Waiting.session_id) == session.id))
        & col(Waiting.not_session_id).is_distinct_from(session.id)
    )


async def queue_of(db: AsyncSession, session: Session, *, now: datetime) -> Queue:
    """The queue of a locked session, locked too: those near enough whose group it and its shares can take at all."""
    shares = as_they_stand(await grants_in(db, session))
    await lock_queue(db, session)
    locked = select(Waiting).where(waits_for(session)).order_by(col(Waiting.id)).with_for_update(key_share=True)
    found = (await db.exec(locked.execution_options(populate_existing=True))).all()
    return await queue_among(db, session, found, places=session.unclaimed, shares=shares, now=now)


async def queue_seen(
    db: AsyncSession, session: Session, *, places: int, shares: Sequence[ShareNow], now: datetime
) -> Queue:
    """The queue of a session as whoever only looks sees it, were so many places open and these tiers' shares there."""
    found = (await db.exec(select(Waiting).where(waits_for(session)))).all()
    return await queue_among(db, session, found, places=places, shares=shares, now=now)


async def queue_among(  # whose wishes, for which places, and when
    db: AsyncSession,
    session: Session,
    found: Sequence[Waiting],
    *,
    places: int,
    shares: Sequence[ShareNow],
    now: datetime,
) -> Queue:
    """Those of the wishes that the session can meet once places are free, in their order."""
    policy = await policy_of(db, session.bureau_id)
    site = (await db.exec(select(Site).where(col(Site.id) == session.site_id))).one()
    kept = await kept_for_those(db, found)
    recused = await recused_from(db, session)
    firms = sorted({row.enterprise_id for row in found})
    left = {firm: share.left for firm, share in (await shares_in(db, session, firms, now=now)).items()}
    reach = {firm: within_reach(shares, tiers) for firm, tiers in (await covering(db, firms)).items()}
    here = [
        row
        for row in found
        if is_near(row, site, policy)
        and row.enterprise_id not in recused
        and row.people <= left[row.enterprise_id] + (kept[row.id].people if row.id in kept else 0)
        and (row.id not in kept or kept[row.id].session_id == session.id)
    ]
    in_order = sorted(here, key=lambda row: (row.asked_at, row.id))
    return Queue(session, policy, places, in_order, kept, left, shares, reach)


async def lock_queue(db: AsyncSession, session: Session) -> None:
    """
    Be the only one who looks at the exam's queue, after locking every session that will be looked at.

    Two who look at several sessions each would else meet the same wishes in different orders.
    """
    name = f"queue of exam {session.exam_id} in bureau {session.bureau_id}"
    await db.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def kept_for_those(db: AsyncSession, rows: Sequence[Waiting]) -> dict[int, Hold]:
    """The places kept for these waiting groups, in whichever session."""
    kept = select(Hold).where(col(Hold.waiting_id).in_([row.id for row in rows]), col(Hold.state) == HoldState.KEPT)
    holds = (await db.exec(kept.execution_options(populate_existing=True))).all()
    return {hold.waiting_id: hold for hold in holds if hold.waiting_id is not None}


def is_near(row: Waiting, site: Site, policy: Policy) -> bool:
    """Whether a firm wants to go as far as the site; one that waits for the session itself does."""
    if row.most_km is None:
        return True
    km = policy.road_factor * km_between((row.latitude, row.longitude), (site.latitude, site.longitude))
    return km <= row.most_km


async def pass_on(db: AsyncSession, session: Session, *, now: datetime) -> None:
    """
    Offer the open places of a locked session, and those of shares, to its queue, in one decision.

    What is left over is open, or stays in its share.
    """
    if session.state is not SessionState.PUBLISHED or session.roster_freezes_at <= now:
        return
    await db.flush()
    await db.refresh(session)
    if session.shared:
        await return_expired(db, session, now=now)
    # While a ranked window stands, whatever is freed is given by its rule.
    if session.ranked_until is not None or session.claimed >= session.places:
        return
    queue = await queue_of(db, session, now=now)
    await carry_out(db, queue, queue.decided(), now=now)


async def may_pass(db: AsyncSession, session: Session, people: int, *, enterprise_id: int, now: datetime) -> bool:
    """Whether a newcomer gets places although others wait; whoever is passed by that has it counted."""
    queue = await queue_of(db, session, now=now)
    tiers = (await covering(db, [enterprise_id]))[enterprise_id]
    decision = queue.decided(Waiter(NEWCOMER, people, draws_on=within_reach(queue.shares, tiers)))
    if NEWCOMER not in decision.offered:
        return False
    for row in queue.rows:
        row.passed += decision.passes.get(row.id, 0)
    await db.flush()
    return True


async def carry_out(db: AsyncSession, queue: Queue, decision: Decision, *, now: datetime) -> None:
    """Write a decision down: offers are made, places kept, passes counted; whoever is concerned is told."""
    session = queue.session
    calendar = await work_calendar(db, session.bureau_id)
    until = calendar.add_working_hours(now, queue.policy.offer_working_hours)
    for row in queue.rows:
        row.passed += decision.passes.get(row.id, 0)
        if row.id in decision.offered:
            hold = set_aside(db, queue, row, HoldState.HELD, row.people, until=until, now=now)
            await draw(db, queue, hold, decision.drawn.get(row.id, {}))
            row.state = WaitingState.OFFERED
            tell_offer(db, row, session, until=min(until, session.roster_freezes_at), now=now)
        elif more := decision.kept.get(row.id):
            people = queue.kept_for(row) + more
            hold = set_aside(db, queue, row, HoldState.KEPT, people, until=session.roster_freezes_at, now=now)
            await draw(db, queue, hold, decision.drawn.get(row.id, {}))
    await db.flush()


async def draw(db: AsyncSession, queue: Queue, hold: Hold, places: Mapping[int, int]) -> None:
    """Let so many of a hold's places come from these shares; the others are open ones."""
    queue.session.shared -= sum(places.values())
    await db.flush()
    if places:
        await keep_draws(db, queue.session, hold, places)


def set_aside(  # noqa: PLR0913  # what, for whom, as what, how many, until when
    db: AsyncSession, queue: Queue, row: Waiting, state: HoldState, people: int, *, until: datetime, now: datetime
) -> Hold:
    """Hold or keep places for a waiting firm; what was kept for it before becomes a part of it."""
    session = queue.session
    hold = queue.kept.get(row.id) or Hold(
        session_id=session.id, enterprise_id=row.enterprise_id, waiting_id=row.id, people=0, state=state, held_at=now,
        held_until=until,
    )  # fmt: skip
    session.held += people - hold.people
    hold.people, hold.state, hold.held_until = people, state, min(until, session.roster_freezes_at)
    db.add(hold)
    return hold


def tell_offer(db: AsyncSession, row: Waiting, session: Session, *, until: datetime, now: datetime) -> None:
    """Tell a firm that its turn has come."""
    body = (
        f"{row.people} places on {session.day} ({session.part.value}) are held for you until"
        f" {until:%Y-%m-%d %H:%M} UTC: name your people, or give them back."
    )
    send(db, recipient=f"enterprise:{row.enterprise_id}", subject="Your turn (候补成功)", body=body, now=now)


async def queue_length(db: AsyncSession, session: Session) -> int:
    """How many firms wait for a session's places."""
    return (await db.exec(select(func.count(col(Waiting.id))).where(waits_for(session)))).one()


async def positions(db: AsyncSession, waiting_ids: Sequence[int]) -> dict[int, int]:
    """The place in the queue, 1 for the next, of each that waits: those before it may take what it may take."""
    mine, other = Waiting.__table__.alias("mine"), Waiting.__table__.alias("other")  # type: ignore[attr-defined]
    before = (
        (other.c.exam_id == mine.c.exam_id)
        & (other.c.bureau_id == mine.c.bureau_id)
        & (other.c.state == WaitingState.WAITING)
        & (mine.c.session_id.is_(None) | other.c.session_id.is_(None) | (other.c.session_id == mine.c.session_id))
        & (tuple_(other.c.asked_at, other.c.id) <= tuple_(mine.c.asked_at, mine.c.id))
    )
    counted = (
        select(mine.c.id, func.count(other.c.id))
        .join(other, before)
        .where(mine.c.id.in_(waiting_ids), mine.c.state == WaitingState.WAITING)
        .group_by(mine.c.id)
    )
    return dict((await db.exec(counted)).all())


async def end_waits(db: AsyncSession, session: Session, *, why: str, now: datetime) -> None:
    """End the waiting for a locked session that takes nobody any more, and tell the firms."""
    bound = select(Waiting).where(col(Waiting.session_id) == session.id, col(Waiting.state) == WaitingState.WAITING)
    locked = bound.order_by(col(Waiting.id)).with_for_update(key_share=True)
    for row in (await db.exec(locked.execution_options(populate_existing=True))).all():
        row.state = WaitingState.LAPSED
        body = f"Nobody is served any more for {session.day} ({session.part.value}): {why}. Wait for another session."
        recipient = f"enterprise:{row.enterprise_id}"
        send(db, recipient=recipient, subject="Waiting is over (候补结束)", body=body, now=now)
    await db.flush()
