"""What a bureau's work came to: counted from the rows each time, never kept."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bookings import Promise
from models.catalogue import Exam, Item
from models.demand import Request
from models.places import Jurisdiction, Site
from models.sessions import Session
from models.vocabulary import PromiseState, SessionState, Tier
from scheduler.allocation.rules import km_between
from scheduler.catalogue import exam_name
from scheduler.policy import policy_of

GONE = (SessionState.DROPPED, SessionState.CANCELLED)
# Of a promise that was released, those named in time keep their places.
SEATED = case((col(Promise.state) == PromiseState.RELEASED, col(Promise.named)), else_=col(Promise.people))
Town = aliased(Jurisdiction)
Centre = aliased(Site)


@dataclass(frozen=True, slots=True)
class SessionFact:
    """One session as the report counts it; people are those promised a place or booked."""

    tier: str
    town: str
    exam: str
    places: int
    people: int


@dataclass(frozen=True, slots=True)
class SeatFact:
    """People of one request in one session: how long they waited, how far they go, how far the centre would be."""

    request_id: int
    tier: Tier
    people: int
    waited_days: int
    km: float
    km_to_centre: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the report: sessions, places and people under one heading."""

    heading: str
    sessions: int
    places: int
    people: int

    @property
    def fill(self) -> float:
        """The share of places that people sit on, 0 to 1."""
        return self.people / self.places if self.places else 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """How many requests, and how many people, a tier brought an exam to."""

    heading: str
    requests: int
    people: int


@dataclass(frozen=True, slots=True)
class Way:
    """How long people waited and how far they go: means over people, and what the worst tenth exceeds."""

    people: int
    mean_days: float
    worst_tenth_days: float
    mean_km: float
    worst_tenth_km: float
    mean_km_to_centre: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a bureau, or of one of its rounds."""

    requests_by_tier: Sequence[Reach]
    by_tier: Sequence[Line]
    by_town: Sequence[Line]
    by_exam: Sequence[Line]
    way: Way


async def report_of(db: AsyncSession, bureau_id: int, *, round_id: int | None) -> Report:
    """Count the standing sessions of a bureau, or of one of its rounds."""
    sessions = await session_facts(db, bureau_id, round_id=round_id)
    seats = await seat_facts(db, bureau_id, round_id=round_id)
    return Report(
        requests_by_tier=reaches(seats),
        by_tier=lines(sessions, lambda fact: fact.tier),
        by_town=lines(sessions, lambda fact: fact.town),
        by_exam=lines(sessions, lambda fact: fact.exam),
        way=way_of(seats),
    )


def standing(bureau_id: int, round_id: int | None) -> list[Any]:
    """The conditions on a session to be counted."""
    conditions = [col(Session.bureau_id) == bureau_id, col(Session.state).not_in(GONE)]
    return conditions if round_id is None else [*conditions, col(Session.round_id) == round_id]


async def session_facts(db: AsyncSession, bureau_id: int, *, round_id: int | None) -> list[SessionFact]:
    """The standing sessions with the name of the town, or of the bureau, whose ground they are on."""
    rows = await db.exec(
        select(Session, Jurisdiction, Town, Item, Exam)  # type: ignore[call-overload]  # typed up to four
        .join(Site, col(Site.id) == col(Session.site_id))
        .join(Jurisdiction, col(Jurisdiction.id) == col(Site.jurisdiction_id))
        .join(Town, col(Town.id) == col(Jurisdiction.parent_id), isouter=True)
        .join(Exam, col(Exam.id) == col(Session.exam_id))
        .join(Item, col(Item.id) == col(Exam.item_id))
        .where(*standing(bureau_id, round_id))
    )
    return [
        SessionFact(
            tier=session.tier.value,
            town=town.name if ground.tier == "OFFICE" else ground.name,
            exam=exam_name(item, exam),
            places=session.places,
            people=session.promised + session.taken,
        )
        for session, ground, town, item, exam in rows.all()
    ]


async def seat_facts(db: AsyncSession, bureau_id: int, *, round_id: int | None) -> list[SeatFact]:
    """Where the standing promises seat people, seen from where each firm asked."""
    road = (await policy_of(db, bureau_id)).road_factor
    centre = (await db.exec(centre_of(bureau_id))).first()
    rows = await db.exec(
        select(SEATED, Request, Session, Site)
        .join(Request, col(Request.id) == col(Promise.request_id))
        .join(Session, col(Session.id) == col(Promise.session_id))
        .join(Site, col(Site.id) == col(Session.site_id))
        .where(*standing(bureau_id, round_id), col(Promise.state) != PromiseState.DROPPED, SEATED > 0)
    )
    return [
        SeatFact(
            request_id=request.id,
            tier=session.tier,
            people=people,
            waited_days=(session.day - request.earliest_day).days,
            km=road * km_between((request.latitude, request.longitude), (site.latitude, site.longitude)),
            km_to_centre=road * km_between((request.latitude, request.longitude), centre) if centre else None,
        )
        for people, request, session, site in rows.all()
    ]


def centre_of(bureau_id: int) -> Any:
    """Where the bureau's municipal centre stands."""
    return select(col(Site.latitude), col(Site.longitude)).where(
        col(Site.jurisdiction_id) == bureau_id, col(Site.is_municipal_centre)
    )


def lines(facts: Iterable[SessionFact], heading: Callable[[SessionFact], str]) -> list[Line]:
    """The facts added up under their headings, the busiest first."""
    grouped: dict[str, list[SessionFact]] = defaultdict(list)
    for fact in facts:
        grouped[heading(fact)].append(fact)
    added = [
        Line(name, len(group), sum(fact.places for fact in group), sum(fact.people for fact in group))
        for name, group in grouped.items()
    ]
    return sorted(added, key=lambda line: (-line.people, line.heading))


def reaches(seats: Sequence[SeatFact]) -> list[Reach]:
    """Requests and people by tier, lowest first; a request spread over several tiers counts at the highest of them."""
    order = list(Tier)
    highest: dict[int, int] = {}
    people = dict.fromkeys(order, 0)
    for seat in seats:
        highest[seat.request_id] = max(order.index(seat.tier), highest.get(seat.request_id, 0))
        people[seat.tier] += seat.people
    requests = Counter(order[step] for step in highest.values())
    return [Reach(tier.value, requests[tier], people[tier]) for tier in order]


def way_of(seats: Sequence[SeatFact]) -> Way:
    """Means over people, and the values that the worst tenth of them exceeds."""
    people = sum(seat.people for seat in seats)
    to_centre = [(seat.km_to_centre, seat.people) for seat in seats if seat.km_to_centre is not None]
    return Way(
        people=people,
        mean_days=mean((seat.waited_days, seat.people) for seat in seats),
        worst_tenth_days=worst_tenth((seat.waited_days, seat.people) for seat in seats),
        mean_km=mean((seat.km, seat.people) for seat in seats),
        worst_tenth_km=worst_tenth((seat.km, seat.people) for seat in seats),
        mean_km_to_centre=mean(to_centre) if to_centre else None,
    )


def mean(weighted: Iterable[tuple[float, int]]) -> float:
    """The mean over people; 0 for nobody."""
    pairs = list(weighted)
    people = sum(count for _, count in pairs)
    return sum(value * count for value, count in pairs) / people if people else 0.0


def worst_tenth(weighted: Iterable[tuple[float, int]]) -> float:
    """The value that a tenth of the people exceeds; 0 for nobody."""
    pairs = sorted(weighted, reverse=True)
    left = sum(count for _, count in pairs) / 10
    for value, count in pairs:
        left -= count
        if left < 0:
            return value
    return 0.0
