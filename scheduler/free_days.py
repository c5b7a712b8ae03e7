"""On which half-days a session can be held at its site: rooms, examiners, closures, weather, opt-ins and deadlines."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.parties import ExamBody, ExaminerLeave
from models.places import Room, Site, SiteClosure, WeatherBlock
from models.sessions import Claim, Session
from models.vocabulary import Part, ResourceKind
from scheduler.calendar import Block, WorkCalendar
from scheduler.calendar_days import work_calendar
from scheduler.cancellation import duties_in
from scheduler.plan_rows import due_dates
from scheduler.policy import Policy, policy_of

Busy = Mapping[tuple[ResourceKind, int], Sequence[Range[datetime]]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a session of a site and its people can be moved around in."""

    site: Site
    body: ExamBody
    rooms: Sequence[int]
    examiner_ids: Sequence[int]
    closures: Sequence[SiteClosure]
    blocked: Collection[object]
    leave: Collection[tuple[object, Part]]
    busy: Busy
    calendar: WorkCalendar
    policy: Policy

    def is_free(self, kind: ResourceKind, key: int, block: Block) -> bool:
        """Whether nothing else claims a room, an examiner or a person in the half-day."""
        during = Range(self.calendar.starts_at(block), self.calendar.ends_at(block))
        return not any(during.overlaps(other) for other in self.busy.get((kind, key), ()))

    def room_in(self, block: Block) -> int | None:
        """A room that is free in the half-day."""
        return next((room for room in self.rooms if self.is_free(ResourceKind.ROOM, room, block)), None)

    def takes(self, block: Block, *, now: datetime) -> bool:
        """Whether site, examiners and deadlines let a session be held then."""
        starts_at, ends_at = self.calendar.starts_at(block), self.calendar.ends_at(block)
        due = due_dates(starts_at, ends_at, self.calendar, self.policy)
        return (
            due.frozen >= now + timedelta(days=self.policy.postpone_notice_days)
            and self.is_usual(block)
            and block.day not in self.blocked
            and not any(closed.from_day <= block.day < closed.before_day for closed in self.closures)
            and (block.day, block.part) not in self.leave
            and all(self.is_free(ResourceKind.STAFF, examiner_id, block) for examiner_id in self.examiner_ids)
            and self.room_in(block) is not None
        )

    def is_usual(self, block: Block) -> bool:
        """Whether site and exam body opted into the half-day, if it is an evening or on a weekend."""
        parties = (self.site, self.body)
        is_workday = self.calendar.is_workday(block.day)
        return all(
            (party.opts_into_evenings or block.part is not Part.EVE) and (party.opts_into_weekends or is_workday)
            for party in parties
        )


async def ground_of(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> Ground:
    """Read once what decides on which half-days the session can be held."""
    site = (await db.exec(select(Site).where(col(Site.id) == session.site_id))).one()
    body = (await db.exec(select(ExamBody).where(col(ExamBody.id) == session.exam_body_id))).one()
    rooms = select(col(Room.id)).where(col(Room.site_id) == site.id)
    own_first = (col(Room.id) != session.room_id, col(Room.number))
    examiner_ids = [examiner_id for _, examiner_id in await duties_in(db, [session])]
    leave = select(ExaminerLeave).where(col(ExaminerLeave.examiner_id).in_(examiner_ids))
    blocked = select(col(WeatherBlock.day)).where(col(WeatherBlock.site_id) == site.id)
    return Ground(
        site=site,
        body=body,
        rooms=(await db.exec(rooms.order_by(*own_first))).all(),
        examiner_ids=examiner_ids,
        closures=(await db.exec(select(SiteClosure).where(col(SiteClosure.site_id) == site.id))).all(),
        blocked=set((await db.exec(blocked)).all()),
        leave={(row.day, row.part) for row in (await db.exec(leave)).all()},
        busy=await claims_beside(db, session, worker_ids),
        calendar=await work_calendar(db, session.bureau_id),
        policy=await policy_of(db, session.bureau_id),
    )


async def claims_beside(db: AsyncSession, session: Session, worker_ids: Sequence[int]) -> Busy:
    """When the rooms, examiners and people that a session has, or could have, are claimed by other sessions."""
    own = select(col(Claim.resource_id)).where(col(Claim.session_id) == session.id)
    rooms = select(col(Room.id)).where(col(Room.site_id) == session.site_id)
    kind, key = col(Claim.resource), col(Claim.resource_id)
    theirs = select(Claim).where(
        col(Claim.session_id) != session.id,
        func.upper(col(Claim.during)) > session.starts_at,
        ((kind == ResourceKind.ROOM) & key.in_(rooms))
        | ((kind == ResourceKind.STAFF) & key.in_(own.where(kind == ResourceKind.STAFF)))
        | ((kind == ResourceKind.WORKER) & key.in_(worker_ids)),
    )
    busy: dict[tuple[ResourceKind, int], list[Range[datetime]]] = defaultdict(list)
    for claim in (await db.exec(theirs)).all():
        busy[claim.resource, claim.resource_id].append(claim.during)
    return busy


def days_after(session: Session, ground: Ground) -> Iterator[Block]:
    """Every half-day of the days after the session's, as far as people are moved."""
    first = session.day + timedelta(days=1)
    before = first + timedelta(days=int(ground.policy.move_days))
    yield from ground.calendar.blocks_between(first, before, evenings=True, weekends=True)
