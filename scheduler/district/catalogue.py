"""
The items of TSG Z6001-2019 as data, each number with where it comes from and how sure we are.

These are the values a new installation starts with; the bureau edits them, and a result is judged by those in force
on its day. Welding has codes of its own under TSG Z6002: `Z6002` stands in for them here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Generic, TypeVar

from models.vocabulary import Confidence, Education, Subject

T = TypeVar("T")

IN_FORCE_FROM = date(2019, 6, 1)
HALF_DAY_MINUTES = 180

_RULES = "TSG Z6001-2019"
_LOCAL = "notices of local exam bodies"
_PLANNING = "planning assumption"
_UNSTATED = "TSG Z6001-2019 states none; planning assumption"


@dataclass(frozen=True)
class Stated(Generic[T]):
    """A value that a regulator or a planner could change, with its source."""

    value: T
    source: str
    confidence: Confidence


@dataclass(frozen=True)
class SubjectRule:
    """The numbers of one subject of an item; `places` is what one room or station takes in a half-day."""

    subject: Subject
    full_mark: Stated[int]
    pass_mark: Stated[int]
    minutes_a_candidate: Stated[int]
    places: Stated[int]
    staff: Stated[int]
    least_people: Stated[int]


@dataclass(frozen=True)
class ItemRule:
    """Who may apply, how long a certificate counts, and what may be sat again."""

    valid_years: Stated[int]
    least_age: Stated[int]
    most_age: Stated[int]
    renewal_most_age: Stated[int]
    renewal_lead_months: Stated[int]
    least_education: Stated[Education]
    least_years_of_work: Stated[int]
    retakes: Stated[int]
    retake_window_months: Stated[int]


@dataclass(frozen=True)
class Item:
    """A work item (作业项目), with its scope limit where it has one: the two together are what is scheduled."""

    code: str
    scope_limit: str | None
    name: str
    english_name: str
    rule: ItemRule
    subjects: tuple[SubjectRule, ...]

    @property
    def key(self) -> str:
        """Code and limit in one word, such as `N1` or `Q2-桥式`."""
        return self.code if self.scope_limit is None else f"{self.code}-{self.scope_limit}"


def provenance(rule: ItemRule | SubjectRule) -> Mapping[str, Mapping[str, str]]:
    """Source and confidence of every stated field, by its name."""
    stated = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return {
        name: {"source": value.source, "confidence": value.confidence.value}
        for name, value in stated.items()
        if isinstance(value, Stated)
    }


@dataclass(frozen=True)
class _Frequency:
    """How often an item is asked for; the rarer, the smaller the group that is worth holding."""

    least_theory: int
    least_practical: int


# Eight and six are the usual groups; with those a district would never hold S1 or Y2, so rarer items start smaller.
_COMMON = _Frequency(least_theory=8, least_practical=6)
_SCARCE = _Frequency(least_theory=5, least_practical=4)
_RARE = _Frequency(least_theory=2, least_practical=2)

# Whether the practical waits for a passed theory: a setting of each exam body; sources differ, most admit so.
GATED_BY_DEFAULT: Stated[bool] = Stated(value=True, source=_LOCAL, confidence=Confidence.FOUND)

_JUNIOR = Stated(Education.JUNIOR_SECONDARY, _RULES, Confidence.FOUND)
_SENIOR = Stated(Education.SENIOR_SECONDARY, _RULES, Confidence.FOUND)
_NONE_STATED = Stated(Education.PRIMARY, _UNSTATED, Confidence.ASSUMED)


@dataclass(frozen=True)
class _Row:
    """One line of the table; no practical minutes: theory only."""

    code: str
    limit: str | None
    name: str
    english_name: str
    education: Stated[Education]
    practical_minutes: int | None
    frequency: _Frequency


def _found(value: int, source: str = _RULES) -> Stated[int]:
    return Stated(value, source, Confidence.FOUND)


def _assumed(value: int) -> Stated[int]:
    return Stated(value, _PLANNING, Confidence.ASSUMED)


def _theory(frequency: _Frequency) -> SubjectRule:
    return SubjectRule(
        subject=Subject.THEORY,
        full_mark=_found(100),
        pass_mark=_found(70),
        minutes_a_candidate=_found(60),
        places=_found(20, _LOCAL),
        # Two invigilators sit in the room; the chief on site serves several rooms and is not counted.
        staff=_found(2, _LOCAL),
        least_people=_assumed(frequency.least_theory),
    )


def _practical(minutes: int, frequency: _Frequency) -> SubjectRule:
    return SubjectRule(
        subject=Subject.PRACTICAL,
        full_mark=_found(100),
        pass_mark=_found(70),
        minutes_a_candidate=_assumed(minutes),
        places=_assumed(HALF_DAY_MINUTES // minutes),
        staff=_found(2, _LOCAL),
        least_people=_assumed(frequency.least_practical),
    )


def _rule(row: _Row) -> ItemRule:
    is_management = row.code == "A"
    return ItemRule(
        valid_years=_found(4),
        least_age=_found(18),
        most_age=_found(60),
        renewal_most_age=_found(65),
        renewal_lead_months=_found(1),
        least_education=row.education,
        least_years_of_work=_found(2) if is_management else _assumed(0),
        retakes=_found(0 if is_management else 1),
        retake_window_months=_found(0 if is_management else 12),
    )


def _item(row: _Row) -> Item:
    theory = _theory(row.frequency)
    practicals = () if row.practical_minutes is None else (_practical(row.practical_minutes, row.frequency),)
    return Item(
        code=row.code,
        scope_limit=row.limit,
        name=row.name,
        english_name=row.english_name,
        rule=_rule(row),
        subjects=(theory, *practicals),
    )


_ROWS = (
    _Row("A", None, "特种设备安全管理", "Special equipment safety management", _SENIOR, None, _COMMON),
    _Row("G1", None, "工业锅炉司炉", "Industrial boiler operation", _SENIOR, 20, _SCARCE),
    _Row("G2", None, "电站锅炉司炉", "Power station boiler operation", _SENIOR, 20, _RARE),
    _Row("G3", None, "锅炉水处理", "Boiler water treatment", _SENIOR, 20, _SCARCE),
    _Row("R1", None, "快开门式压力容器操作", "Quick-opening pressure vessel operation", _JUNIOR, 20, _SCARCE),
    _Row("R2", None, "移动式压力容器充装", "Mobile pressure vessel filling", _JUNIOR, 20, _SCARCE),
    _Row("R3", None, "氧舱维护保养", "Oxygen chamber maintenance", _SENIOR, 20, _RARE),
    _Row("P", None, "气瓶充装", "Gas cylinder filling", _JUNIOR, 15, _SCARCE),
    _Row("T", None, "电梯修理", "Lift repair", _JUNIOR, 20, _SCARCE),
    _Row("Q1", None, "起重机指挥", "Crane signalling", _JUNIOR, 15, _SCARCE),
    _Row("Q2", "桥式", "起重机司机(限桥式起重机)", "Crane driving, bridge cranes", _JUNIOR, 20, _COMMON),
    _Row("Q2", "门式", "起重机司机(限门式起重机)", "Crane driving, gantry cranes", _JUNIOR, 20, _SCARCE),
    _Row("Q2", "塔式", "起重机司机(限塔式起重机)", "Crane driving, tower cranes", _JUNIOR, 20, _RARE),
    _Row("Q2", "门座式", "起重机司机(限门座式起重机)", "Crane driving, portal cranes", _JUNIOR, 20, _RARE),
    _Row("Q2", "缆索式", "起重机司机(限缆索式起重机)", "Crane driving, cable cranes", _JUNIOR, 20, _RARE),
    _Row("Q2", "流动式", "起重机司机(限流动式起重机)", "Crane driving, mobile cranes", _JUNIOR, 20, _SCARCE),
    _Row("Q2", "升降机", "起重机司机(限升降机)", "Crane driving, hoists", _JUNIOR, 20, _RARE),
    _Row("S1", None, "客运索道修理", "Passenger ropeway repair", _NONE_STATED, 20, _RARE),
    _Row("S2", None, "客运索道司机", "Passenger ropeway driving", _NONE_STATED, 20, _RARE),
    _Row("Y1", None, "大型游乐设施修理", "Large amusement device repair", _NONE_STATED, 20, _RARE),
    _Row("Y2", None, "大型游乐设施操作", "Large amusement device operation", _NONE_STATED, 15, _RARE),
    _Row("N1", None, "叉车司机", "Forklift driving", _JUNIOR, 15, _COMMON),
    _Row("N2", None, "观光车和观光列车司机", "Sightseeing vehicle and train driving", _JUNIOR, 15, _SCARCE),
    _Row("F", None, "安全阀校验", "Safety valve calibration", _NONE_STATED, 20, _SCARCE),
    _Row("Z6002", "金属", "金属焊接操作", "Welding of metals", _NONE_STATED, 30, _RARE),
    _Row("Z6002", "非金属", "非金属焊接操作", "Welding of non-metals", _NONE_STATED, 30, _RARE),
)

ITEMS = tuple(_item(row) for row in _ROWS)
ITEM_BY_KEY: Mapping[str, Item] = {item.key: item for item in ITEMS}
