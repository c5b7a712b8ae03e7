"""Full is never a dead end: how many wait, and the nearest other places, each to be held by its session's id."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.parties import Enterprise
from models.places import Site
from models.sessions import Session
from models.vocabulary import AlternativeKind
from scheduler.availability import footings_of, recusing
from scheduler.callers import Caller
from scheduler.places_taken import bookable_places, is_bookable
from scheduler.queues import queue_length
from scheduler.refusals import Alternative, Refusal, Refused
from scheduler.visibility import visible

MOST = 3
LOOKED_AT = 12  # some of those with open places have none for this firm


@dataclass(frozen=True, slots=True)
class Sought:
    """Who looks for how many places, and the input field that says so."""

    people: int
    path: tuple[str, ...]
    caller: Caller


async def no_places(db: AsyncSession, session: Session, reason: Refusal, sought: Sought, *, now: datetime) -> Refused:
    """The refusal of places in a session, with how many wait for it and where else there are some."""
    return Refused(
        replace(
            reason,
            path=sought.path,
            waiting=await queue_length(db, session),
            alternatives=await nearest(db, session, sought, now=now),
        )
    )


async def nearest(db: AsyncSession, session: Session, sought: Sought, *, now: datetime) -> tuple[Alternative, ...]:
    """
    The nearest other published sessions of the exam: first those that take the whole group, then parts of it.

    As the crow flies from the firm; the same site on another day is nearer than any other site at the same distance.
    Each takes what is said of it, from this firm, at this moment.
    """
    firm = (await db.exec(select(Enterprise).where(col(Enterprise.id) == sought.caller.enterprise_id))).one()
    left = bookable_places(now, firm.id)
    seen = visible(Session, sought.caller).with_only_columns(col(Session.id))
    others = (
        select(Session)
        .join(Site, col(Site.id) == col(Session.site_id))
        .where(
            col(Session.id).in_(seen),
            col(Session.exam_id) == session.exam_id,
            col(Session.id) != session.id,
            col(Session.bureau_id) == session.bureau_id,
            is_bookable(now, firm.id),
            col(Session.id).not_in(recusing(firm.id)),
        )
        .order_by(
            case((left >= sought.people, 0), else_=1),
            distance_from(firm),
            case((col(Session.site_id) == session.site_id, 0), else_=1),
            col(Session.starts_at),
            col(Session.id),
        )
        .limit(LOOKED_AT)
    )
    rows = (await db.exec(others)).all()
    footings = await footings_of(db, rows, firm.id, now=now)
    takes = [(other, places) for other in rows if (places := footings[other.id].most(now=now))]
    takes.sort(key=lambda one: one[1] < sought.people)
    return tuple(
        Alternative(other.id, kind_of(other, session, places, sought.people), min(places, sought.people))
        for other, places in takes[:MOST]
    )


def distance_from(firm: Enterprise) -> ColumnElement[float]:
    """The square of a site's distance from a firm, in degrees of latitude."""
    north = col(Site.latitude) - firm.latitude
    east = (col(Site.longitude) - firm.longitude) * func.cos(func.radians(firm.latitude))
    return north * north + east * east


def kind_of(other: Session, session: Session, places: int, people: int) -> AlternativeKind:
    """What another session is to those who found no place in this one."""
    if places < people:
        return AlternativeKind.SPLIT
    return AlternativeKind.OTHER_DATE if other.site_id == session.site_id else AlternativeKind.OTHER_SITE
