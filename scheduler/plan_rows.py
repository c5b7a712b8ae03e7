"""From a plan to rows: sessions, claims and promises, in the transaction that begins the consultation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import Range
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.demand import Request
from models.parties import Enterprise, ExamBody, Examiner
from models.places import Room, Site, SiteOffer
from models.rounds import Round
from models.sessions import Claim, Session, SessionStaff
from models.vocabulary import PromiseState, RequestState, ResourceKind, SessionState
from scheduler.calendar import Block, WorkCalendar
from scheduler.calendar_days import work_calendar
from scheduler.policy import Policy, policy_of
from scheduler.problem_keys import row_behind
from scheduler.standing import standing_sessions
from scheduler.tiers import Tree, tree_of
from scheduler.ways_out import names_in_problem, way_out_in_words

Spot = tuple[int, int, str]


class SnapshotStale(RuntimeError):
    """What the plan stands on has changed while it was solved; it is solved again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every session of a plan is made with."""

    planned: Round
    calendar: WorkCalendar
    policy: Policy
    tree: Tree
    sites: Mapping[int, Site]
    places: Mapping[tuple[int, int], int]
    bodies: Mapping[int, int]
    first_body: int
    offices: Mapping[int, int]


async def write_sessions(db: AsyncSession, planned: Round, answer: Mapping[str, Any]) -> list[Session]:
    """
    Make the round's rows what the plan says: sessions that stay keep their row, others are made or dropped.

    Raises:
        SnapshotStale: A request of the plan is no longer there to be planned.
    """
    requests = await lock_requests(db, planned, answer)
    setting = await setting_of(db, planned, requests)
    before = {spot_of(session): session for session in (await db.exec(standing_sessions(planned.id))).all()}
    await free_resources(db, [session.id for session in before.values()])
    wanted = {spot_in(entry): entry for entry in answer["sessions"]}
    for spot, session in before.items():
        if spot not in wanted:
            await drop_session(db, session)
    standing = []
    for spot, entry in sorted(wanted.items()):
        session = before.get(spot) or new_session(setting, spot, entry)
        shape_session(setting, session, entry)
        db.add(session)
        await db.flush()
        await seat(db, session, entry)
        standing.append(session)
    await staff_sessions(db, [(session, wanted[spot_of(session)]) for session in standing])
    await claim_rooms(db, standing)
    mark_requests(planned, requests, answer, names=await names_in_problem(db))
    await db.flush()
    return standing


async def lock_requests(db: AsyncSession, planned: Round, answer: Mapping[str, Any]) -> dict[int, Request]:
    """The plan's requests in id order, locked and still to be planned."""
    seated = {row_behind(seat["request"]) for entry in answer["sessions"] for seat in entry["seated"]}
    seated |= {row_behind(row["request"]) for row in answer["unplaced"]}
    locked = select(Request).where(col(Request.id).in_(seated)).order_by(col(Request.id)).with_for_update()
    requests = (await db.exec(locked.execution_options(populate_existing=True))).all()
    for request in requests:
        ours = request.state is RequestState.PLANNED and request.round_id == planned.id
        if request.state is not RequestState.OPEN and not ours:
            message = f"request {request.id} is {request.state.value.lower()} meanwhile"
            raise SnapshotStale(message)
    return {request.id: request for request in requests}


async def setting_of(db: AsyncSession, planned: Round, requests: Mapping[int, Request]) -> Setting:
    """Read once what every session needs."""
    sites = (await db.exec(select(Site))).all()
    offers = (await db.exec(select(SiteOffer))).all()
    bodies = (await db.exec(select(col(Examiner.id), col(Examiner.exam_body_id)))).all()
    own = select(func.min(col(ExamBody.id))).where(col(ExamBody.bureau_id) == planned.bureau_id)
    first_body = (await db.exec(own)).one()
    if first_body is None:
        raise SnapshotStale("the bureau has no exam body: add one")
    firms = {request.enterprise_id for request in requests.values()}
    offices = select(col(Enterprise.id), col(Enterprise.office_id)).where(col(Enterprise.id).in_(firms))
    office_of = dict((await db.exec(offices)).all())
    return Setting(
        planned=planned,
        calendar=await work_calendar(db, planned.bureau_id),
        policy=await policy_of(db, planned.bureau_id),
        tree=await tree_of(db),
        sites={site.id: site for site in sites},
        places={(offer.site_id, offer.exam_id): offer.places for offer in offers},
        bodies=dict(bodies),
        first_body=first_body,
        offices={request.id: office_of[request.enterprise_id] for request in requests.values()},
    )


def spot_in(entry: Mapping[str, Any]) -> Spot:
    """Site, exam and half-day of a planned session."""
    return row_behind(entry["site"]), row_behind(entry["item"]), entry["block"]


def spot_of(session: Session) -> Spot:
    """Site, exam and half-day of a session."""
    return session.site_id, session.exam_id, Block(session.day, session.part).id


def new_session(setting: Setting, spot: Spot, entry: Mapping[str, Any]) -> Session:
    """A session that no earlier plan of the round had."""
    site_id, exam_id, block_id = spot
    block, planned = Block.parse(block_id), setting.planned
    starts_at, ends_at = setting.calendar.starts_at(block), setting.calendar.ends_at(block)
    due = due_dates(starts_at, ends_at, setting.calendar, setting.policy)
    return Session(
        bureau_id=planned.bureau_id,
        round_id=planned.id,
        exam_id=exam_id,
        site_id=site_id,
        exam_body_id=body_of(setting, entry),
        day=block.day,
        part=block.part,
        starts_at=starts_at,
        ends_at=ends_at,
        places=setting.places[site_id, exam_id],
        state=SessionState.PROPOSED,
        confirm_due_at=due.confirmed,
        roster_freezes_at=due.frozen,
        results_due_at=due.results,
    )


class DueDates(NamedTuple):
    """What falls due for a session: its confirmation, the freeze of its roster, its results."""

    confirmed: datetime
    frozen: datetime
    results: datetime


def due_dates(starts_at: datetime, ends_at: datetime, calendar: WorkCalendar, policy: Policy) -> DueDates:
    """The due dates of a session at that time; it is confirmed a day before its roster freezes at the latest."""
    frozen = starts_at - timedelta(days=policy.roster_freeze_days)
    confirmed = min(starts_at - timedelta(days=policy.confirm_days), frozen - timedelta(days=1))
    return DueDates(confirmed, frozen, calendar.add_working_days(ends_at, int(policy.result_working_days)))


def body_of(setting: Setting, entry: Mapping[str, Any]) -> int:
    """Whose session it is: the exam body of its staff; where the rule asks for none, the bureau's first."""
    return setting.bodies[row_behind(entry["staff"][0])] if entry["staff"] else setting.first_body


def shape_session(setting: Setting, session: Session, entry: Mapping[str, Any]) -> None:
    """Give a session the plan's people and the tier that covers them."""
    site = setting.sites[session.site_id]
    offices = [setting.offices[row_behind(seat["request"])] for seat in entry["seated"]]
    covering = setting.tree.covering([site.jurisdiction_id, *offices])
    session.tier, session.jurisdiction_id = covering.tier, covering.id
    session.exam_body_id = body_of(setting, entry)
    session.places = setting.places[session.site_id, session.exam_id]
    session.promised = sum(seat["people"] for seat in entry["seated"])


async def seat(db: AsyncSession, session: Session, entry: Mapping[str, Any]) -> None:
    """Make the session's planned promises what the plan says."""
    wanted = {row_behind(seating["request"]): seating["people"] for seating in entry["seated"]}
    for promise in (await db.exec(planned_promises([session.id]))).all():
        people = wanted.pop(promise.request_id, None)
        if people is None:
            promise.state = PromiseState.DROPPED
        else:
            promise.people = people
    db.add_all(
        Promise(
            session_id=session.id,
            request_id=request_id,
            people=people,
            state=PromiseState.PLANNED,
            held_until=session.roster_freezes_at,
        )
        for request_id, people in sorted(wanted.items())
    )
    await db.flush()


def planned_promises(session_ids: Sequence[int]) -> Any:
    """The promises of a plan in consultation."""
    planned = select(Promise).where(
        col(Promise.session_id).in_(session_ids), col(Promise.state) == PromiseState.PLANNED
    )
    return planned.order_by(col(Promise.id)).with_for_update()


async def free_resources(db: AsyncSession, session_ids: Sequence[int]) -> None:
    """Let go of what these sessions claim; whatever still stands claims again in the same transaction."""
    await db.exec(delete(Claim).where(col(Claim.session_id).in_(session_ids)))


async def drop_session(db: AsyncSession, session: Session) -> None:
    """A session leaves the plan: its promises fall, its requests are planned elsewhere or open again."""
    session.state, session.promised = SessionState.DROPPED, 0
    for promise in (await db.exec(planned_promises([session.id]))).all():
        promise.state = PromiseState.DROPPED
    await db.flush()


async def staff_sessions(db: AsyncSession, sessions: Sequence[tuple[Session, Mapping[str, Any]]]) -> None:
    """Put the plan's examiners on duty and claim their time."""
    await db.exec(delete(SessionStaff).where(col(SessionStaff.session_id).in_([session.id for session, _ in sessions])))
    for session, entry in sessions:
        for examiner_id in sorted(row_behind(key) for key in entry["staff"]):
            db.add(SessionStaff(session_id=session.id, examiner_id=examiner_id))
            db.add(claim(session, ResourceKind.STAFF, examiner_id))
    await db.flush()


def claim(session: Session, resource: ResourceKind, resource_id: int) -> Claim:
    """A resource taken for the session's time."""
    during = Range(session.starts_at, session.ends_at)
    return Claim(session_id=session.id, resource=resource, resource_id=resource_id, during=during)


async def claim_rooms(db: AsyncSession, sessions: Sequence[Session]) -> None:
    """Give every session a room of its site that is free at its time."""
    rooms: dict[int, list[int]] = defaultdict(list)
    for room in (await db.exec(select(Room).order_by(col(Room.number)))).all():
        rooms[room.site_id].append(room.id)
    held = await db.exec(select(col(Claim.resource_id), col(Claim.during)).where(col(Claim.resource) == "ROOM"))
    busy: set[tuple[int, datetime]] = {(room_id, during.lower) for room_id, during in held.all() if during.lower}
    for session in sessions:
        free = [room for room in rooms[session.site_id] if (room, session.starts_at) not in busy]
        if not free:
            message = f"no room is free for session {session.id} meanwhile"
            raise SnapshotStale(message)
        session.room_id = free[0]
        busy.add((free[0], session.starts_at))
        db.add(claim(session, ResourceKind.ROOM, free[0]))
    await db.flush()


def mark_requests(
    planned: Round, requests: Mapping[int, Request], answer: Mapping[str, Any], *, names: Mapping[str, str]
) -> None:
    """Say on each request whether it has seats, and why people were left out."""
    seated = {row_behind(seat["request"]) for entry in answer["sessions"] for seat in entry["seated"]}
    left_out = {row_behind(row["request"]): row for row in answer["unplaced"]}
    for request in requests.values():
        has_seats = request.id in seated
        request.state = RequestState.PLANNED if has_seats else RequestState.OPEN
        request.round_id = planned.id if has_seats else None
        row = left_out.get(request.id)
        request.unplaced_reason = row["reason"] if row else None
        request.unplaced_detail = way_out_in_words(row["detail"], names) if row else None
