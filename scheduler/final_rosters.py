"""What a final roster says to those who come, those who examine, and the exam body."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Booking
from models.places import Site
from models.sessions import Session, SessionStaff
from models.vocabulary import BookingState
from scheduler.calendar import SHANGHAI
from scheduler.outbox import send

FINAL = "The roster is final (名单已定)"


async def tell_final(db: AsyncSession, session: Session, *, now: datetime) -> None:
    """Remind everybody who has a part in a session of when and where it is, and with how many people."""
    site = (await db.exec(select(col(Site.name)).where(col(Site.id) == session.site_id))).one()
    begins, ends = session.starts_at.astimezone(SHANGHAI), session.ends_at.astimezone(SHANGHAI)
    when = f"{begins:%Y-%m-%d, %H:%M}-{ends:%H:%M}, at {site}"
    for enterprise_id, people in await people_by_firm(db, session):
        body = f"Of your people, {people} come to be examined on {when}. The names are final: substitutions are over."
        send(db, recipient=f"enterprise:{enterprise_id}", subject=FINAL, body=body, now=now)
    duties = select(col(SessionStaff.examiner_id)).where(col(SessionStaff.session_id) == session.id)
    examiners = [f"examiner:{key}" for key in sorted((await db.exec(duties)).all())]
    for recipient in [*examiners, f"exam_body:{session.exam_body_id}"]:
        body = f"The session on {when} has its final roster, with names for {session.taken} places."
        send(db, recipient=recipient, subject=FINAL, body=body, now=now)


async def people_by_firm(db: AsyncSession, session: Session) -> list[tuple[int, int]]:
    """How many people of each firm are on the roster."""
    booked = (
        select(col(Booking.enterprise_id), func.count())
        .where(col(Booking.session_id) == session.id, col(Booking.state) == BookingState.CONFIRMED)
        .group_by(col(Booking.enterprise_id))
        .order_by(col(Booking.enterprise_id))
    )
    return [(firm, people) for firm, people in (await db.exec(booked)).all()]
