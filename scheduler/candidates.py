"""What the rules of eligibility need to know of people: results, certificates and places, gathered for many at once."""

from collections.abc import Iterable
from datetime import date

from sqlmodel import and_, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.catalogue import Exam
from models.outcomes import Certificate, Renewal, Result
from models.parties import Worker
from models.sessions import Session
from models.vocabulary import BookingState, CertificateState, Outcome, RenewalState, SessionState, Subject
from scheduler.eligibility import Standing, Upcoming

OVER = (SessionState.CLOSED, SessionState.CANCELLED, SessionState.DROPPED)


async def standings_of(
    db: AsyncSession, workers: Iterable[Worker], exam: Exam, *, gated: bool, today: date
) -> dict[int, Standing]:
    """What the rules need to know today of these workers for an exam, in a constant number of statements."""
    people = {worker.id: worker for worker in workers}
    exams = (await db.exec(select(Exam).where(col(Exam.item_id) == exam.item_id))).all()
    theory = next((each.id for each in exams if each.subject is Subject.THEORY), None)
    results = (
        await db.exec(
            select(Result).where(
                col(Result.worker_id).in_(people), col(Result.exam_id).in_([each.id for each in exams])
            )
        )
    ).all()
    certified = await certified_among(db, people, exam.item_id, today=today)
    upcoming = await upcoming_of(db, people, exam.id)
    return {
        worker_id: Standing(
            worker=worker,
            exam=exam,
            results=tuple(r for r in results if r.worker_id == worker_id and r.exam_id == exam.id),
            theory_passed_on=last_pass(r for r in results if r.worker_id == worker_id and r.exam_id == theory),
            needs_theory=gated and theory is not None,
            holds_certificate=worker_id in certified,
            upcoming=upcoming.get(worker_id, ()),
        )
        for worker_id, worker in people.items()
    }


def last_pass(results: Iterable[Result]) -> date | None:
    """The last day on which one of these sittings was passed."""
    return max((result.sat_on for result in results if result.outcome is Outcome.PASSED), default=None)


async def certified_among(db: AsyncSession, worker_ids: Iterable[int], item_id: int, *, today: date) -> set[int]:
    """
    Those of the workers who await the item's certificate, or hold one that is or may still be renewed on paper.

    Whoever did not renew in time, or was refused, is examined again, before the old certificate runs out or after it.
    """
    standing = (
        select(col(Certificate.worker_id))
        .join(Renewal, col(Renewal.certificate_id) == col(Certificate.id), isouter=True)
        .where(
            col(Certificate.worker_id).in_(list(worker_ids)),
            col(Certificate.item_id) == item_id,
            or_(
                col(Certificate.state) == CertificateState.PENDING,
                col(Renewal.state) == RenewalState.APPLIED,
                and_(
                    col(Certificate.state) == CertificateState.VALID,
                    col(Certificate.expires_on) >= today,
                    or_(
                        col(Renewal.id).is_(None),
                        and_(col(Renewal.state) == RenewalState.PROPOSED, col(Renewal.due_on) >= today),
                    ),
                ),
            ),
        )
    )
    return set((await db.exec(standing)).all())


async def upcoming_of(db: AsyncSession, worker_ids: Iterable[int], exam_id: int) -> dict[int, tuple[Upcoming, ...]]:
    """The places that the workers hold in sessions of the exam that are not over and have no result of theirs."""
    held = (
        select(col(Booking.worker_id), col(Session.id), col(Session.day))
        .join(Session, col(Session.id) == col(Booking.session_id))
        .join(Result, col(Result.booking_id) == col(Booking.id), isouter=True)
        .where(
            col(Booking.worker_id).in_(list(worker_ids)),
            col(Booking.state) == BookingState.CONFIRMED,
            col(Session.exam_id) == exam_id,
            col(Session.state).not_in(OVER),
            col(Result.id).is_(None),
        )
        .order_by(col(Session.day))
    )
    found: dict[int, tuple[Upcoming, ...]] = {}
    for worker_id, session_id, day in (await db.exec(held)).all():
        found[worker_id] = (*found.get(worker_id, ()), Upcoming(session_id, day))
    return found
