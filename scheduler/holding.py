"""
Choosing open places: they are held for the firm at once, for some minutes, in which it names its people.

What thousands do in the same minute is one statement (`models/taking.py`). Only where it takes nothing does the desk
look closer: it releases what has lapsed, tries once more, and else says why not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold
from models.database import Database
from models.sessions import Session
from models.vocabulary import HoldState, Role
from scheduler.alternatives import Sought, no_places
from scheduler.availability import footing_of
from scheduler.awarding import rank_if_due
from scheduler.booking_rules import (
    full,
    in_words,
    refuse_for,
    refuse_wrong_people,
    why_not_hold,
    why_not_session,
    why_not_share,
)
from scheduler.callers import Caller, require
from scheduler.drawing import hold_with_shares
from scheduler.hold_ends import end_holds
from scheduler.idempotency import KeyedWrite, answered_once
from scheduler.journal import note
from scheduler.places_taken import lock_session, release_lapsed
from scheduler.policy import Policy, policy_of
from scheduler.queues import may_pass, pass_on
from scheduler.refusals import Code, Refusal, not_found
from scheduler.shares import share_of
from scheduler.visibility import visible

SESSION_ID, PEOPLE, HOLD_ID = ("input", "sessionId"), ("input", "people"), ("input", "holdId")

# What `hold_places` takes, in its order; once as the driver writes it, once as SQLAlchemy does.
TAKES = (
    "session_id", "enterprise_id", "bureau_id", "people", "or_fewer", "now", "actor", "minutes", "share", "account_id",
    "key", "fingerprint", "is_past_queue",
)  # fmt: skip
HOLD_AT_ONCE = f"SELECT * FROM hold_places({', '.join(f'${at}' for at, _ in enumerate(TAKES, 1))})"  # noqa: S608  # our own names
HOLD = text(f"SELECT * FROM hold_places({', '.join(f':{name}' for name in TAKES)})")  # noqa: S608  # our own names


@dataclass(frozen=True, slots=True)
class Choice:
    """So many open places of a session, all or none of them, or as many as there are; `path` is the input's field."""

    session_id: int
    people: int
    or_fewer: bool = False
    path: tuple[str, ...] = PEOPLE

    @property
    def least(self) -> int:
        """The fewest places that will do."""
        return 1 if self.or_fewer else self.people


async def choose_places(
    database: Database, choice: Choice, *, write: KeyedWrite | None, caller: Caller, now: datetime
) -> Hold:
    """
    Hold open places for the caller's firm, in one statement where nothing stands against it.

    Opens its own transactions: the usual one begins and ends on the server. The answer to a key is kept with it.

    Raises:
        Refused: BAD_INPUT, OUT_OF_RANGE, NOT_FOUND, ROSTER_FROZEN, OVER_SHARE, or FULL with the nearest alternatives.
    """
    require(caller, Role.ENTERPRISE)
    refuse_wrong_people(choice.people, *PEOPLE)
    if held := await held_at_once(database, choice, write=write, caller=caller, now=now):
        return held

    async def act(db: AsyncSession) -> Hold:
        return await hold_open(db, choice, caller=caller, now=now)

    return await answered_once(database, write, act, kind=Hold, caller=caller, now=now)


async def held_at_once(
    database: Database, choice: Choice, *, write: KeyedWrite | None, caller: Caller, now: datetime
) -> Hold | None:
    """Hold the places in one round trip; None says that it takes a closer look."""
    values = values_of(choice, write=write, caller=caller, now=now)
    try:
        async with database.at_once() as connection:
            row = await connection.fetchrow(HOLD_AT_ONCE, *(values[name] for name in TAKES))
    except asyncpg.UniqueViolationError:
        # The key was used for another session in this very moment.
        return None
    return hold_of(row) if row else None


async def hold_places(
    db: AsyncSession, choice: Choice, *, caller: Caller, now: datetime, is_past_queue: bool = False
) -> Hold | None:
    """Hold the places within a transaction; None if there are too few, or something forbids it."""
    connection = await db.connection()
    values = values_of(choice, write=None, caller=caller, now=now) | {"is_past_queue": is_past_queue}
    taken = await connection.execute(HOLD, values)
    row = taken.mappings().one_or_none()
    return hold_of(row) if row else None


def values_of(choice: Choice, *, write: KeyedWrite | None, caller: Caller, now: datetime) -> dict[str, Any]:
    """What the one statement is told."""
    policy = Policy()
    return {
        "session_id": choice.session_id,
        "enterprise_id": caller.enterprise_id,
        "bureau_id": caller.bureau_id,
        "people": choice.people,
        "or_fewer": choice.or_fewer,
        "now": now,
        "actor": caller.actor,
        "minutes": policy.hold_minutes,
        "share": policy.most_share_percent,
        "account_id": caller.account_id,
        "key": write.key if write else None,
        "fingerprint": write.fingerprint if write else None,
        "is_past_queue": False,
    }


def hold_of(row: Mapping[Any, Any]) -> Hold:
    """The hold that a statement answers."""
    return Hold(**{**row, "state": HoldState(row["state"])})


async def hold_open(db: AsyncSession, choice: Choice, *, caller: Caller, now: datetime) -> Hold:
    """
    Hold open places within a transaction.

    Who comes to a full session is told so without waiting for its lock: thousands may come to it.

    Raises:
        Refused: What stands against it at this moment.
    """
    session = await seen_session(db, choice.session_id, caller=caller)
    refuse_for(why_not_session(session, now=now), *SESSION_ID)
    if session.ranked_until is not None and session.ranked_until <= now:
        session = await lock_session(db, session.id)
        await rank_if_due(db, session, now=now)
    reason = await why_not_places(db, session, choice, caller=caller, now=now)
    if reason is None:
        if held := await hold_places(db, choice, caller=caller, now=now):
            return held
        if held := await hold_after_others(db, session, choice, caller=caller, now=now):
            return held
        reason = await why_not_places(db, session, choice, caller=caller, now=now)
        reason = reason or full(session.unclaimed, choice.people)
    sought = Sought(choice.people, choice.path, caller)
    raise await no_places(db, session, reason, sought, now=now)


async def hold_after_others(
    db: AsyncSession, session: Session, choice: Choice, *, caller: Caller, now: datetime
) -> Hold | None:
    """
    Hold open places once what lapsed is released and the queue has had its turn; None where nothing is left.

    Raises:
        Refused: The session is closed to names by now.
    """
    session = await lock_session(db, session.id)
    refuse_for(why_not_session(session, now=now), *SESSION_ID)
    await release_lapsed(db, session, now=now)
    await pass_on(db, session, now=now)
    firm = caller.enterprise_id or 0
    share = await share_of(db, session, firm, now=now)
    if why_not_share(share, choice.least) or not await may_pass(db, session, choice.least, enterprise_id=firm, now=now):
        return None
    most = min(choice.people, share.left)
    if session.shared and (held := await hold_with_shares(db, session, most, enterprise_id=firm, now=now)):
        return held
    return await hold_places(db, choice, caller=caller, now=now, is_past_queue=True)


async def why_not_places(
    db: AsyncSession, session: Session, choice: Choice, *, caller: Caller, now: datetime
) -> Refusal | None:
    """What stands against the places by the rules that say what can be booked, with what is open at this moment."""
    footing = await footing_of(db, session, caller.enterprise_id or 0, now=now)
    return footing.why_not(choice.people, choice.least, now=now)


async def seen_session(db: AsyncSession, session_id: int, *, caller: Caller) -> Session:
    """
    A session of the caller's bureau.

    Raises:
        Refused: NOT_FOUND.
    """
    seen = visible(Session, caller).where(col(Session.id) == session_id, col(Session.bureau_id) == caller.bureau_id)
    found = (await db.exec(seen)).one_or_none()
    if found is None:
        raise not_found("Session", *SESSION_ID)
    return found


async def own_hold(db: AsyncSession, hold_id: int, *, caller: Caller) -> Hold:
    """
    A hold of the caller's firm.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND.
    """
    require(caller, Role.ENTERPRISE)
    found = (await db.exec(visible(Hold, caller).where(col(Hold.id) == hold_id))).one_or_none()
    if found is None:
        raise not_found("Hold", *HOLD_ID)
    return found


async def lock_hold(db: AsyncSession, hold_id: int, *, caller: Caller, now: datetime) -> tuple[Session, Hold]:
    """
    A hold of the caller's firm that stands, and its session, both locked, the session first.

    Raises:
        Refused: NOT_FOUND; WRONG_STATE or HOLD_LAPSED for one that does not stand.
    """
    session = await lock_session(db, (await own_hold(db, hold_id, caller=caller)).session_id)
    locked = select(Hold).where(col(Hold.id) == hold_id).with_for_update(key_share=True)
    hold = (await db.exec(locked.execution_options(populate_existing=True))).one()
    refuse_for(why_not_hold(hold, 1, now=now), *HOLD_ID)
    return session, hold


async def extend_hold(db: AsyncSession, hold_id: int, *, caller: Caller, now: datetime) -> Hold:
    """
    Give a hold the same minutes once more, never beyond the freeze of the roster.

    Raises:
        Refused: NOT_FOUND, HOLD_LAPSED, WRONG_STATE; ALREADY_EXTENDED the second time.
    """
    session, hold = await lock_hold(db, hold_id, caller=caller, now=now)
    refuse_for(why_not_extended(hold), *HOLD_ID)
    minutes = (await policy_of(db, session.bureau_id)).hold_minutes
    hold.held_until = min(hold.held_until + timedelta(minutes=minutes), session.roster_freezes_at)
    hold.is_extended = True
    await db.flush()
    await note(db, "extended", "hold", hold.id, held_until=hold.held_until.isoformat())
    return hold


async def release_hold(db: AsyncSession, hold_id: int, *, caller: Caller, now: datetime) -> Hold:
    """
    Give held places back before their minutes are over; they are open to everyone at once.

    Raises:
        Refused: NOT_FOUND, HOLD_LAPSED, WRONG_STATE.
    """
    session, hold = await lock_hold(db, hold_id, caller=caller, now=now)
    await end_holds(db, session, [hold], HoldState.RELEASED)
    await pass_on(db, session, now=now)
    return hold


def why_not_extended(hold: Hold) -> Refusal | None:
    """A hold is extended once: places that nobody names are for others."""
    if not hold.is_extended:
        return None
    until = in_words(hold.held_until)
    return Refusal(Code.ALREADY_EXTENDED, f"This hold was extended once already: name your people until {until}.")
