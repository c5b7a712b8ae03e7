"""What follows from results by itself: the next subject, the retake, the certificate that awaits its decision."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.catalogue import Exam
from models.demand import Request, RequestPerson
from models.outcomes import Certificate, Result
from models.parties import Enterprise
from models.sessions import Session
from models.vocabulary import CertificateState, Outcome, RequestOrigin, RequestState, Subject
from scheduler.calendar import SHANGHAI
from scheduler.calendar_days import work_calendar
from scheduler.catalogue import ExamInForce, exams_of
from scheduler.demand import STANDING
from scheduler.eligibility import certified_among, counts_until, upcoming_of
from scheduler.outbox import send
from scheduler.policy import Policy, policy_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Results just recorded, with their session and the rules of its day."""

    session: Session
    exam: ExamInForce
    results: tuple[Result, ...]

    def of(self, outcome: Outcome) -> list[Result]:
        """The results that came out so."""
        return [result for result in self.results if result.outcome is outcome]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the rules ask for in the firms' place: an exam, between two days, and why."""

    exam_id: int
    origin: RequestOrigin
    state: RequestState
    earliest_day: date
    latest_day: date


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
        await ask(db, going_on, next_subject(practical, policy, now=now), now=now)
    retaking = [result for result in outcomes.of(Outcome.FAILED) if result.retake_until]
    if retaking:
        await ask(db, retaking, retake(retaking[0], policy, now=now), now=now)


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
    certified = await certified_among(db, worker_ids, exam.item.id)
    due_at = (await work_calendar(db)).add_working_days(now, int(policy.decision_working_days))
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


def first_day(policy: Policy, *, now: datetime) -> date:
    """The first day that a plan made now can be public ahead of."""
    return now.astimezone(SHANGHAI).date() + timedelta(days=policy.publish_lead_days)


async def ask(db: AsyncSession, results: Sequence[Result], wish: Wish, *, now: datetime) -> None:
    """One request for each firm with the people it is about, and a message; nobody is asked for twice."""
    waiting = await waiting_among(db, [result.worker_id for result in results], wish.exam_id)
    firms = await firms_of(db, [result for result in results if result.worker_id not in waiting])
    for enterprise, worker_ids in firms:
        request = Request(
            enterprise_id=enterprise.id,
            exam_id=wish.exam_id,
            people=len(worker_ids),
            earliest_day=wish.earliest_day,
            latest_day=wish.latest_day,
            latitude=enterprise.latitude,
            longitude=enterprise.longitude,
            origin=wish.origin,
            state=wish.state,
            asked_at=now,
        )
        db.add(request)
        await db.flush()
        db.add_all(RequestPerson(request_id=request.id, worker_id=worker_id) for worker_id in worker_ids)
        tell(db, enterprise, wish, people=len(worker_ids), now=now)
    await db.flush()


async def waiting_among(db: AsyncSession, worker_ids: Sequence[int], exam_id: int) -> set[int]:
    """Those of the workers who are asked for already, or booked."""
    asked = (
        select(col(RequestPerson.worker_id))
        .join(Request, col(Request.id) == col(RequestPerson.request_id))
        .where(
            col(RequestPerson.worker_id).in_(worker_ids),
            col(Request.exam_id) == exam_id,
            col(Request.state).in_(STANDING),
        )
    )
    return set((await db.exec(asked)).all()) | set(await upcoming_of(db, worker_ids, exam_id))


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


def tell(db: AsyncSession, enterprise: Enterprise, wish: Wish, *, people: int, now: datetime) -> None:
    """Say to the firm what was asked for it, or what it may accept."""
    days = f"between {wish.earliest_day} and {wish.latest_day}"
    if wish.origin is RequestOrigin.RETAKE:
        subject, body = (
            "Retake",
            f"{people} of your people may sit again {days}: accept the proposed request, or decline.",
        )
    else:
        subject, body = "Next subject", f"{people} of your people passed; the practical is asked for {days}."
    send(db, recipient=f"enterprise:{enterprise.id}", subject=subject, body=body, now=now)
