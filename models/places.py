"""The tree of jurisdictions, the sites where sessions are held, what each offers, and when it is closed."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import Tier


class Jurisdiction(Table, table=True):
    """A bureau, a town or subdistrict, or an office (局—镇—所); a tree per bureau, editable master data."""

    __tablename__ = "jurisdiction"
    __table_args__ = (CheckConstraint("(tier = 'BUREAU') = (parent_id IS NULL)", name="only_a_bureau_is_a_root"),)

    id: int = key()
    code: str = Field(unique=True)
    name: str
    tier: Tier = listed(Tier)
    parent_id: int | None = refers_to("jurisdiction.id", optional=True)
    latitude: float
    longitude: float


class Site(Table, table=True):
    """A place where sessions are held: a hall, a yard, the municipal centre."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("jurisdiction_id", "name"),)

    id: int = key()
    jurisdiction_id: int = refers_to("jurisdiction.id", index=False)
    host_enterprise_id: int | None = refers_to("enterprise.id", optional=True)
    name: str
    latitude: float
    longitude: float
    is_municipal_centre: bool = False
    opts_into_evenings: bool = False
    opts_into_weekends: bool = False


class Room(Table, table=True):
    """One room or yard of a site: it holds one session at a time."""

    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("site_id", "number"),)

    id: int = key()
    site_id: int = refers_to("site.id", index=False)
    number: int


class SiteOffer(Table, table=True):
    """What a site can examine: one subject of one item, so many places a half-day, at a cost of opening."""

    __tablename__ = "site_offer"
    __table_args__ = (
        UniqueConstraint("site_id", "exam_id"),
        CheckConstraint("places BETWEEN 1 AND 1000", name="places_sensible"),
        CheckConstraint("open_cost_fen >= 0", name="open_cost_not_negative"),
    )

    id: int = key()
    site_id: int = refers_to("site.id", index=False)
    exam_id: int = refers_to("exam.id")
    places: int
    open_cost_fen: int


class SiteClosure(Table, table=True):
    """Days on which a site is closed: from a day, until before another."""

    __tablename__ = "site_closure"
    __table_args__ = (CheckConstraint("from_day < before_day", name="days_in_order"),)

    id: int = key()
    site_id: int = refers_to("site.id")
    from_day: date
    before_day: date
    reason: str
    recorded_at: datetime = instant()


class WeatherBlock(Table, table=True):
    """A day on which bad weather lets nothing be held outdoors at a site."""

    __tablename__ = "weather_block"
    __table_args__ = (UniqueConstraint("site_id", "day"),)

    id: int = key()
    site_id: int = refers_to("site.id", index=False)
    day: date
    reason: str
    recorded_at: datetime = instant()


class CalendarOverride(Table, table=True):
    """A day that the bureau declares a workday or a holiday, whatever the national calendar says."""

    __tablename__ = "calendar_override"
    __table_args__ = (UniqueConstraint("bureau_id", "day"),)

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id", index=False)
    day: date
    is_workday: bool
    reason: str
