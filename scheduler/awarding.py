"""
The ranking of a window when its date has come: places for whoever the rule puts first, the queue for the others.

Locks go as everywhere, workers before sessions. Who finds a window overdue under a session's lock takes the workers
only if nobody else has them, and leaves it to whoever comes next otherwise: it never waits the wrong way round.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Hold, Waiting
from models.parties import Enterprise, Worker
from models.sessions import Session
from models.vocabulary import ApplicationState, HoldState, SessionState, WaitingState, WindowState
from models.windows import Applicant, Application, RankedWindow
from scheduler.award_messages import tell_placed, tell_queued, tell_unfit
from scheduler.booking_rules import reasons_by_firm
from scheduler.calendar import SHANGHAI
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.places_taken import Taking, lock_session, release_lapsed, take_places
from scheduler.queues import pass_on
from scheduler.rank_keys import RankKey, key_of_group, pasts_of
from scheduler.ranking import Entry, Placing, published, rank
from scheduler.refusals import Refusal
from scheduler.windows import lock_open_window, standing_applications


@dataclass(frozen=True, slots=True)
class Field:
    """Everybody who applied in a locked window, as they stand at the moment of ranking."""

    applications: Sequence[Application]
    people: Mapping[int, Sequence[Worker]]  # by application
    reasons: Mapping[int, Sequence[Refusal]]  # by worker: why not any more
    keys: Mapping[int, RankKey]  # by application, where somebody is left

    def fit(self, application: Application) -> list[int]:
        """The workers on an application who may still sit, in id order."""
        return [worker.id for worker in self.people[application.id] if not self.reasons[worker.id]]

    def entries(self) -> list[Entry]:
        """The applications that are ranked: those of which somebody is left."""
        return [
            Entry(each.key, len(self.fit(each)), self.keys[each.id].deadline, self.keys[each.id].since)
            for each in self.applications
            if each.id in self.keys
        ]


async def rank_due(db: AsyncSession, now: datetime) -> int:
    """Rank a window whose date has come; says how many."""
    due = (
        select(RankedWindow)
        .join(Session, col(Session.id) == col(RankedWindow.session_id))
        .where(
            col(RankedWindow.state) == WindowState.OPEN,
            col(RankedWindow.apply_until) <= now,
            col(Session.roster_freezes_at) > now,
        )
    )
    window = (await db.exec(due.order_by(col(RankedWindow.apply_until), col(RankedWindow.id)).limit(1))).one_or_none()
    if window is None:
        return 0
    applied = select(col(Applicant.worker_id)).join(Application, col(Application.id) == col(Applicant.application_id))
    standing = applied.where(
        col(Application.window_id) == window.id, col(Application.state) == ApplicationState.APPLIED
    )
    await db.exec(
        select(col(Worker.id))
        .where(col(Worker.id).in_(standing))
        .order_by(col(Worker.id))
        .with_for_update(key_share=True)
    )
    return int(await rank_if_due(db, await lock_session(db, window.session_id), now=now))


def next_ranking() -> SelectOfScalar[Any]:
    """When applications end next."""
    return select(func.min(col(RankedWindow.apply_until))).where(col(RankedWindow.state) == WindowState.OPEN)


async def rank_if_due(db: AsyncSession, session: Session, *, now: datetime) -> bool:
    """
    Rank a locked session's window if its date has come, and say whether that was done.

    Not done either where somebody who applied is being booked elsewhere at this moment: whoever comes next does it.
    """
    if session.ranked_until is None or session.ranked_until > now:
        return False
    if session.state is not SessionState.PUBLISHED or session.roster_freezes_at <= now:
        return False
    window = await lock_open_window(db, session)
    field = await gather(db, session, window, now=now)
    if field is None:
        return False
    await release_lapsed(db, session, now=now)
    places = session.unclaimed
    placings = rank(field.entries(), places=places, seed=window.seed)
    await close(db, session, window, placings, places=places, now=now)
    await award(db, session, field, placings, now=now)
    await pass_on(db, session, now=now)
    return True


async def gather(db: AsyncSession, session: Session, window: RankedWindow, *, now: datetime) -> Field | None:
    """Everybody who applied, judged by every rule once more; None where a worker is locked by somebody else."""
    applications = await standing_applications(db, window)
    named = select(Applicant).where(col(Applicant.application_id).in_([each.id for each in applications]))
    applicants = (await db.exec(named)).all()
    wanted = {row.worker_id for row in applicants}
    free = select(Worker).where(col(Worker.id).in_(wanted)).order_by(col(Worker.id))
    locked = free.with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
    workers = {worker.id: worker for worker in (await db.exec(locked)).all()}
    if len(workers) < len(wanted):
        return None
    people: dict[int, list[Worker]] = defaultdict(list)
    for row in sorted(applicants, key=lambda one: one.worker_id):
        people[row.application_id].append(workers[row.worker_id])
    firms = {worker.id: each.enterprise_id for each in applications for worker in people[each.id]}
    reasons = await reasons_by_firm(db, session, list(workers.values()), firms, now=now)
    return Field(applications, people, reasons, await keys_of(db, session, applications, people, reasons))


async def keys_of(
    db: AsyncSession,
    session: Session,
    applications: Sequence[Application],
    people: Mapping[int, Sequence[Worker]],
    reasons: Mapping[int, Sequence[Refusal]],
) -> dict[int, RankKey]:
    """What each application is ranked by, where somebody on it may still sit."""
    pasts = await pasts_of(db, session, list(reasons))
    return {
        each.id: key_of_group(fit, applied_on=each.applied_at.astimezone(SHANGHAI).date())
        for each in applications
        if (fit := [pasts[worker.id] for worker in people[each.id] if not reasons[worker.id]])
    }


async def close(
    db: AsyncSession,
    session: Session,
    window: RankedWindow,
    placings: Sequence[Placing],
    *,
    places: int,
    now: datetime,
) -> None:
    """Publish the result; what is left over after it is open to whoever comes first."""
    document = published(window.id, placings, places=places, seed=window.seed)
    window.document, window.result_hash, window.ranked_at = document, document["hash"], now
    window.state, session.ranked_until = WindowState.RANKED, None
    await db.flush()
    await note(db, "ranked", "ranked_window", window.id, hash=document["hash"])


async def award(
    db: AsyncSession, session: Session, field: Field, placings: Sequence[Placing], *, now: datetime
) -> None:
    """Give each application what the rule says, in its order."""
    by_key = {each.key: each for each in field.applications}
    for position, placing in enumerate(placings, 1):
        row = by_key[placing.entry.key]
        row.position, row.people = position, placing.entry.people
        row.deadline, row.since = placing.entry.deadline, placing.entry.since
        row.state = ApplicationState.PLACED if placing.is_placed else ApplicationState.QUEUED
    for row in field.applications:
        if row.position is None:
            row.state = ApplicationState.UNFIT
    await db.flush()
    ranked = sorted((row for row in field.applications if row.position), key=lambda row: row.position or 0)
    for row in ranked:
        if row.state is ApplicationState.PLACED:
            await book(db, session, row, field.fit(row), now=now)
    await queue_up(db, session, [row for row in ranked if row.state is ApplicationState.QUEUED], now=now)
    for row in field.applications:
        tell(db, session, row, field, ranked=len(ranked), now=now)


async def book(
    db: AsyncSession, session: Session, row: Application, worker_ids: Sequence[int], *, now: datetime
) -> None:
    """Set the places aside and name the people into them, as for everybody."""
    hold = Hold(
        session_id=session.id,
        enterprise_id=row.enterprise_id,
        application_id=row.id,
        people=row.people,
        state=HoldState.HELD,
        held_at=now,
        held_until=session.roster_freezes_at,
    )
    db.add(hold)
    session.held += row.people
    await db.flush()
    taking = Taking(session.id, row.enterprise_id, tuple(worker_ids), hold_id=hold.id)
    if not await take_places(db, taking, now=now):
        message = f"session {session.id} took nobody of application {row.id} although nothing stands against it"
        raise RuntimeError(message)
    await db.refresh(session)


async def queue_up(db: AsyncSession, session: Session, rows: Sequence[Application], *, now: datetime) -> None:
    """Let those without a place wait for the session, in their order, behind whoever waits already."""
    wanted = select(Enterprise).where(col(Enterprise.id).in_({row.enterprise_id for row in rows}))
    firms = {firm.id: firm for firm in (await db.exec(wanted)).all()}
    for row in rows:
        firm = firms[row.enterprise_id]
        wish = Waiting(
            bureau_id=session.bureau_id,
            enterprise_id=firm.id,
            exam_id=session.exam_id,
            session_id=session.id,
            application_id=row.id,
            people=row.people,
            latitude=firm.latitude,
            longitude=firm.longitude,
            until_day=session.day,
            state=WaitingState.WAITING,
            asked_at=now,
        )
        db.add(wish)
        # One after the other: those who came at the same moment are served in the order of their keys.
        await db.flush()


def tell(db: AsyncSession, session: Session, row: Application, field: Field, *, ranked: int, now: datetime) -> None:
    """Tell a firm what its application came to, and why somebody on it was left out."""
    people = field.people[row.id]
    out = [(worker, field.reasons[worker.id]) for worker in people if field.reasons[worker.id]]
    if row.state is ApplicationState.PLACED:
        tell_placed(db, session, row, ranked=ranked, now=now)
    elif row.state is ApplicationState.QUEUED:
        tell_queued(db, session, row, ranked=ranked, now=now)
    if out:
        tell_unfit(db, session, row, out, now=now)


RANKINGS = Job("windows are ranked", rank_due, next_ranking)
