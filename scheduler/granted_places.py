"""
Shares over the tiers: places of a session that only the firms of a town or an office may book, until a date.

Whoever writes them has the session's lock. A place that was drawn and is free again goes back to the share it came
from; once that one's date is over it goes to the tier above, and at last to all. (`shares.py` is about something else:
how much of a session one firm may take.)
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, and_, func, or_, union_all, update
from sqlalchemy import select as sa_select
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking, Hold
from models.grants import GrantDraw, PlaceGrant
from models.parties import Enterprise
from models.places import Jurisdiction
from models.sessions import Session
from models.vocabulary import GrantState, HoldState
from scheduler.journal import note
from scheduler.outbox import send

SUBJECT = "Places of your share are returned (名额收回)"


async def grants_in(db: AsyncSession, session: Session) -> dict[int, PlaceGrant]:
    """Every share that was ever granted in a locked session, by key; locked, too."""
    await db.flush()
    made = select(PlaceGrant).where(col(PlaceGrant.session_id) == session.id).order_by(col(PlaceGrant.id))
    locked = made.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {grant.id: grant for grant in (await db.exec(locked)).all()}


async def covering(db: AsyncSession, enterprise_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """The jurisdictions whose shares each firm may draw from, the lowest first."""
    above = select(col(Enterprise.id), col(Enterprise.office_id), col(Jurisdiction.parent_id)).join(
        Jurisdiction, col(Jurisdiction.id) == col(Enterprise.office_id)
    )
    rows = (await db.exec(above.where(col(Enterprise.id).in_(enterprise_ids)))).all()
    return {firm: tuple(each for each in tiers if each is not None) for firm, *tiers in rows}


class ShareNow(NamedTuple):
    """A share as it stands at a moment: whose it is, and how many places of it nobody has."""

    id: int
    jurisdiction_id: int
    unused: int


def as_they_stand(grants: Mapping[int, PlaceGrant]) -> tuple[ShareNow, ...]:
    """What is unused in locked shares."""
    return tuple(ShareNow(grant.id, grant.jurisdiction_id, grant.unused) for grant in grants.values())


def within_reach(shares: Sequence[ShareNow], tiers: Sequence[int]) -> tuple[int, ...]:
    """
    The shares with places left that a firm may draw from, the lowest tier's first.

    What is drawn from the lowest is what the fewest others could have booked: nobody is worse off by that order.
    """
    left = [share for share in shares if share.unused and share.jurisdiction_id in tiers]
    return tuple(share.id for share in sorted(left, key=lambda share: tiers.index(share.jurisdiction_id)))


async def keep_draws(db: AsyncSession, session: Session, hold: Hold, places: Mapping[int, int]) -> None:
    """Count places of a hold, which the session counts as held by now, as drawn from these shares."""
    earlier, grants = await draws_of(db, [hold.id]), await grants_in(db, session)
    for grant_id, people in places.items():
        grants[grant_id].drawn += people
        own = next((row for row in earlier if row.grant_id == grant_id), None)
        row = own or GrantDraw(hold_id=hold.id, grant_id=grant_id, places=0)
        row.places += people
        db.add(row)
    await db.flush()


async def draws_of(db: AsyncSession, hold_ids: Sequence[int]) -> Sequence[GrantDraw]:
    """What these holds drew, from the lowest tier's share first."""
    drawn = select(GrantDraw).join(PlaceGrant, col(PlaceGrant.id) == col(GrantDraw.grant_id))
    order = (col(PlaceGrant.parent_id).is_(None), col(GrantDraw.id))
    return (await db.exec(drawn.where(col(GrantDraw.hold_id).in_(hold_ids)).order_by(*order))).all()


async def name_drawn(db: AsyncSession, hold_id: int, booking_ids: Sequence[int]) -> None:
    """Let the people who were just named into a hold have what it drew from shares first."""
    left = list(booking_ids)
    for row in await draws_of(db, [hold_id]):
        named, left = left[: row.places], left[row.places :]
        await db.exec(
            update(Booking)
            .where(col(Booking.id).in_(named))
            .values(grant_id=row.grant_id)
            .execution_options(synchronize_session="fetch")
        )
        await shrink(db, row, len(named))


async def draw_over(db: AsyncSession, hold_id: int) -> int | None:
    """The share that a hold of one place drew it from, for the person who has the place now; none for an open one."""
    for row in await draws_of(db, [hold_id]):
        grant_id = row.grant_id
        await shrink(db, row, row.places)
        return grant_id
    return None


async def shrink(db: AsyncSession, row: GrantDraw, people: int) -> None:
    """Make a draw smaller by so many places; it is gone with the last one."""
    if row.places == people:
        await db.delete(row)
    else:
        row.places -= people
    await db.flush()


async def undraw(db: AsyncSession, session: Session, holds: Sequence[Hold]) -> None:
    """Bring back what holds of a locked session drew and have no use for any more: all, or what they shrank by."""
    rows = await draws_of(db, [hold.id for hold in holds]) if holds else []
    if not rows:
        return
    grants = await grants_in(db, session)
    room = {hold.id: hold.people - hold.named if is_standing(hold) else 0 for hold in holds}
    for row in rows:
        kept = min(row.places, room[row.hold_id])
        room[row.hold_id] -= kept
        if freed := row.places - kept:
            bring_back(session, grants, grants[row.grant_id], freed)
            await shrink(db, row, freed)


def is_standing(hold: Hold) -> bool:
    """Whether a hold still takes places."""
    return hold.state in (HoldState.KEPT, HoldState.HELD)


async def bring_back_one(db: AsyncSession, session: Session, grant_id: int | None) -> None:
    """Bring a place of a locked session that somebody gave up back to the share it was drawn from, if any."""
    if grant_id is None:
        return
    grants = await grants_in(db, session)
    bring_back(session, grants, grants[grant_id], 1)
    await db.flush()


def bring_back(session: Session, grants: Mapping[int, PlaceGrant], grant: PlaceGrant, people: int) -> None:
    """Count places as drawn no more: unused again where the share stands, else they go on as its others did."""
    grant.drawn -= people
    session.shared += people
    if grant.state is not GrantState.STANDING:
        go_back(session, grants, grant, people)


def go_back(
    session: Session, grants: Mapping[int, PlaceGrant], grant: PlaceGrant, people: int, *, to_all: bool = False
) -> None:
    """Let unused places of a share return to the tier above while that one's stands, else (or at once) to all."""
    grant.gone_back += people
    above = grants.get(grant.parent_id or 0)
    if above is None:
        session.shared -= people
        return
    above.granted_on -= people
    if to_all or above.state is not GrantState.STANDING:
        go_back(session, grants, above, people, to_all=to_all)


async def return_expired(db: AsyncSession, session: Session, *, now: datetime) -> int:
    """Return what is unused in the shares of a locked session whose date is over, and say how many they were."""
    grants = await grants_in(db, session)
    over = [grant for grant in grants.values() if grant.state is GrantState.STANDING and grant.until <= now]
    # An office's first: what it returns to a town whose date is over, too, goes on with the town's own.
    for grant in sorted(over, key=lambda grant: (grant.parent_id is None, grant.id)):
        people = grant.unused
        go_back(session, grants, grant, people)
        grant.state = GrantState.RETURNED
        await db.flush()
        await note(db, "returned at its date", "place_grant", grant.id, places=people)
        if people:
            tell(db, session, grant, f"{people} unused places of your share", now=now)
    return len(over)


async def take_back(db: AsyncSession, session: Session, people: int, *, now: datetime) -> None:
    """Open so many unused places of a locked session's shares to all, the latest granted first."""
    grants = await grants_in(db, session)
    for grant in sorted(grants.values(), key=lambda grant: -grant.id):
        taken = min(grant.unused, people)
        if taken <= 0:
            continue
        people -= taken
        go_back(session, grants, grant, taken, to_all=True)
        await db.flush()
        await note(db, "taken back", "place_grant", grant.id, places=taken)
        tell(db, session, grant, f"{taken} unused places of your share, as the session has fewer", now=now)


async def end_shares(db: AsyncSession, session: Session) -> None:
    """End every share of a locked session that is called off, with whatever was drawn from it."""
    for grant in (await grants_in(db, session)).values():
        grant.drawn = grant.granted_on = 0
        grant.gone_back, grant.state = grant.given, GrantState.RETURNED
    session.shared = 0
    await db.flush()


def tell(db: AsyncSession, session: Session, grant: PlaceGrant, what: str, *, now: datetime) -> None:
    """Tell a tier that places are not its own any more."""
    body = f"On {session.day} ({session.part.value}) {what} are returned: book what your firms need among the others'."
    send(db, recipient=f"jurisdiction:{grant.jurisdiction_id}", subject=SUBJECT, body=body, now=now)


async def shares_at(db: AsyncSession, session_ids: Sequence[int], *, now: datetime) -> dict[int, list[ShareNow]]:
    """What is unused in the shares of these sessions at a moment, in one statement; their dates honoured unswept."""
    live = aliased(PlaceGrant)
    columns = (col(live.session_id), col(live.id), col(live.jurisdiction_id), unused_at(live, now))
    standing = (col(live.session_id).in_(session_ids), *is_live(live, now))
    found: dict[int, list[ShareNow]] = {session_id: [] for session_id in session_ids}
    rows = await (await db.connection()).execute(sa_select(*columns).where(*standing).order_by(col(live.id)))
    for session_id, *share in rows:
        found[session_id].append(ShareNow(*share))
    return found


def shared_places(now: datetime, *, enterprise_id: int | None = None) -> ColumnElement[int]:
    """
    How many places of a session are in shares at a moment, as a column; or in those that a firm may draw from.

    Dates are honoured unswept: what an office's expired share has left counts as its town's while that one stands.
    """
    live = aliased(PlaceGrant)
    standing = [col(live.session_id) == col(Session.id), *is_live(live, now)]
    if enterprise_id is not None:
        standing.append(col(live.jurisdiction_id).in_(tiers_of(enterprise_id)))
    unused = func.sum(unused_at(live, now))
    return select(func.coalesce(unused, 0)).where(*standing).correlate(Session).scalar_subquery()


def is_live(grant: type[PlaceGrant], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What finds the shares that bind at a moment."""
    return col(grant.state) == GrantState.STANDING, col(grant.until) > now


def unused_at(live: type[PlaceGrant], now: datetime) -> ColumnElement[int]:
    """What is unused in a share that binds at a moment, with what has come to it unswept, as a column."""
    return left_of(live) + of_expired_below(live, now) + lapsing_to(live, now)


def tiers_of(enterprise_id: int) -> CompoundSelect[int]:
    """The office and the town of a firm."""
    office = select(col(Enterprise.office_id)).where(col(Enterprise.id) == enterprise_id)
    town = select(col(Jurisdiction.parent_id)).where(col(Jurisdiction.id).in_(office))
    return union_all(office, town)


def left_of(grant: type[PlaceGrant]) -> ColumnElement[int]:
    """What is unused in a share as its row stands, as a column."""
    return col(grant.given) - col(grant.drawn) - col(grant.granted_on) - col(grant.gone_back)


def of_expired_below(live: type[PlaceGrant], now: datetime) -> ColumnElement[int]:
    """What shares granted on from this one have left although their date is over, as a column."""
    below = aliased(PlaceGrant)
    over = (col(below.parent_id) == col(live.id), col(below.until) <= now)
    return select(func.coalesce(func.sum(left_of(below)), 0)).where(*over).correlate(live).scalar_subquery()


def lapsing_to(live: type[PlaceGrant], now: datetime) -> ColumnElement[int]:
    """The places of lapsed holds that go back to this share: its own, and those of ended ones below it, as a column."""
    origin = aliased(PlaceGrant)
    is_over = or_(col(origin.state) != GrantState.STANDING, col(origin.until) <= now)
    return (
        select(func.coalesce(func.sum(col(GrantDraw.places)), 0))
        .join(origin, col(origin.id) == col(GrantDraw.grant_id))
        .join(Hold, col(Hold.id) == col(GrantDraw.hold_id))
        .where(
            col(Hold.held_until) <= now,
            col(origin.session_id) == col(live.session_id),
            or_(col(origin.id) == col(live.id), and_(col(origin.parent_id) == col(live.id), is_over)),
        )
        .correlate(live)
        .scalar_subquery()
    )
