"""Results: what the exam body reports, judged by the rule in force on the session's day, with what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.outcomes import Result
from models.parties import Worker
from models.sessions import Session
from models.vocabulary import Attendance, BookingState, Role, SessionState
from scheduler.attendance import SESSION_ID, lock_roster, not_on_roster, own_session
from scheduler.booking_rules import refuse_for
from scheduler.callers import Caller, require
from scheduler.catalogue import ExamInForce, exam_in_force
from scheduler.follow_ups import Outcomes, follow_up
from scheduler.journal import note
from scheduler.judging import Judging, judged, last_results
from scheduler.places_taken import lock_session
from scheduler.refusals import Code, Refusal, Refused

MOST_ROWS = 200
MARKS = ("input", "marks")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person reached, by booking."""

    booking_id: int
    mark: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the marks are judged against: the roster, those already recorded, and the rule of the day."""

    roster: dict[int, Booking]
    recorded: frozenset[int]
    exam: ExamInForce

    @property
    def present(self) -> list[Booking]:
        """Those who came and have no result yet."""
        return [b for b in self.roster.values() if b.attendance is Attendance.PRESENT and b.id not in self.recorded]

    @property
    def absent(self) -> list[Booking]:
        """Those who did not come and have no result yet."""
        return [b for b in self.roster.values() if b.attendance is Attendance.ABSENT and b.id not in self.recorded]


async def record_results(
    db: AsyncSession, session_id: int, marks: Sequence[Mark], *, caller: Caller, now: datetime
) -> Outcomes:
    """
    Record marks of a held session, all or none; the absent get theirs by themselves, and what follows happens too.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, WRONG_STATE, ALREADY_RECORDED; a reason for each row that is wrong.
    """
    require(caller, Role.EXAM_BODY)
    session = await own_session(db, session_id, caller=caller)
    await lock_candidates(db, session)
    session = await lock_session(db, session.id)
    refuse_for(why_not_held(session), *SESSION_ID)
    sheet = await sheet_of(db, session)
    refuse_wrong_rows(marks, sheet)

    given = {row.booking_id: row.mark for row in marks}
    sat = [booking for booking in sheet.present if booking.id in given] + sheet.absent
    results = judged(sat, given, Judging(sheet.exam, session.day, now), await last_results(db, session, sat))
    db.add_all(results)
    if all(booking.id in given for booking in sheet.present):
        session.state = SessionState.CLOSED
    await db.flush()
    await note(db, "results", "session", session.id, recorded=len(results))
    outcomes = Outcomes(session, sheet.exam, tuple(results))
    await follow_up(db, outcomes, now=now)
    return outcomes


async def lock_candidates(db: AsyncSession, session: Session) -> None:
    """Lock the people first: two bodies' results for one person are judged one after the other."""
    booked = select(col(Booking.worker_id)).where(
        col(Booking.session_id) == session.id, col(Booking.state) == BookingState.CONFIRMED
    )
    people = select(col(Worker.id)).where(col(Worker.id).in_(booked)).order_by(col(Worker.id))
    await db.exec(people.with_for_update(key_share=True))


def why_not_held(session: Session) -> Refusal | None:
    """Results follow attendance, and are recorded once."""
    if session.state is SessionState.CLOSED:
        return Refusal(Code.ALREADY_RECORDED, "All results of this session are recorded already.")
    if session.state is not SessionState.HELD:
        return Refusal(Code.WRONG_STATE, "The session is not held yet: mark everybody's attendance first.")
    return None


async def sheet_of(db: AsyncSession, session: Session) -> Sheet:
    """The roster of a locked session with what is recorded of it."""
    roster = {booking.id: booking for booking in await lock_roster(db, session)}
    recorded = await db.exec(select(col(Result.booking_id)).where(col(Result.booking_id).in_(roster)))
    exam = await exam_in_force(db, session.exam_id, bureau_id=session.bureau_id, on=session.day)
    return Sheet(roster, frozenset(recorded.all()), exam)


def refuse_wrong_rows(marks: Sequence[Mark], sheet: Sheet) -> None:
    """
    Make sure of every row before one is written.

    Raises:
        Refused: BAD_INPUT for no rows while somebody was present, OUT_OF_RANGE for too many; each wrong row's reason.
    """
    if not marks and sheet.present:
        raise Refused(Refusal(Code.BAD_INPUT, "No mark is given: give one for somebody who was present.", MARKS))
    if len(marks) > MOST_ROWS:
        raise Refused(Refusal(Code.OUT_OF_RANGE, f"Record {MOST_ROWS} results at most at a time.", MARKS))
    seen: set[int] = set()
    wrong: list[Refusal | None] = []
    for at, row in enumerate(marks):
        wrong.append(why_not_row(row, sheet, (*MARKS, str(at)), is_repeated=row.booking_id in seen))
        seen.add(row.booking_id)
    if reasons := [reason for reason in wrong if reason]:
        raise Refused(*reasons)


def why_not_row(row: Mark, sheet: Sheet, path: tuple[str, ...], *, is_repeated: bool) -> Refusal | None:
    """One row: somebody of the roster who came, once, with a mark on the scale."""
    booking = sheet.roster.get(row.booking_id)
    best = sheet.exam.exam_rule.full_mark
    if booking is None:
        return not_on_roster((*path, "bookingId"))
    if is_repeated:
        return Refusal(Code.BAD_INPUT, "This booking has two rows: give one.", (*path, "bookingId"))
    if booking.id in sheet.recorded:
        return Refusal(Code.ALREADY_RECORDED, "This result is recorded already: leave the row out.", path)
    if booking.attendance is Attendance.ABSENT:
        return Refusal(Code.BAD_INPUT, "This person was absent: leave the row out, it is recorded by itself.", path)
    if not 0 <= row.mark <= best:  # also refuses what is not a number
        return Refusal(Code.OUT_OF_RANGE, f"Marks go from 0 to {best}: correct it.", (*path, "mark"))
    return None
