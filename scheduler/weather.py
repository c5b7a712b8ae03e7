"""
Bad weather: a day on which nothing is held outdoors at a site is flagged, and its practicals move to another day.

A practical is sat at the machine in the yard, so it is the subject that says whether a session is outdoors. A session
for which no day is left is called off. Everybody concerned is told either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Booking, Promise
from models.catalogue import Exam
from models.demand import Request
from models.places import Site, WeatherBlock
from models.sessions import Session
from models.vocabulary import BookingState, PromiseState, Role, Subject
from scheduler.calendar import SHANGHAI
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.cancellation import PUBLIC, cancel_sessions, duties_in, sites_of, tiers_consulted
from scheduler.journal import note
from scheduler.making_room import CHOICE, Notice, look_after
from scheduler.outbox import send
from scheduler.places_taken import lock_session
from scheduler.postponing import postpone
from scheduler.queues import pass_on
from scheduler.refusals import Code, Refusal, not_found
from scheduler.relocating import is_after, keys_of_others
from scheduler.typed import refuse_any, why_not_text
from scheduler.visibility import visible

SITE_ID, DAY = ("input", "siteId"), ("input", "day")
FORECAST = timedelta(days=7)  # beyond it nobody knows the weather: a site is closed for other reasons
POSTPONED = "A session is postponed (恶劣天气延期)"


@dataclass(frozen=True, slots=True)
class WeatherOrder:
    """A day on which nothing is held outdoors at a site, and what the weather is."""

    site_id: int
    day: date
    reason: str


async def block_day(
    db: AsyncSession, order: WeatherOrder, *, caller: Caller, now: datetime
) -> tuple[Site, Sequence[Session]]:
    """
    Flag a day at a site for bad weather; says which sessions were postponed or called off by it.

    For officials on their own ground, and for an exam body that conducts a practical there on that day.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND, BAD_INPUT for no reason; WINDOW_PAST, OUT_OF_RANGE for a day that is over
            or too far; ALREADY_KNOWN for one that is flagged.
    """
    require(caller, *OFFICIALS, Role.EXAM_BODY)
    site = await lock_site(db, order, caller=caller)
    refuse_any(
        why_not_text(order.reason, "input", "reason"),
        why_not_forecast(order.day, today=now.astimezone(SHANGHAI).date()),
        await why_not_flagged(db, order),
    )
    sessions, others = await lock_outdoors(db, order, now=now)
    flag = WeatherBlock(site_id=site.id, day=order.day, reason=order.reason.strip(), recorded_at=now)
    db.add(flag)
    await db.flush()
    await note(db, "weather blocked", "site", site.id, day=order.day.isoformat(), reason=flag.reason)
    for session in sessions:
        apart = [other for other in others if other.exam_id == session.exam_id and is_after(session, other, now=now)]
        await move_or_call_off(db, session, apart, flag, now=now)
    return site, sessions


async def lock_site(db: AsyncSession, order: WeatherOrder, *, caller: Caller) -> Site:
    """
    A site on an official's own ground, or one at which the caller's exam body conducts a practical on the day, locked.

    Raises:
        Refused: NOT_FOUND.
    """
    wanted = select(Site).where(col(Site.id) == order.site_id)
    if caller.role in OFFICIALS:
        wanted = wanted.where(col(Site.jurisdiction_id).in_(caller.territory))
    else:
        own = visible(Session, caller).with_only_columns(col(Session.site_id))
        wanted = wanted.where(col(Site.id).in_(own.where(col(Session.id).in_(outdoors(order)))))
    site = (await db.exec(wanted.with_for_update(key_share=True))).one_or_none()
    if site is None:
        raise not_found("site", *SITE_ID)
    return site


async def in_bad_weather(db: AsyncSession, sessions: Sequence[Session]) -> set[int]:
    """Those of the sessions that would be held outdoors on a flagged day."""
    flagged = (
        select(col(Session.id))
        .join(Exam, col(Exam.id) == col(Session.exam_id))
        .join(
            WeatherBlock,
            (col(WeatherBlock.site_id) == col(Session.site_id)) & (col(WeatherBlock.day) == col(Session.day)),
        )
        .where(col(Session.id).in_([one.id for one in sessions]), col(Exam.subject) == Subject.PRACTICAL)
    )
    return set((await db.exec(flagged)).all())


def why_not_forecast(day: date, *, today: date) -> Refusal | None:
    """The day is one of which the weather is known."""
    if day < today:
        return Refusal(Code.WINDOW_PAST, f"This day is over: choose {today} or a later one.", DAY)
    if day > today + FORECAST:
        return Refusal(Code.OUT_OF_RANGE, f"Nobody knows the weather after {today + FORECAST}: close the site.", DAY)
    return None


async def why_not_flagged(db: AsyncSession, order: WeatherOrder) -> Refusal | None:
    """A day is flagged once."""
    flagged = select(col(WeatherBlock.id)).where(
        col(WeatherBlock.site_id) == order.site_id, col(WeatherBlock.day) == order.day
    )
    if (await db.exec(flagged)).first() is None:
        return None
    return Refusal(Code.ALREADY_KNOWN, "This day is flagged already: its practicals were moved.", DAY)


def outdoors(order: WeatherOrder) -> SelectOfScalar[int]:
    """The keys of the public practicals at the site on the day."""
    return (
        select(col(Session.id))
        .join(Exam, col(Exam.id) == col(Session.exam_id))
        .where(
            col(Session.site_id) == order.site_id,
            col(Session.day) == order.day,
            col(Session.state).in_(PUBLIC),
            col(Exam.subject) == Subject.PRACTICAL,
        )
    )


async def lock_outdoors(db: AsyncSession, order: WeatherOrder, *, now: datetime) -> tuple[list[Session], list[Session]]:
    """The sessions that the weather concerns and did not begin, and those their people may be moved to, all locked."""
    keys = set((await db.exec(outdoors(order))).all())
    beside: set[int] = set()
    for session in (await db.exec(select(Session).where(col(Session.id).in_(keys)))).all():
        beside |= set(await keys_of_others(db, session, now=now))
    locked = [await lock_session(db, key) for key in sorted(keys | beside)]
    concerned = [
        one for one in locked if one.id in keys and one.day == order.day and one.state in PUBLIC and one.starts_at > now
    ]
    return concerned, [one for one in locked if one.id not in keys]


async def move_or_call_off(
    db: AsyncSession, session: Session, others: Sequence[Session], flag: WeatherBlock, *, now: datetime
) -> None:
    """Postpone a locked session, or cancel it where no day is left; and tell everybody."""
    before = f"{session.day} ({session.part.value})"
    left = await postpone(db, session, others, reason=flag.reason, now=now)
    if left is None:
        await cancel_sessions(db, [session], reason=f"{flag.reason}, and no other day is left", now=now)
        return
    after = f"{session.day} ({session.part.value})"
    what = f"The session on {before} is postponed to {after}: {flag.reason}."
    await look_after(db, session, left, Notice(POSTPONED, what), now=now)
    site = (await sites_of(db, [session]))[session.site_id]
    body = f"{what} The site is {site.name}, as before."
    for firm in await firms_in(db, session):
        send(db, recipient=f"enterprise:{firm}", subject=POSTPONED, body=f"{body} {CHOICE}", now=now)
    others_told = [f"enterprise:{site.host_enterprise_id}"] if site.host_enterprise_id else []
    others_told += [f"examiner:{examiner_id}" for _, examiner_id in await duties_in(db, [session])]
    others_told += [f"jurisdiction:{key}" for _, key in await tiers_consulted(db, [session])]
    for recipient in [*others_told, f"exam_body:{session.exam_body_id}"]:
        send(db, recipient=recipient, subject=POSTPONED, body=body, now=now)
    await pass_on(db, session, now=now)


async def firms_in(db: AsyncSession, session: Session) -> list[int]:
    """The firms that have places in a session, with and without names."""
    named = select(col(Booking.enterprise_id)).where(
        col(Booking.session_id) == session.id, col(Booking.state) == BookingState.CONFIRMED
    )
    promised = select(col(Request.enterprise_id)).join(Promise, col(Promise.request_id) == col(Request.id))
    promised = promised.where(col(Promise.session_id) == session.id, col(Promise.state) == PromiseState.HELD)
    return sorted({*(await db.exec(named)).all(), *(await db.exec(promised)).all()})
