"""How held places end: named, given back or lapsed; and what becomes of the waiting firm they were offered to."""

from collections.abc import Sequence

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Hold, Waiting
from models.sessions import Session
from models.vocabulary import HoldState, WaitingState
from scheduler.granted_places import undraw

STANDING = (HoldState.KEPT, HoldState.HELD)
FATES = {HoldState.RELEASED: WaitingState.LEFT, HoldState.LAPSED: WaitingState.LAPSED}


async def standing_holds(db: AsyncSession, session: Session) -> Sequence[Hold]:
    """The holds of a locked session that still take places, locked too."""
    held = select(Hold).where(col(Hold.session_id) == session.id, col(Hold.state).in_(STANDING))
    locked = held.order_by(col(Hold.id)).with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await db.exec(locked)).all()


async def end_holds(
    db: AsyncSession, session: Session, holds: Sequence[Hold], state: HoldState, *, waits_on: bool = False
) -> None:
    """
    Open the nameless places of locked holds to everyone, or to the tier whose share they came from.

    What is named stays booked.

    Whoever was offered them leaves the queue with them, or waits on at its old position where the offer was taken from
    it. Places that were only kept for a group leave it where it is.
    """
    offers = [hold for hold in holds if hold.state is HoldState.HELD and hold.waiting_id is not None]
    for hold in holds:
        session.held -= hold.people - hold.named
        hold.state = state
    await db.flush()
    await undraw(db, session, holds)
    for offer in offers:
        fate = WaitingState.SERVED if offer.named else WaitingState.WAITING if waits_on else FATES[state]
        await move(db, offer, fate)


async def serve_if_named(db: AsyncSession, hold: Hold) -> None:
    """Let a firm leave the queue once everybody is named into what it was offered."""
    ended = await db.exec(select(Hold).where(col(Hold.id) == hold.id).execution_options(populate_existing=True))
    if ended.one().state is HoldState.USED:
        await move(db, hold, WaitingState.SERVED)


async def move(db: AsyncSession, offer: Hold, state: WaitingState) -> None:
    """Move the waiting firm that an offer was made to."""
    await db.exec(
        update(Waiting)
        .where(col(Waiting.id) == offer.waiting_id)
        .values(state=state)
        .execution_options(synchronize_session="fetch")
    )
