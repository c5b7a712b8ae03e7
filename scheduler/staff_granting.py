"""Granting half-days of examiners down the tiers, for an item and a month; handing back, and the return at a date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.catalogue import Exam, Item
from models.grants import StaffGrant
from models.parties import ExamBody, Examiner, ExaminerLeave, ExaminerSkill
from models.sessions import Claim, Session
from models.vocabulary import GrantState, ResourceKind, Role
from scheduler.booking_rules import in_words, refuse_for
from scheduler.calendar import SHANGHAI, Block
from scheduler.calendar_days import work_calendar
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.granting import refuse_not_below
from scheduler.jobs import Job
from scheduler.journal import note
from scheduler.outbox import send
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.staff_shares import (
    StaffShare,
    grants_of_bureau,
    half_days_in_use,
    lock_staff_shares,
    staff_shares,
)
from scheduler.visibility import visible

ITEM_ID, MONTH, UNTIL = ("input", "itemId"), ("input", "month"), ("input", "until")
HALF_DAYS, GRANT_ID = ("input", "halfDays"), ("input", "staffGrantId")
SUBJECT = "Half-days of examiners are granted to you (考评半天下放)"


@dataclass(frozen=True, slots=True)
class StaffOrder:
    """So many half-days for an item in a month, for a jurisdiction directly below the caller's, until a moment."""

    item_id: int
    month: date
    jurisdiction_id: int
    half_days: int
    until: datetime


async def grant_half_days(db: AsyncSession, order: StaffOrder, *, caller: Caller, now: datetime) -> StaffGrant:
    """
    Grant half-days that no session has to a town, or those of the caller's own share to an office.

    A share that stands already grows, and stands until the later date.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND; OUT_OF_RANGE for month, date or number; WRONG_STATE for a town without a share.
    """
    require(caller, Role.BUREAU, Role.TOWN)
    if (await db.exec(visible(Item, caller).where(col(Item.id) == order.item_id))).one_or_none() is None:
        raise not_found("Item", *ITEM_ID)
    await refuse_not_below(db, order.jurisdiction_id, caller=caller)
    refuse_for(why_not_month(order.month, now=now), *MONTH)
    refuse_for(why_not_date(order, now=now), *UNTIL)
    await lock_staff_shares(db, caller.tenant)
    await return_expired_half_days(db, caller.tenant, now=now)
    shares = [
        share
        for share in await staff_shares(db, caller.tenant, now=now)
        if (share.grant.item_id, share.grant.month) == (order.item_id, order.month)
    ]
    by_tier = {share.grant.jurisdiction_id: share for share in shares}
    own, before = by_tier.get(caller.jurisdiction_id or 0), by_tier.get(order.jurisdiction_id)
    if caller.role is Role.TOWN and own is None:
        message = "Your town has no half-days of this item in that month: ask the bureau to grant you some first."
        raise refuse(Code.WRONG_STATE, message, *ITEM_ID)
    left = own.unused if own else await free_half_days(db, order, bureau_id=caller.tenant, now=now)
    left = left if own else left - sum(share.unused for share in shares)
    refuse_for(why_not_half_days(order.half_days, left), *HALF_DAYS)
    refuse_for(why_not_until(order.until, own=own, before=before), *UNTIL)
    return await give(db, order, own, before, bureau_id=caller.tenant, now=now)


def why_not_month(month: date, *, now: datetime) -> Refusal | None:
    """A month is named by its first day, and is not over."""
    this_month = now.astimezone(SHANGHAI).date().replace(day=1)
    if month.day == 1 and month >= this_month:
        return None
    return Refusal(Code.OUT_OF_RANGE, f"Name a month by its first day, {this_month} or later.")


def why_not_date(order: StaffOrder, *, now: datetime) -> Refusal | None:
    """A share stands until some time to come, and not beyond its month."""
    after = (order.month + timedelta(days=31)).replace(day=1)
    if now < order.until and order.until.astimezone(SHANGHAI).date() <= after:
        return None
    return Refusal(Code.OUT_OF_RANGE, f"Grant until a moment after now, and until {after} at the latest.")


def why_not_half_days(half_days: int, left: int) -> Refusal | None:
    """One half-day at least, and no more than there are."""
    if 1 <= half_days <= left:
        return None
    if left <= 0:
        return Refusal(Code.OUT_OF_RANGE, "No half-day is left: choose another month, or wait until some are returned.")
    return Refusal(Code.OUT_OF_RANGE, f"1 to {left} half-days are possible: that is what is left.")


def why_not_until(until: datetime, *, own: StaffShare | None, before: StaffShare | None) -> Refusal | None:
    """A share ends no later than the one it comes from, and is never cut short."""
    if own is not None and until > own.grant.until:
        return Refusal(Code.OUT_OF_RANGE, f"Your own share stands until {in_words(own.grant.until)}: grant until then.")
    if before is not None and until < before.grant.until:
        message = f"They have a share until {in_words(before.grant.until)} already: grant more until then, or longer."
        return Refusal(Code.OUT_OF_RANGE, message)
    return None


async def free_half_days(db: AsyncSession, order: StaffOrder, *, bureau_id: int, now: datetime) -> int:
    """The half-days of a month's workdays to come on which examiners of the item are neither away nor on duty."""
    exams = select(col(Exam.id)).where(col(Exam.item_id) == order.item_id)
    bodies = select(col(ExamBody.id)).where(col(ExamBody.bureau_id) == bureau_id)
    able = select(col(ExaminerSkill.examiner_id)).where(col(ExaminerSkill.exam_id).in_(exams))
    own = select(col(Examiner.id)).where(col(Examiner.id).in_(able), col(Examiner.exam_body_id).in_(bodies))
    examiners = (await db.exec(own)).all()
    after = (order.month + timedelta(days=31)).replace(day=1)
    first = max(order.month, now.astimezone(SHANGHAI).date() + timedelta(days=1))
    calendar = await work_calendar(db, bureau_id)
    blocks = {block.id for block in calendar.blocks_between(first, after)}
    away = (await db.exec(select(ExaminerLeave).where(col(ExaminerLeave.examiner_id).in_(examiners)))).all()
    on_duty = select(col(Claim.resource_id), col(Session.day), col(Session.part)).join(
        Session, col(Session.id) == col(Claim.session_id)
    )
    claimed = on_duty.where(col(Claim.resource) == ResourceKind.STAFF, col(Claim.resource_id).in_(examiners))
    busy = {(row.examiner_id, Block(row.day, row.part).id) for row in away}
    busy |= {(examiner, Block(day, part).id) for examiner, day, part in (await db.exec(claimed)).all()}
    return len(examiners) * len(blocks) - sum(block in blocks for _, block in busy)


async def give(  # what, out of which share, to which, and when
    db: AsyncSession,
    order: StaffOrder,
    own: StaffShare | None,
    before: StaffShare | None,
    *,
    bureau_id: int,
    now: datetime,
) -> StaffGrant:
    """Move half-days from what is nobody's, or from a town's share, to the tier below, and tell it."""
    if own is not None:
        own.grant.granted_on += order.half_days
    grant = (
        before.grant
        if before
        else StaffGrant(
            bureau_id=bureau_id,
            item_id=order.item_id,
            month=order.month,
            jurisdiction_id=order.jurisdiction_id,
            parent_id=own.grant.id if own else None,
            given=0,
            until=order.until,
            state=GrantState.STANDING,
            granted_at=now,
        )
    )
    grant.given, grant.until = grant.given + order.half_days, order.until
    db.add(grant)
    await db.flush()
    await note(db, "granted", "staff_grant", grant.id, half_days=order.half_days, until=order.until.isoformat())
    body = (
        f"{order.half_days} half-days of examiners in {order.month:%Y-%m} are granted to you until"
        f" {in_words(order.until)}: plans keep them for sessions of your own ground. Hand back what you do not need."
    )
    send(db, recipient=f"jurisdiction:{order.jurisdiction_id}", subject=SUBJECT, body=body, now=now)
    return grant


async def hand_back_half_days(
    db: AsyncSession, grant_id: int, half_days: int, *, caller: Caller, now: datetime
) -> StaffGrant:
    """
    Give unused half-days of the caller's own share back to the tier above; a town's are everybody's again.

    Raises:
        Refused: NOT_ALLOWED for another tier's share, NOT_FOUND; WRONG_STATE for one that has ended; OUT_OF_RANGE.
    """
    require(caller, *OFFICIALS)
    seen = (await db.exec(visible(StaffGrant, caller).where(col(StaffGrant.id) == grant_id))).one_or_none()
    if seen is None:
        raise not_found("StaffGrant", *GRANT_ID)
    if seen.jurisdiction_id != caller.jurisdiction_id:
        raise refuse(Code.NOT_ALLOWED, "Only the tier that has the share hands half-days back: ask it.", *GRANT_ID)
    await lock_staff_shares(db, seen.bureau_id)
    await return_expired_half_days(db, seen.bureau_id, now=now)
    shares = {share.grant.id: share for share in await staff_shares(db, seen.bureau_id, now=now)}
    if grant_id not in shares:
        raise refuse(Code.WRONG_STATE, "This share has ended: what was unused of it returned by itself.", *GRANT_ID)
    refuse_for(why_not_half_days(half_days, shares[grant_id].unused), *HALF_DAYS)
    grants = {grant.id: grant for grant in await grants_of_bureau(db, seen.bureau_id)}
    go_back(grants, grants[grant_id], half_days)
    await db.flush()
    await note(db, "handed back", "staff_grant", grant_id, half_days=half_days)
    return grants[grant_id]


def go_back(grants: Mapping[int, StaffGrant], grant: StaffGrant, half_days: int) -> None:
    """Let unused half-days return to the tier above while its share stands, else to all."""
    grant.gone_back += half_days
    above = grants.get(grant.parent_id or 0)
    if above is not None:
        above.granted_on -= half_days
        if above.state is not GrantState.STANDING:
            go_back(grants, above, half_days)


async def return_expired_half_days(db: AsyncSession, bureau_id: int, *, now: datetime) -> int:
    """Return what is unused in a locked bureau's shares whose date is over, offices' first; says how many they were."""
    grants = await grants_of_bureau(db, bureau_id)
    by_key, returned = {grant.id: grant for grant in grants}, 0
    for grant in grants:
        if grant.state is not GrantState.STANDING or grant.until > now:
            continue
        unused = grant.kept - (await half_days_in_use(db, grants))[grant.id]
        go_back(by_key, grant, unused)
        grant.state = GrantState.RETURNED
        await db.flush()
        await note(db, "returned at its date", "staff_grant", grant.id, half_days=unused)
        returned += 1
    return returned


async def return_due(db: AsyncSession, now: datetime) -> int:
    """Return the half-days of one bureau whose shares' date has come; says how many shares there were."""
    over = col(StaffGrant.state) == GrantState.STANDING, col(StaffGrant.until) <= now
    due = select(col(StaffGrant.bureau_id)).where(*over).order_by(col(StaffGrant.until), col(StaffGrant.id))
    bureau_id = (await db.exec(due.limit(1))).one_or_none()
    if bureau_id is None:
        return 0
    await lock_staff_shares(db, bureau_id)
    return await return_expired_half_days(db, bureau_id, now=now)


def next_return() -> SelectOfScalar[Any]:
    """When the next share of half-days ends."""
    return select(func.min(col(StaffGrant.until))).where(col(StaffGrant.state) == GrantState.STANDING)


RETURNS = Job("half-days return", return_due, next_return)
