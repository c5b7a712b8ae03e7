"""How a mark becomes a result: the rule of the day, the attempt it is, and the retake it leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.outcomes import Result
from models.sessions import Session
from models.vocabulary import Outcome
from scheduler.catalogue import ExamInForce
from scheduler.eligibility import retake_window


@dataclass(frozen=True, slots=True)
class Judging:
    """The exam with the rules of its day, the day it was sat, and the moment of recording."""

    exam: ExamInForce
    sat_on: date
    now: datetime


def judged(
    sat: Iterable[Booking], marks: Mapping[int, float], judging: Judging, last: Mapping[int, Result]
) -> list[Result]:
    """The result of each booking, in order of the bookings; no mark means absence."""
    return [
        result_of(booking, marks.get(booking.id), judging, last.get(booking.worker_id))
        for booking in sorted(sat, key=lambda each: each.id)
    ]


def result_of(booking: Booking, mark: float | None, judging: Judging, last: Result | None) -> Result:
    """One sitting's result, after the worker's last one in this exam."""
    outcome = outcome_of(mark, judging.exam.exam_rule.pass_mark)
    series, attempt = turn_after(last, judging.sat_on)
    window = retake_left(outcome, attempt, judging)
    return Result(
        booking_id=booking.id,
        worker_id=booking.worker_id,
        exam_id=judging.exam.exam.id,
        exam_rule_id=judging.exam.exam_rule.id,
        series=series,
        attempt=attempt,
        mark=mark,
        outcome=outcome,
        sat_on=judging.sat_on,
        recorded_at=judging.now,
        retake_from=window[0] if window else None,
        retake_until=window[1] if window else None,
    )


def outcome_of(mark: float | None, pass_mark: int) -> Outcome:
    """Absence has no mark; the pass mark itself passes."""
    if mark is None:
        return Outcome.ABSENT
    return Outcome.PASSED if mark >= pass_mark else Outcome.FAILED


def turn_after(last: Result | None, sat_on: date) -> tuple[int, int]:
    """Series and attempt of a sitting: a retake within its window goes on with the series, anything else begins one."""
    if last is None:
        return 1, 1
    if last.retake_from and last.retake_until and last.retake_from <= sat_on <= last.retake_until:
        return last.series, last.attempt + 1
    return last.series + 1, 1


def retake_left(outcome: Outcome, attempt: int, judging: Judging) -> tuple[date, date] | None:
    """The window of the retake that a failure leaves; absence and the last attempt leave none."""
    rule = judging.exam.item_rule
    if outcome is not Outcome.FAILED or attempt > rule.retakes:
        return None
    return retake_window(judging.sat_on, rule)


async def last_results(db: AsyncSession, session: Session, sat: Sequence[Booking]) -> dict[int, Result]:
    """The latest result in the session's exam of each worker booked."""
    earlier = select(Result).where(
        col(Result.exam_id) == session.exam_id, col(Result.worker_id).in_([booking.worker_id for booking in sat])
    )
    rows = await db.exec(earlier.order_by(col(Result.series), col(Result.attempt)))
    return {row.worker_id: row for row in rows.all()}
