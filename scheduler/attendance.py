"""The day: who came and who did not, marked by the examiners on duty or their exam body."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.outcomes import Result
from models.sessions import Session, SessionStaff
from models.vocabulary import Attendance, BookingState, Role, SessionState
from scheduler.booking_rules import in_words, refuse_for
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.places_taken import lock_session
from scheduler.policy import policy_of
from scheduler.refusals import Code, Refusal, Refused, not_found, refuse
from scheduler.rosters import freeze_if_due
from scheduler.visibility import visible

MOST_MARKED = 1000
SESSION_ID = ("input", "sessionId")


@dataclass(frozen=True, slots=True)
class RollCall:
    """Who came and who did not, by booking; those in neither list are marked later."""

    session_id: int
    present: tuple[int, ...]
    absent: tuple[int, ...]

    def rows(self) -> Iterator[tuple[int, Attendance, tuple[str, ...]]]:
        """Each booking with its mark and its input field."""
        for at, booking_id in enumerate(self.present):
            yield booking_id, Attendance.PRESENT, ("input", "presentBookingIds", str(at))
        for at, booking_id in enumerate(self.absent):
            yield booking_id, Attendance.ABSENT, ("input", "absentBookingIds", str(at))


async def record_attendance(db: AsyncSession, call: RollCall, *, caller: Caller, now: datetime) -> Session:
    """
    Mark who came; once everybody is marked, the session counts as held. May be corrected until results are in.

    Raises:
        Refused: NOT_FOUND, NOT_ALLOWED, NOT_THE_DAY, TOO_LATE, ALREADY_RECORDED; NOT_ON_ROSTER for each stranger.
    """
    require(caller, Role.EXAMINER, Role.EXAM_BODY)
    if len(call.present) + len(call.absent) > MOST_MARKED:
        raise refuse(Code.OUT_OF_RANGE, f"Mark {MOST_MARKED} people at most at a time.", "input", "presentBookingIds")
    session = await own_session(db, call.session_id, caller=caller)
    refuse_for(await why_not_on_duty(db, session, caller=caller), *SESSION_ID)
    session = await lock_session(db, session.id)
    await freeze_if_due(db, session, now=now)
    days = int((await policy_of(db, session.bureau_id)).attendance_days)
    refuse_for(why_not_now(session, days, now=now) or await why_not_open(db, session), *SESSION_ID)
    roster = {booking.id: booking for booking in await lock_roster(db, session)}
    refuse_strangers(call, roster)

    for booking_id, attendance, _ in call.rows():
        roster[booking_id].attendance = attendance
    is_complete = all(booking.attendance is not Attendance.EXPECTED for booking in roster.values())
    if is_complete and session.state is SessionState.FROZEN:
        session.state = SessionState.HELD
    await db.flush()
    await note(db, "attendance", "session", session.id, present=call.present, absent=call.absent)
    return session


async def own_session(db: AsyncSession, session_id: int, *, caller: Caller) -> Session:
    """
    A session that the caller sees.

    Raises:
        Refused: NOT_FOUND.
    """
    found = (await db.exec(visible(Session, caller).where(col(Session.id) == session_id))).one_or_none()
    if found is None:
        raise not_found("Session", *SESSION_ID)
    return found


async def why_not_on_duty(db: AsyncSession, session: Session, *, caller: Caller) -> Refusal | None:
    """An exam body sees only its own sessions; an examiner marks those of one's own duty."""
    if caller.role is Role.EXAM_BODY:
        return None
    duty = select(SessionStaff).where(
        col(SessionStaff.session_id) == session.id, col(SessionStaff.examiner_id) == caller.examiner_id
    )
    if (await db.exec(duty)).first():
        return None
    return Refusal(Code.NOT_ALLOWED, "You are not on duty at this session: an examiner who is, or the body, marks it.")


def why_not_now(session: Session, days: int, *, now: datetime) -> Refusal | None:
    """Attendance is marked from the session's start until so many days after its day."""
    if now < session.starts_at:
        return Refusal(Code.NOT_THE_DAY, f"The session starts at {in_words(session.starts_at)}: mark it from then on.")
    last = session.day + timedelta(days=days)
    if now.astimezone(SHANGHAI).date() > last:
        return Refusal(Code.TOO_LATE, f"Attendance could be marked until {last}: ask the bureau.")
    return None


async def why_not_open(db: AsyncSession, session: Session) -> Refusal | None:
    """The roster is frozen, the session stands, and no result is in yet."""
    if session.state not in (SessionState.FROZEN, SessionState.HELD, SessionState.CLOSED):
        return Refusal(Code.WRONG_STATE, f"The session is {session.state.value.lower()}: there is nobody to mark.")
    recorded = (
        select(col(Result.id))
        .join(Booking, col(Booking.id) == col(Result.booking_id))
        .where(col(Booking.session_id) == session.id)
    )
    if session.state is SessionState.CLOSED or (await db.exec(recorded.limit(1))).first():
        return Refusal(Code.ALREADY_RECORDED, "Results are recorded already: attendance stands as it is.")
    return None


async def lock_roster(db: AsyncSession, session: Session) -> Sequence[Booking]:
    """Everybody booked in a locked session, in id order, locked too."""
    roster = select(Booking).where(col(Booking.session_id) == session.id, col(Booking.state) == BookingState.CONFIRMED)
    return (await db.exec(roster.order_by(col(Booking.id)).with_for_update(key_share=True))).all()


def refuse_strangers(call: RollCall, roster: dict[int, Booking]) -> None:
    """
    Make sure that everybody marked is on the roster, and marked once.

    Raises:
        Refused: NOT_ON_ROSTER or BAD_INPUT for each row that is wrong.
    """
    wrong: list[Refusal] = []
    seen: set[int] = set()
    for booking_id, _, path in call.rows():
        if booking_id not in roster:
            wrong.append(not_on_roster(path))
        elif booking_id in seen:
            wrong.append(Refusal(Code.BAD_INPUT, "This booking is marked twice: mark each once.", path))
        seen.add(booking_id)
    if wrong:
        raise Refused(*wrong)


def not_on_roster(path: tuple[str, ...]) -> Refusal:
    """The one answer for a booking of elsewhere, one given up, and none at all."""
    return Refusal(Code.NOT_ON_ROSTER, "This booking is not on the session's roster: use one that is.", path)
