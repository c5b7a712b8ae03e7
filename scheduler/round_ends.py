"""Calling a round off before it is published: its requests wait for the next one."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.rounds import Round
from models.vocabulary import RoundState
from scheduler.callers import Caller
from scheduler.consultation import void_of_dropped
from scheduler.journal import note
from scheduler.plan_rows import drop_session, free_resources
from scheduler.publication import hold_promises, lock_sessions
from scheduler.refusals import Code, refuse
from scheduler.rounds import UNFINISHED, lock_round
from scheduler.typed import refuse_any, why_not_text


async def cancel_round(db: AsyncSession, round_id: int, reason: str, *, caller: Caller, now: datetime) -> Round:
    """
    Call a round off: its sessions are dropped, nobody answers for them any more, and its requests are open again.

    A plan that is being made meanwhile comes too late and changes nothing.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, BAD_INPUT for no reason; WRONG_STATE for a round that is over.
    """
    planned = await lock_round(db, round_id, caller=caller)
    refuse_any(why_not_text(reason, "input", "reason"))
    if planned.state not in UNFINISHED:
        message = "The round is over: cancel single sessions of it instead (sessionCancel)."
        raise refuse(Code.WRONG_STATE, message, "input", "roundId")
    for session in await lock_sessions(db, planned):
        await free_resources(db, [session.id])
        await drop_session(db, session)
    await void_of_dropped(db, planned)
    await hold_promises(db, planned, [], now=now)
    planned.state, planned.replan_wanted = RoundState.CANCELLED, False
    planned.solve_after = planned.leased_until = planned.progress = None
    await db.flush()
    await note(db, "cancelled", "round", planned.id, reason=reason.strip())
    return planned
