"""Sites as master data: added with their rooms, what each offers, and closing one with what stands there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam
from models.parties import Enterprise
from models.places import Room, Site, SiteClosure, SiteOffer
from models.sessions import Session
from models.vocabulary import SessionState, Tier
from scheduler.calendar import SHANGHAI
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.cancellation import PUBLIC, cancel_sessions
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.replan_wishes import lock_unfinished_rounds, want_replans
from scheduler.tiers import tree_of
from scheduler.typed import refuse_any, why_not_between, why_not_point, why_not_text
from scheduler.visibility import visible

MOST_ROOMS = 50
MOST_PLACES = 1000
DEAREST_OPENING_FEN = 100_000_000
LONGEST_CLOSURE = timedelta(days=3660)
CONSULTED = (SessionState.PROPOSED, SessionState.AGREED)
DAYS_NAMED = 5


@dataclass(frozen=True, slots=True)
class SiteOrder:
    """A new site; `host_enterprise_id` is the firm whose yard it is, if it is not the jurisdiction's own."""

    jurisdiction_id: int
    name: str
    latitude: float
    longitude: float
    rooms: int = 1
    host_enterprise_id: int | None = None
    is_municipal_centre: bool = False
    opts_into_evenings: bool = False
    opts_into_weekends: bool = False


@dataclass(frozen=True, slots=True)
class OfferOrder:
    """What a site is to offer of an exam; no places take the offer back."""

    site_id: int
    exam_id: int
    places: int
    open_cost_fen: int


@dataclass(frozen=True, slots=True)
class ClosureOrder:
    """Days on which a site is to be closed: `from_day <= day < before_day`."""

    site_id: int
    from_day: date
    before_day: date
    reason: str
    cancels_sessions: bool = False


async def add_site(db: AsyncSession, order: SiteOrder, *, caller: Caller) -> Site:
    """
    Add a site with its rooms on the ground of an official.

    Raises:
        Refused: The ground is not the caller's, the host is unknown, the name is taken there, or a field is wrong.
    """
    require(caller, *OFFICIALS)
    if order.jurisdiction_id not in caller.territory:
        raise not_found("jurisdiction", "input", "jurisdictionId")
    refuse_any(
        why_not_text(order.name, "input", "name"),
        why_not_point(order.latitude, order.longitude),
        why_not_between(order.rooms, 1, MOST_ROOMS, "input", "rooms"),
        await why_not_host(db, order, caller=caller),
        await why_not_centre(db, order),
        await why_not_site_name(db, order),
    )
    site = Site(
        jurisdiction_id=order.jurisdiction_id,
        host_enterprise_id=order.host_enterprise_id,
        name=order.name.strip(),
        latitude=order.latitude,
        longitude=order.longitude,
        is_municipal_centre=order.is_municipal_centre,
        opts_into_evenings=order.opts_into_evenings,
        opts_into_weekends=order.opts_into_weekends,
    )
    db.add(site)
    await db.flush()
    db.add_all(Room(site_id=site.id, number=number) for number in range(1, order.rooms + 1))
    await db.flush()
    await note(db, "site added", "site", site.id, rooms=order.rooms)
    return site


async def why_not_host(db: AsyncSession, order: SiteOrder, *, caller: Caller) -> Refusal | None:
    """The host is a firm that the caller sees."""
    if order.host_enterprise_id is None:
        return None
    seen = visible(Enterprise, caller).where(col(Enterprise.id) == order.host_enterprise_id)
    if (await db.exec(seen)).one_or_none() is not None:
        return None
    return not_found("enterprise", "input", "hostEnterpriseId").reasons[0]


async def why_not_centre(db: AsyncSession, order: SiteOrder) -> Refusal | None:
    """The municipal centre belongs to a bureau, whose sessions it hosts for everyone."""
    if not order.is_municipal_centre:
        return None
    ground = (await tree_of(db)).nodes[order.jurisdiction_id]
    if ground.tier is Tier.BUREAU:
        return None
    message = "The municipal centre belongs to the bureau: choose the bureau as its jurisdiction."
    return Refusal(Code.BAD_INPUT, message, ("input", "isMunicipalCentre"))


async def why_not_site_name(db: AsyncSession, order: SiteOrder) -> Refusal | None:
    """No other site of the jurisdiction has this name."""
    taken = select(col(Site.id)).where(
        col(Site.jurisdiction_id) == order.jurisdiction_id, col(Site.name) == order.name.strip()
    )
    if (await db.exec(taken)).first() is None:
        return None
    return Refusal(Code.ALREADY_KNOWN, "A site of this name is there already: choose another.", ("input", "name"))


async def lock_own_site(
    db: AsyncSession, site_id: int, *, caller: Caller, path: tuple[str, ...] = ("input", "siteId")
) -> Site:
    """
    A site on an official's own ground, locked.

    Raises:
        Refused: NOT_ALLOWED for anybody but officials, NOT_FOUND.
    """
    require(caller, *OFFICIALS)
    own = select(Site).where(col(Site.id) == site_id, col(Site.jurisdiction_id).in_(caller.territory))
    # Not against references to it: a plan that is being written holds its round and refers to sites.
    site = (await db.exec(own.with_for_update(key_share=True))).one_or_none()
    if site is None:
        raise not_found("site", *path)
    return site


async def set_offer(db: AsyncSession, order: OfferOrder, *, caller: Caller) -> Site:
    """
    Say how many places of an exam a site offers in a half-day; 0 takes the offer back.

    Sessions that are planned or public keep their places; the next plan knows better.
    """
    site = await lock_own_site(db, order.site_id, caller=caller)
    if (await db.exec(visible(Exam, caller).where(col(Exam.id) == order.exam_id))).one_or_none() is None:
        raise not_found("exam", "input", "examId")
    refuse_any(
        why_not_between(order.places, 0, MOST_PLACES, "input", "places"),
        why_not_between(order.open_cost_fen, 0, DEAREST_OPENING_FEN, "input", "openCostFen"),
    )
    standing = select(SiteOffer).where(col(SiteOffer.site_id) == site.id, col(SiteOffer.exam_id) == order.exam_id)
    offer = (await db.exec(standing)).one_or_none()
    if order.places == 0:
        if offer is not None:
            await db.delete(offer)
    elif offer is None:
        db.add(
            SiteOffer(site_id=site.id, exam_id=order.exam_id, places=order.places, open_cost_fen=order.open_cost_fen)
        )
    else:
        offer.places, offer.open_cost_fen = order.places, order.open_cost_fen
    await db.flush()
    await note(db, "offer set", "site", site.id, exam=order.exam_id, places=order.places, fen=order.open_cost_fen)
    return site


async def close_site(db: AsyncSession, order: ClosureOrder, *, caller: Caller, now: datetime) -> Site:
    """
    Close a site for some days.

    Public sessions on those days stand against it unless they are cancelled with it; sessions that are still being
    consulted on make their round want another plan.

    Raises:
        Refused: SITE_IN_USE, naming how many sessions and when; or a field is wrong.
    """
    site = await lock_own_site(db, order.site_id, caller=caller)
    refuse_any(
        why_not_text(order.reason, "input", "reason"),
        why_not_days(order, today=now.astimezone(SHANGHAI).date()),
    )
    bureau = (await tree_of(db)).line(site.jurisdiction_id)[-1]
    rounds = await lock_unfinished_rounds(db, bureau.id)
    sessions = await sessions_on(db, order)
    public = [session for session in sessions if session.state in PUBLIC]
    if public and not order.cancels_sessions:
        raise refuse(Code.SITE_IN_USE, in_use(public), "input", "cancelSessions")

    db.add(
        SiteClosure(
            site_id=site.id,
            from_day=order.from_day,
            before_day=order.before_day,
            reason=order.reason.strip(),
            recorded_at=now,
        )
    )
    await cancel_sessions(db, public, reason=order.reason.strip(), now=now)
    want_replans(rounds, {session.round_id for session in sessions if session.state in CONSULTED})
    await db.flush()
    days = {"from_day": order.from_day.isoformat(), "before_day": order.before_day.isoformat()}
    await note(db, "site closed", "site", site.id, **days, cancelled=[session.id for session in public])
    return site


def why_not_days(order: ClosureOrder, *, today: date) -> Refusal | None:
    """The days are in order, not over, and not for ever."""
    if order.from_day < today:
        return Refusal(Code.WINDOW_PAST, f"These days are over: close from {today} on.", ("input", "fromDay"))
    if not timedelta() < order.before_day - order.from_day <= LONGEST_CLOSURE:
        message = f"It opens again after the first closed day, within {LONGEST_CLOSURE.days} days."
        return Refusal(Code.OUT_OF_RANGE, message, ("input", "beforeDay"))
    return None


async def sessions_on(db: AsyncSession, order: ClosureOrder) -> Sequence[Session]:
    """The sessions at the site on the days that were not held yet, locked in id order."""
    there = select(Session).where(
        col(Session.site_id) == order.site_id,
        col(Session.day) >= order.from_day,
        col(Session.day) < order.before_day,
        col(Session.state).in_((*PUBLIC, *CONSULTED)),
    )
    return (await db.exec(there.order_by(col(Session.id)).with_for_update())).all()


def in_use(public: Sequence[Session]) -> str:
    """How many public sessions stand there, and on which days."""
    days = Counter(session.day for session in public)
    named = ", ".join(f"{day} ({count})" for day, count in sorted(days.items())[:DAYS_NAMED])
    more = f" and {len(days) - DAYS_NAMED} more days" if len(days) > DAYS_NAMED else ""
    stand = "1 public session stands" if len(public) == 1 else f"{len(public)} public sessions stand"
    return f"{stand} there on {named}{more}: choose other days, or set cancelSessions to cancel them."
