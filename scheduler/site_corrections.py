"""Correcting what is known of a site, and opening it again before its closure ends."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Site, SiteClosure
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.sites import lock_own_site
from scheduler.typed import refuse_any, why_not_point, why_not_text


@dataclass(frozen=True, slots=True)
class SiteCorrection:
    """What is to be corrected; None keeps what stands."""

    site_id: int
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    opts_into_evenings: bool | None = None
    opts_into_weekends: bool | None = None

    @property
    def given(self) -> dict[str, str | float | bool]:
        """The corrections by column."""
        fields = ("latitude", "longitude", "opts_into_evenings", "opts_into_weekends")
        values = {field: getattr(self, field) for field in fields}
        return {
            **({} if self.name is None else {"name": self.name.strip()}),
            **{field: value for field, value in values.items() if value is not None},
        }


async def correct_site(db: AsyncSession, order: SiteCorrection, *, caller: Caller) -> Site:
    """
    Correct a site's name, point or opt-ins; sessions that stand keep their place and time, the next plan knows better.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; BAD_INPUT for nothing, ALREADY_KNOWN for the name of another site there.
    """
    site = await lock_own_site(db, order.site_id, caller=caller)
    refuse_any(
        why_not_text(order.name, "input", "name"),
        why_not_point(order.latitude, order.longitude),
        None if order.given else Refusal(Code.BAD_INPUT, "Say what is to be corrected.", ("input", "name")),
        await why_not_name(db, site, order),
    )
    before = {field: getattr(site, field) for field in order.given}
    for field, value in order.given.items():
        setattr(site, field, value)
    await db.flush()
    await note(db, "site corrected", "site", site.id, before=before, after=order.given)
    return site


async def why_not_name(db: AsyncSession, site: Site, order: SiteCorrection) -> Refusal | None:
    """No other site of the jurisdiction has this name."""
    if order.name is None:
        return None
    taken = select(col(Site.id)).where(
        col(Site.jurisdiction_id) == site.jurisdiction_id, col(Site.name) == order.name.strip(), col(Site.id) != site.id
    )
    if (await db.exec(taken)).first() is None:
        return None
    return Refusal(Code.ALREADY_KNOWN, "A site of this name is there already: choose another.", ("input", "name"))


async def reopen_site(db: AsyncSession, closure_id: int, *, caller: Caller, now: datetime) -> Site:
    """
    Open a site again: a closure that has begun ends today, one to come is taken back. Cancelled sessions stay so.

    Raises:
        Refused: NOT_ALLOWED; NOT_FOUND for a closure elsewhere than on the caller's ground; WINDOW_PAST once over.
    """
    site_id = (await db.exec(select(col(SiteClosure.site_id)).where(col(SiteClosure.id) == closure_id))).one_or_none()
    if site_id is None:
        raise not_found("SiteClosure", "input", "closureId")
    site = await lock_own_site(db, site_id, caller=caller, path=("input", "closureId"))
    closure = (await db.exec(select(SiteClosure).where(col(SiteClosure.id) == closure_id).with_for_update())).one()
    today = now.astimezone(SHANGHAI).date()
    if closure.before_day <= today:
        raise refuse(Code.WINDOW_PAST, "This closure is over: the site is open.", "input", "closureId")
    days = {"from_day": closure.from_day.isoformat(), "before_day": closure.before_day.isoformat()}
    if closure.from_day < today:
        closure.before_day = today
    else:
        await db.delete(closure)
    await db.flush()
    await note(db, "site reopened", "site", site.id, **days)
    return site
