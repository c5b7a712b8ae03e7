"""What a district consists of: frozen values with keys of their own, for a loader to turn into rows."""

from dataclasses import dataclass
from datetime import date

from models.identifiers import IdentityDocument
from models.vocabulary import Education, Subject, Tier
from scheduler.calendar import Block
from scheduler.district.catalogue import Item


@dataclass(frozen=True, order=True)
class Point:
    """A place on the map, in degrees."""

    latitude: float
    longitude: float

    def moved(self, north: float, east: float) -> "Point":
        """The point so many degrees away, to five decimals: about a metre."""
        return Point(round(self.latitude + north, 5), round(self.longitude + east, 5))


@dataclass(frozen=True, order=True)
class ExamKey:
    """One subject of one item: what is scheduled."""

    item: str
    subject: Subject


@dataclass(frozen=True)
class Quarter:
    """The days that are planned for: `starts_on <= day < ends_on`."""

    starts_on: date
    ends_on: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.ends_on - self.starts_on).days


@dataclass(frozen=True)
class Jurisdiction:
    """A bureau, a town-tier node or an office; `parent` is the code of the one above, None for a bureau."""

    code: str
    name: str
    tier: Tier
    parent: str | None
    at: Point


@dataclass(frozen=True)
class Enterprise:
    """A firm at the office that looks after it, with its named contact person."""

    credit_code: str
    name: str
    office: str
    at: Point
    contact_name: str
    contact_phone: str


@dataclass(frozen=True)
class Worker:
    """A person of an enterprise; the number is valid in form and belongs to nobody."""

    key: str
    enterprise: str
    name: str
    document: IdentityDocument
    born_on: date
    education: Education
    years_of_work: int


@dataclass(frozen=True)
class Offer:
    """What a site can examine: so many places a half-day, at a cost of opening."""

    exam: ExamKey
    places: int
    open_cost_fen: int


@dataclass(frozen=True)
class Closure:
    """Days on which a site is closed: `from_day <= day < before_day`."""

    from_day: date
    before_day: date
    reason: str


@dataclass(frozen=True)
class Site:
    """A place where sessions are held; `host` is the credit code of the firm whose yard it is."""

    key: str
    name: str
    jurisdiction: str
    at: Point
    rooms: int
    offers: tuple[Offer, ...]
    host: str | None = None
    closures: tuple[Closure, ...] = ()
    is_municipal_centre: bool = False
    opts_into_weekends: bool = False


@dataclass(frozen=True)
class ExamBody:
    """The body that conducts and scores the exams of a bureau."""

    key: str
    name: str
    bureau: str
    is_gated: bool


@dataclass(frozen=True)
class Recusal:
    """A firm whose people an examiner must not examine."""

    enterprise: str
    reason: str


@dataclass(frozen=True)
class Examiner:
    """An examiner of the exam body: what they may examine, when they are away, whom they must not examine."""

    key: str
    name: str
    exam_body: str
    skills: tuple[ExamKey, ...]
    leave: tuple[Block, ...]
    recusals: tuple[Recusal, ...]
    block_cost_fen: int
    most_blocks_a_round: int


@dataclass(frozen=True)
class Request:
    """A firm's wish for an item, its theory first; both days are inside. Some people are named only later."""

    key: str
    enterprise: str
    item: str
    named: tuple[str, ...]
    named_later: tuple[str, ...]
    earliest_day: date
    latest_day: date
    keep_together: bool
    most_km: float | None

    @property
    def people(self) -> int:
        """How many places are asked for."""
        return len(self.named) + len(self.named_later)


@dataclass(frozen=True)
class District:
    """Everything a loader needs; references are by code or key, which are unique over all bureaus."""

    items: tuple[Item, ...]
    jurisdictions: tuple[Jurisdiction, ...]
    enterprises: tuple[Enterprise, ...]
    workers: tuple[Worker, ...]
    sites: tuple[Site, ...]
    exam_bodies: tuple[ExamBody, ...]
    examiners: tuple[Examiner, ...]
    requests: tuple[Request, ...]
