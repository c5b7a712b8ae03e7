"""What follows from results by itself: the next subject, the retake, the certificate that awaits its decision."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.catalogue import Exam
from models.outcomes import Certificate, Result
from models.parties import Enterprise
from models.sessions import Session
from models.vocabulary import CertificateState, Outcome, RequestOrigin, RequestState, Subject
from scheduler.calendar import SHANGHAI
from scheduler.calendar_days import work_calendar
from scheduler.candidates import certified_among
from scheduler.catalogue import ExamInForce, exams_of
from scheduler.eligibility import counts_until
from scheduler.policy import Policy, policy_of
from scheduler.wishes import Wish, ask, first_day, waiting_among


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Results just recorded, with their session and the rules of its day."""

    session: Session
    exam: ExamInForce
    results: tuple[Result, ...]

    def of(self, outcome: Outcome) -> list[Result]:
        """The results that came out so."""
        return [result for result in self.results if result.outcome is outcome]


async def follow_up(db: AsyncSession, outcomes: Outcomes, *, now: datetime) -> None:
    """Ask for the next subject, propose retakes, and put finished people before the issuing authority."""
    policy = await policy_of(db, outcomes.session.bureau_id)
    exams = await exams_of(db, outcomes.exam.item.id)
    passed = outcomes.of(Outcome.PASSED)
    done = await finished(db, passed, exams.values(), outcomes)
    await apply_for_certificates(db, outcomes, done, policy=policy, now=now)
    practical = exams.get(Subject.PRACTICAL)
    if practical and outcomes.exam.exam.subject is Subject.THEORY:
        going_on = [result for result in passed if result.worker_id not in done]
        await ask_for(db, going_on, next_subject(practical, policy, now=now), now=now)
    retaking = [result for result in outcomes.of(Outcome.FAILED) if result.retake_until]
    if retaking:
        await ask_for(db, retaking, retake(retaking[0], policy, now=now), now=now)


async def finished(
    db: AsyncSession, passed: Sequence[Result], exams: Iterable[Exam], outcomes: Outcomes
) -> frozenset[int]:
    """The workers among those who passed who now have every subject of the item, by passes that still count."""
    needed = {exam.id for exam in exams}
    passes = select(Result).where(
        col(Result.worker_id).in_([result.worker_id for result in passed]),
        col(Result.exam_id).in_(needed),
        col(Result.outcome) == Outcome.PASSED,
    )
    have: dict[int, set[int]] = defaultdict(set)
    for row in (await db.exec(passes)).all():
        if outcomes.session.day <= counts_until(row.sat_on, outcomes.exam.item_rule):
            have[row.worker_id].add(row.exam_id)
    return frozenset(worker_id for worker_id, exam_ids in have.items() if exam_ids == needed)


async def apply_for_certificates(
    db: AsyncSession, outcomes: Outcomes, worker_ids: Iterable[int], *, policy: Policy, now: datetime
) -> None:
    """A certificate that awaits its decision for each of the workers who does not hold or await one."""
    exam = outcomes.exam
    certified = await certified_among(db, worker_ids, exam.item.id, today=now.astimezone(SHANGHAI).date())
    due_at = (await work_calendar(db, outcomes.session.bureau_id)).add_working_days(
        now, int(policy.decision_working_days)
    )
    for worker_id in sorted(set(worker_ids) - certified):
        db.add(
            Certificate(
                worker_id=worker_id,
                item_id=exam.item.id,
                rule_id=exam.item_rule.id,
                state=CertificateState.PENDING,
                decision_due_at=due_at,
            )
        )
    await db.flush()


def next_subject(practical: Exam, policy: Policy, *, now: datetime) -> Wish:
    """The practical, from the first day that can still be published on."""
    first = first_day(policy, now=now)
    last = first + timedelta(days=policy.next_subject_days)
    return Wish(practical.id, RequestOrigin.NEXT_SUBJECT, RequestState.OPEN, first, last)


def retake(failed: Result, policy: Policy, *, now: datetime) -> Wish:
    """The same exam once more within its window, for the firm to accept; all of a session share the window."""
    last = failed.retake_until or failed.sat_on
    first = min(max(first_day(policy, now=now), failed.retake_from or last), last)
    return Wish(failed.exam_id, RequestOrigin.RETAKE, RequestState.PROPOSED, first, last)


async def ask_for(db: AsyncSession, results: Sequence[Result], wish: Wish, *, now: datetime) -> None:
    """The wish on behalf of everybody with these results who is not asked for or booked already."""
    waiting = await waiting_among(db, [result.worker_id for result in results], wish.exam_id)
    for enterprise, worker_ids in await firms_of(db, [result for result in results if result.worker_id not in waiting]):
        await ask(db, enterprise, worker_ids, wish, now=now)


async def firms_of(db: AsyncSession, results: Sequence[Result]) -> list[tuple[Enterprise, list[int]]]:
    """The firms that booked these sittings, in id order, each with its people."""
    booked = (
        select(Enterprise, col(Booking.worker_id))
        .join(Booking, col(Booking.enterprise_id) == col(Enterprise.id))
        .where(col(Booking.id).in_([result.booking_id for result in results]))
        .order_by(col(Enterprise.id), col(Booking.worker_id))
    )
    people: Mapping[int, list[int]] = defaultdict(list)
    firms: dict[int, Enterprise] = {}
    for enterprise, worker_id in (await db.exec(booked)).all():
        firms[enterprise.id] = enterprise
        people[enterprise.id].append(worker_id)
    return [(enterprise, people[key]) for key, enterprise in firms.items()]
