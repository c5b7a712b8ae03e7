"""What people are ranked by: the day they have to meet, and since when they have waited, gathered for many at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, String, cast, func, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.catalogue import Exam
from models.journal import AuditEntry
from models.outcomes import Certificate, Result
from models.parties import Account
from models.sessions import Session
from models.vocabulary import BookingState, CertificateState
from scheduler.calendar import SHANGHAI
from scheduler.ranking import urgency


@dataclass(frozen=True, slots=True)
class Past:
    """What counts of a person's past for a session: the next deadline that it can meet, and the last day of an act."""

    deadline: date | None = None
    last_act: date | None = None


@dataclass(frozen=True, slots=True)
class RankKey:
    """What an application is ordered by."""

    deadline: date | None
    since: date


def key_of_group(pasts: Iterable[Past], *, applied_on: date) -> RankKey:
    """A group stands where the last of its people would stand: nobody moves up by whom they come with."""
    keys = [RankKey(past.deadline, max(applied_on, past.last_act or applied_on)) for past in pasts]
    return max(keys, key=lambda one: urgency(one.deadline, one.since))


async def pasts_of(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> dict[int, Past]:
    """What counts of these people's past for a session, in a constant number of statements."""
    results = await last_results(db, session, worker_ids)
    retakes = {worker_id: result.retake_until for worker_id, result in results.items()}
    expiries = await next_expiries(db, session, worker_ids)
    cancelled = await last_cancellations(db, session, worker_ids)
    return {
        worker_id: Past(
            deadline=min(met_by(session, retakes.get(worker_id), expiries.get(worker_id)), default=None),
            last_act=max(acts(results.get(worker_id), cancelled.get(worker_id)), default=None),
        )
        for worker_id in worker_ids
    }


def met_by(session: Session, *deadlines: date | None) -> list[date]:
    """Those of the deadlines that a place in the session would meet; a missed one is none."""
    return [deadline for deadline in deadlines if deadline is not None and deadline >= session.day]


def acts(last: Result | None, cancelled_at: datetime | None) -> list[date]:
    """The days of the last exam and the last cancellation."""
    return [*([last.sat_on] if last else []), *([cancelled_at.astimezone(SHANGHAI).date()] if cancelled_at else [])]


async def last_results(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> Mapping[int, Result]:
    """The latest sitting of each in the session's exam."""
    sat = select(Result).where(col(Result.worker_id).in_(worker_ids), col(Result.exam_id) == session.exam_id)
    rows = (await db.exec(sat.order_by(col(Result.series), col(Result.attempt)))).all()
    return {row.worker_id: row for row in rows}


async def next_expiries(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> dict[int, date | None]:
    """When the item's valid certificate of each expires."""
    item = select(col(Exam.item_id)).where(col(Exam.id) == session.exam_id).scalar_subquery()
    valid = select(col(Certificate.worker_id), col(Certificate.expires_on)).where(
        col(Certificate.worker_id).in_(worker_ids),
        col(Certificate.item_id) == item,
        col(Certificate.state) == CertificateState.VALID,
    )
    return dict((await db.exec(valid)).all())


async def last_cancellations(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> dict[int, datetime]:
    """When each last gave up a place in the session's exam; what others took from them does not count."""
    found = await last_substituted(db, session, worker_ids)
    for worker_id, at in (await last_cancelled(db, session, worker_ids)).items():
        found[worker_id] = max(at, found.get(worker_id, at))
    return found


async def last_substituted(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> dict[int, datetime]:
    """When the firm of each last sent somebody else in their place: for them it was given up, as by a cancellation."""
    before = cast(col(AuditEntry.detail)["from_worker"].astext, BigInteger)
    sent = (
        select(before, col(AuditEntry.at))
        .join(Booking, (col(AuditEntry.entity) == "booking") & (col(AuditEntry.entity_id) == col(Booking.id)))
        .join(Session, col(Session.id) == col(Booking.session_id))
        .where(
            col(Booking.changes) > 0,
            col(Session.exam_id) == session.exam_id,
            col(AuditEntry.act) == "substituted",
            before.in_(worker_ids),
        )
        .order_by(col(AuditEntry.at))
    )
    return dict((await db.exec(sent)).all())


async def last_cancelled(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> dict[int, datetime]:
    """When the firm of each last cancelled their place."""
    given_up = (
        select(col(Booking.worker_id), func.max(col(AuditEntry.at)))
        .join(Session, col(Session.id) == col(Booking.session_id))
        .join(
            AuditEntry,
            (col(AuditEntry.entity) == "booking")
            & (col(AuditEntry.entity_id) == col(Booking.id))
            & (col(AuditEntry.to_state) == BookingState.CANCELLED.value),
        )
        .join(
            Account,
            (literal("account:") + cast(col(Account.id), String) == col(AuditEntry.actor))
            & (col(Account.enterprise_id) == col(Booking.enterprise_id)),
        )
        .where(
            col(Booking.worker_id).in_(worker_ids),
            col(Booking.state) == BookingState.CANCELLED,
            col(Session.exam_id) == session.exam_id,
        )
        .group_by(col(Booking.worker_id))
    )
    return dict((await db.exec(given_up)).all())
