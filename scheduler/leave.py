"""When examiners are away: set by themselves or by their exam body, never where they already serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.parties import Examiner, ExaminerLeave
from models.sessions import Session, SessionStaff
from models.vocabulary import Role, SessionState
from scheduler.calendar import SHANGHAI, Block
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, Refused, not_found
from scheduler.replan_wishes import lock_unfinished_rounds
from scheduler.typed import refuse_any, why_not_between

MOST_HALF_DAYS = 200
FURTHEST = timedelta(days=730)
GONE = (SessionState.DROPPED, SessionState.CANCELLED)


@dataclass(frozen=True, slots=True)
class LeaveOrder:
    """Half-days on which an examiner is away, or is there again."""

    examiner_id: int
    half_days: tuple[Block, ...]
    is_away: bool = True


async def set_leave(db: AsyncSession, order: LeaveOrder, *, caller: Caller, now: datetime) -> Examiner:
    """
    Set or take back leave; what is already so stays so.

    Raises:
        Refused: The examiner is not the caller or of its exam body; a half-day is over, or has a session to serve.
    """
    examiner = await lock_examiner(db, order.examiner_id, caller=caller)
    refuse_any(why_not_between(len(order.half_days), 1, MOST_HALF_DAYS, "input", "halfDays"))
    today = now.astimezone(SHANGHAI).date()
    refuse_any(*(why_not_day(block, at, today=today) for at, block in enumerate(order.half_days)))
    if order.is_away:
        # Before the look: no plan puts the examiner on duty between it and the leave.
        await lock_unfinished_rounds(db, caller.bureau_id)
        await refuse_serving(db, examiner, order.half_days)

    named = tuple_(col(ExaminerLeave.day), col(ExaminerLeave.part)).in_([(b.day, b.part) for b in order.half_days])
    await db.exec(delete(ExaminerLeave).where(col(ExaminerLeave.examiner_id) == examiner.id, named))
    if order.is_away:
        blocks = sorted(set(order.half_days))
        db.add_all(ExaminerLeave(examiner_id=examiner.id, day=block.day, part=block.part) for block in blocks)
    await db.flush()
    said = "away" if order.is_away else "there again"
    await note(db, f"examiner {said}", "examiner", examiner.id, half_days=[block.id for block in order.half_days])
    return examiner


async def lock_examiner(db: AsyncSession, examiner_id: int, *, caller: Caller) -> Examiner:
    """
    The calling examiner, or one of the calling exam body, locked.

    Raises:
        Refused: NOT_ALLOWED for other roles, NOT_FOUND for other examiners.
    """
    require(caller, Role.EXAMINER, Role.EXAM_BODY)
    is_body = caller.role is Role.EXAM_BODY
    own = col(Examiner.exam_body_id) == caller.exam_body_id if is_body else col(Examiner.id) == caller.examiner_id
    wanted = select(Examiner).where(col(Examiner.id) == examiner_id, own)
    # Not against references to them: a plan that is being written holds its round and refers to examiners.
    found = (await db.exec(wanted.with_for_update(key_share=True))).one_or_none()
    if found is None:
        raise not_found("examiner", "input", "examinerId")
    return found


def why_not_day(block: Block, at: int, *, today: date) -> Refusal | None:
    """Leave is for days to come, within two years."""
    if today <= block.day <= today + FURTHEST:
        return None
    if block.day > today:
        message = f"Set leave until {today + FURTHEST}."
        return Refusal(Code.OUT_OF_RANGE, message, ("input", "halfDays", str(at)))
    return Refusal(
        Code.WINDOW_PAST, f"{block.day} is over: choose days from {today} on.", ("input", "halfDays", str(at))
    )


async def refuse_serving(db: AsyncSession, examiner: Examiner, half_days: Sequence[Block]) -> None:
    """
    Make sure that the examiner serves no session on these half-days.

    Raises:
        Refused: OVERLAPS for each half-day with a session.
    """
    serving = (
        select(col(Session.day), col(Session.part))
        .join(SessionStaff, col(SessionStaff.session_id) == col(Session.id))
        .where(
            col(SessionStaff.examiner_id) == examiner.id,
            col(Session.state).not_in(GONE),
            col(Session.day).in_([block.day for block in half_days]),
        )
    )
    busy = {Block(day, part) for day, part in (await db.exec(serving)).all()}
    reasons = [
        Refusal(
            Code.OVERLAPS,
            f"The examiner serves a session on {block.day} ({block.part.value}): object to it while it is being "
            "consulted on, or ask the bureau to cancel it.",
            ("input", "halfDays", str(at)),
        )
        for at, block in enumerate(half_days)
        if block in busy
    ]
    if reasons:
        raise Refused(*reasons)
