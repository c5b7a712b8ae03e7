"""From rows to a problem: what a bureau has and wants at one moment, as the allocator reads it."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.demand import Request, RequestPerson
from models.parties import Enterprise, ExamBody, Examiner, ExaminerLeave, ExaminerSkill, Recusal
from models.places import Jurisdiction, Room, Site, SiteClosure, SiteOffer
from models.rounds import Round
from models.vocabulary import Part, RequestState
from scheduler.calendar import Block, WorkCalendar
from scheduler.calendar_days import work_calendar
from scheduler.catalogue import ExamInForce, exams_between
from scheduler.objections import with_objections
from scheduler.pinning import with_pins
from scheduler.policy import Policy, policy_of
from scheduler.problem_keys import key_in_problem
from scheduler.staff_shares import with_staff_shares
from scheduler.standing import standing_of
from scheduler.taken import Taken, busy_blocks, taken_by_others


@dataclass(frozen=True, slots=True)
class Ground:
    """The bureau's standing means: tree, sites, rooms, offers, closures, bodies."""

    jurisdictions: Sequence[Jurisdiction]
    sites: Sequence[Site]
    rooms: Mapping[int, int]
    offers: Sequence[SiteOffer]
    closures: Sequence[SiteClosure]
    bodies: Sequence[ExamBody]


@dataclass(frozen=True, slots=True)
class Usual:
    """The round's half-days, and those of them that fall on workdays, make-up Saturdays among them."""

    blocks: Sequence[Block]
    on_workdays: frozenset[Block]

    def open_to(self, party: Site | ExamBody) -> list[Block]:
        """The half-days of a party that opted into evenings and weekends, or did not."""
        return [
            block
            for block in self.blocks
            if (party.opts_into_evenings or block.part is not Part.EVE)
            and (party.opts_into_weekends or block in self.on_workdays)
        ]


@dataclass(frozen=True, slots=True)
class Staff:
    """The examiners with what binds them."""

    bodies: Mapping[int, ExamBody]
    examiners: Sequence[Examiner]
    skills: Mapping[int, list[int]]
    leave: set[tuple[int, str]]
    recused: Mapping[int, list[int]]


async def take(db: AsyncSession, planned: Round, *, now: datetime) -> dict[str, Any]:
    """
    The problem of a round as it stands at a moment, as a `doorstep-problem/1` document.

    Raises:
        ProblemError: What stands in the tables makes no problem.
    """
    policy = await policy_of(db, planned.bureau_id)
    ground = await ground_of(db, planned.bureau_id)
    calendar = await work_calendar(db, planned.bureau_id)
    blocks = horizon(calendar, planned, ground)
    usual = Usual(blocks, frozenset(block for block in blocks if calendar.is_workday(block.day)))
    staff = await staff_of(db, ground.bodies)
    taken = await taken_by_others(db, planned)
    requests = await requests_of(db, planned, [place.id for place in ground.jurisdictions])
    offered = {offer.exam_id for offer in ground.offers}
    exams = await exams_between(
        db, offered, bureau_id=planned.bureau_id, first_day=planned.first_day, last_day=planned.last_day
    )
    named = await named_on(db, [request.id for request, _ in requests])
    wanted = [one for one in requests if one[0].exam_id in exams]
    document = {
        "format": "doorstep-problem/1",
        "blocks": [{"id": block.id, "date": block.day.isoformat(), "part": block.part.value} for block in blocks],
        "jurisdictions": [jurisdiction_entry(place) for place in ground.jurisdictions],
        "items": [item_entry(exam_id, rules) for exam_id, rules in sorted(exams.items())],
        "sites": [entry for site in ground.sites if (entry := site_entry(site, ground, usual, taken, exams))],
        "staff": [staff_entry(examiner, staff, usual, taken, exams) for examiner in staff.examiners],
        "requests": [
            entry
            for request, office in wanted
            if (entry := request_entry(request, office, blocks, busy_blocks(named[request.id], taken), policy))
        ],
        "costs": costs_of(policy),
        "change_cost": policy.change_fen,
    }
    bound = with_pins(await with_objections(db, planned, document), await standing_of(db, planned.id))
    return await with_staff_shares(db, bound, bureau_id=planned.bureau_id, round_id=planned.id, now=now)


async def ground_of(db: AsyncSession, bureau_id: int) -> Ground:
    """Everything that stands on the bureau's ground."""
    everywhere = (await db.exec(select(Jurisdiction).order_by(col(Jurisdiction.id)))).all()
    places = below(bureau_id, everywhere)
    ids = [place.id for place in places]
    sites = (await db.exec(select(Site).where(col(Site.jurisdiction_id).in_(ids)).order_by(col(Site.id)))).all()
    here = [site.id for site in sites]
    rooms = (await db.exec(select(col(Room.site_id)).where(col(Room.site_id).in_(here)))).all()
    offers = await db.exec(select(SiteOffer).where(col(SiteOffer.site_id).in_(here)).order_by(col(SiteOffer.exam_id)))
    closures = await db.exec(select(SiteClosure).where(col(SiteClosure.site_id).in_(here)))
    bodies = await db.exec(select(ExamBody).where(col(ExamBody.bureau_id) == bureau_id).order_by(col(ExamBody.id)))
    return Ground(places, sites, Counter(rooms), offers.all(), closures.all(), bodies.all())


def below(bureau_id: int, everywhere: Sequence[Jurisdiction]) -> list[Jurisdiction]:
    """The bureau and all under it, in id order."""
    inside = {bureau_id}
    while more := {place.id for place in everywhere if place.parent_id in inside} - inside:
        inside |= more
    return [place for place in everywhere if place.id in inside]


def horizon(calendar: WorkCalendar, planned: Round, ground: Ground) -> list[Block]:
    """The half-days of the round, with evenings and weekends where an exam body opted in."""
    evenings = any(body.opts_into_evenings for body in ground.bodies)
    weekends = any(body.opts_into_weekends for body in ground.bodies)
    before = planned.last_day + timedelta(days=1)
    return list(calendar.blocks_between(planned.first_day, before, evenings=evenings, weekends=weekends))


async def staff_of(db: AsyncSession, bodies: Sequence[ExamBody]) -> Staff:
    """The examiners of these bodies with skills, leave and recusals."""
    own = col(Examiner.exam_body_id).in_([body.id for body in bodies])
    examiners = (await db.exec(select(Examiner).where(own).order_by(col(Examiner.id)))).all()
    ids = [examiner.id for examiner in examiners]
    skills, recused = defaultdict(list), defaultdict(list)
    for skill in (await db.exec(select(ExaminerSkill).where(col(ExaminerSkill.examiner_id).in_(ids)))).all():
        skills[skill.examiner_id].append(skill.exam_id)
    for recusal in (await db.exec(select(Recusal).where(col(Recusal.examiner_id).in_(ids)))).all():
        recused[recusal.examiner_id].append(recusal.enterprise_id)
    leave = (await db.exec(select(ExaminerLeave).where(col(ExaminerLeave.examiner_id).in_(ids)))).all()
    away = {(row.examiner_id, Block(row.day, row.part).id) for row in leave}
    return Staff({body.id: body for body in bodies}, examiners, skills, away, recused)


async def requests_of(db: AsyncSession, planned: Round, office_ids: Sequence[int]) -> list[tuple[Request, int]]:
    """Open requests of the bureau's firms, and those already in this round, each with its firm's office."""
    asked = (
        select(Request, col(Enterprise.office_id))
        .join(Enterprise, col(Enterprise.id) == col(Request.enterprise_id))
        .where(
            col(Enterprise.office_id).in_(office_ids),
            (col(Request.state) == RequestState.OPEN)
            | ((col(Request.state) == RequestState.PLANNED) & (col(Request.round_id) == planned.id)),
        )
        .order_by(col(Request.id))
    )
    return [(request, office_id) for request, office_id in (await db.exec(asked)).all()]


async def named_on(db: AsyncSession, request_ids: Sequence[int]) -> defaultdict[int, list[int]]:
    """The workers named on each request."""
    named: defaultdict[int, list[int]] = defaultdict(list)
    for row in (await db.exec(select(RequestPerson).where(col(RequestPerson.request_id).in_(request_ids)))).all():
        named[row.request_id].append(row.worker_id)
    return named


def jurisdiction_entry(place: Jurisdiction) -> dict[str, Any]:
    """A node of the tree."""
    parent = key_in_problem("jurisdiction", place.parent_id) if place.parent_id else None
    return {"id": key_in_problem("jurisdiction", place.id), "tier": place.tier.value.lower(), "parent": parent}


def item_entry(exam_id: int, in_force: Sequence[ExamInForce]) -> dict[str, Any]:
    """An exam, with the strictest of the numbers in force on some day of the horizon: so each day's are kept."""
    return {
        "id": key_in_problem("exam", exam_id),
        "staff": max(exam.exam_rule.staff for exam in in_force),
        "min_class": max(exam.exam_rule.least_people for exam in in_force),
    }


def site_entry(
    site: Site, ground: Ground, usual: Usual, taken: Taken, exams: Mapping[int, Sequence[ExamInForce]]
) -> dict[str, Any] | None:
    """A site with its offers and open half-days; None where it offers nothing or is never open."""
    offers = [offer for offer in ground.offers if offer.site_id == site.id and offer.exam_id in exams]
    closed = [closure for closure in ground.closures if closure.site_id == site.id]
    opened = [block for block in usual.open_to(site) if not is_closed(block, closed)]
    rooms, usable = free_rooms(ground.rooms[site.id], [(block.id, taken.rooms[site.id, block.id]) for block in opened])
    if not offers or not usable:
        return None
    return {
        "id": key_in_problem("site", site.id),
        "jurisdiction": key_in_problem("jurisdiction", site.jurisdiction_id),
        "at": [site.latitude, site.longitude],
        "rooms": rooms,
        "blocks": usable,
        "offers": [
            {"item": key_in_problem("exam", o.exam_id), "places": o.places, "open_cost": o.open_cost_fen}
            for o in offers
        ],
    }


def is_closed(block: Block, closures: Sequence[SiteClosure]) -> bool:
    """Whether one of the closures covers the half-day."""
    return any(closure.from_day <= block.day < closure.before_day for closure in closures)


def free_rooms(rooms: int, taken: Sequence[tuple[str, int]]) -> tuple[int, list[str]]:
    """
    How many rooms the problem may count on, and on which half-days so many are free.

    A problem knows one number of rooms for all half-days; of all numbers, the one that leaves the most room-half-days.
    """
    choices = [(k, [block for block, used in taken if rooms - used >= k]) for k in range(rooms, 0, -1)]
    return max(choices, key=lambda choice: choice[0] * len(choice[1]), default=(rooms, []))


def staff_entry(examiner: Examiner, staff: Staff, usual: Usual, taken: Taken, exams: Container[int]) -> dict[str, Any]:
    """An examiner with the half-days that are free, evenings and weekends only if the exam body opted in."""
    busy = staff.leave | taken.examiners
    blocks = usual.open_to(staff.bodies[examiner.exam_body_id])
    skills = [exam_id for exam_id in staff.skills.get(examiner.id, ()) if exam_id in exams]
    return {
        "id": key_in_problem("examiner", examiner.id),
        "items": sorted(key_in_problem("exam", exam_id) for exam_id in skills),
        "blocks": [block.id for block in blocks if (examiner.id, block.id) not in busy],
        "max_blocks": examiner.most_blocks_a_round,
        "block_cost": examiner.block_cost_fen,
        "recused": sorted(key_in_problem("enterprise", firm) for firm in staff.recused.get(examiner.id, ())),
    }


def request_entry(
    request: Request, office_id: int, blocks: Sequence[Block], busy: Sequence[str], policy: Policy
) -> dict[str, Any] | None:
    """A request within the horizon; None where its window does not meet it."""
    window = [block.id for block in blocks if request.earliest_day <= block.day <= request.latest_day]
    if not window:
        return None
    entry: dict[str, Any] = {
        "id": key_in_problem("request", request.id),
        "enterprise": key_in_problem("enterprise", request.enterprise_id),
        "jurisdiction": key_in_problem("jurisdiction", office_id),
        "at": [request.latitude, request.longitude],
        "item": key_in_problem("exam", request.exam_id),
        "people": request.people,
        "from": window[0],
        "until": window[-1],
        "not_blocks": [block for block in busy if window[0] <= block <= window[-1] or block in window],
        "together": request.keep_together,
        "wait_cost": policy.wait_fen,
        "unplaced_cost": policy.unplaced_fen,
    }
    return entry if request.most_km is None else entry | {"max_km": request.most_km}


def costs_of(policy: Policy) -> dict[str, Any]:
    """The bureau's prices, in fen."""
    return {
        "per_person_km": policy.person_km_fen,
        "road_factor": policy.road_factor,
        "tier": {"office": policy.office_tier_fen, "town": policy.town_tier_fen, "bureau": policy.bureau_tier_fen},
    }
