"""Holding places for a firm whose office or town has a share: the lowest tier's places first, then open ones."""

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold
from models.sessions import Session
from models.vocabulary import HoldState
from scheduler.granted_places import as_they_stand, covering, grants_in, keep_draws, within_reach
from scheduler.policy import policy_of


async def hold_with_shares(
    db: AsyncSession, session: Session, people: int, *, enterprise_id: int, now: datetime
) -> Hold | None:
    """
    Hold as many of these places of a locked session as shares and open ones come to; None where no share helps.

    Whoever waits was asked before, and the firm's own limit is kept by whoever calls.
    """
    shares = as_they_stand(await grants_in(db, session))
    tiers = (await covering(db, [enterprise_id]))[enterprise_id]
    unused, drawn = {share.id: share.unused for share in shares}, dict[int, int]()
    for grant_id in within_reach(shares, tiers):
        if more := min(unused[grant_id], people - sum(drawn.values())):
            drawn[grant_id] = more
    if not drawn:
        return None
    minutes = (await policy_of(db, session.bureau_id)).hold_minutes
    from_shares = sum(drawn.values())
    hold = Hold(
        session_id=session.id,
        enterprise_id=enterprise_id,
        people=from_shares + min(people - from_shares, session.unclaimed),
        state=HoldState.HELD,
        held_at=now,
        held_until=min(now + timedelta(minutes=minutes), session.roster_freezes_at),
    )
    session.held, session.shared = session.held + hold.people, session.shared - from_shares
    db.add(hold)
    await db.flush()
    await keep_draws(db, session, hold, drawn)
    return hold
