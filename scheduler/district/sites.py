"""Where exams can be held: the municipal centre, the bureau's own, town halls, park stations, firms' yards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from random import Random

from models.vocabulary import Subject
from scheduler.district.catalogue import ITEM_BY_KEY, ITEMS
from scheduler.district.jurisdictions import Bureau, Town
from scheduler.district.values import Closure, Enterprise, ExamKey, Offer, Quarter, Site

# What a hall or room is equipped and licensed for; the rest of theory is sat at the bureau's centres.
_HALL_ITEMS = ("A", "N1", "Q2-桥式", "T")
_LARGE_HALL_ITEMS = (*_HALL_ITEMS, "R1", "G1", "P", "Q1")
_STATION_ITEMS = ("A", "N1")
_STATION_PLACES = 12
_LARGE_HALLS = 6
_MUNICIPAL_ROOMS = 6
_BUREAU_ROOMS = 3

# Practicals of the bureau's own centre: what needs a desk or a yard corner and no machine of its own.
_BUREAU_PRACTICALS = ("Q1", "G3", "F")

# Opening costs in fen [assumed]: a firm lends its yard, a hall is heated and watched, a centre pays its people.
_STATION_COST, _YARD_COST, _HALL_COST, _CENTRE_COST = 30_000, 50_000, 60_000, 80_000

# The municipal centre lies in the city, some 27 km away; the bureau's own beside the district government.
_MUNICIPAL_STEP = (0.16, 0.21)

_CLOSURE_REASONS = ("盘点", "设备检修", "本单位活动")
_CLOSURE_DAYS = (2, 10)
_WEEKEND_SHARE = 0.3


@dataclass(frozen=True)
class YardShape:
    """A kind of yard that firms lend: its items, and the stations (vehicles, cranes) that work side by side."""

    name: str
    items: tuple[str, ...]
    stations: int
    yards: int


YARDS = (
    YardShape("叉车双车场地", ("N1", "N2"), stations=2, yards=4),
    YardShape("叉车场地", ("N1",), stations=1, yards=5),
    YardShape("桥式起重机车间", ("Q2-桥式",), stations=1, yards=3),
    YardShape("门式起重机货场", ("Q2-门式", "Q1"), stations=1, yards=1),
    YardShape("流动式起重机场地", ("Q2-流动式", "Q1"), stations=1, yards=1),
    YardShape("锅炉房", ("G1", "G3"), stations=1, yards=1),
    YardShape("压力容器车间", ("R1",), stations=1, yards=1),
    YardShape("电梯实训井道", ("T",), stations=1, yards=1),
)


def sites_of(
    bureau: Bureau, enterprises: Sequence[Enterprise], *, quarter: Quarter, chance: Random
) -> tuple[Site, ...]:
    """About forty-five sites on all three tiers; what is asked for can be examined at one of them at least."""
    keys = (bureau.key("s", number) for number in count(1))
    large = sorted(bureau.towns, key=lambda town: (-town.employment, town.node.code))[:_LARGE_HALLS]
    halls = [
        _hall(next(keys), town, is_large=town in large, closures=_closures(quarter, chance)) for town in bureau.towns
    ]
    stations = [_station(next(keys), town, number) for town in bureau.towns for number in range(1, len(town.offices))]
    yards = [
        _yard(
            next(keys), shape, host=host, closures=_closures(quarter, chance), weekends=chance.random() < _WEEKEND_SHARE
        )
        for shape, host in zip(_yard_shapes(), _hosts(enterprises, chance), strict=False)
    ]
    return (_municipal_centre(next(keys), bureau), _own_centre(next(keys), bureau), *halls, *stations, *yards)


def _municipal_centre(key: str, bureau: Bureau) -> Site:
    """The city's centre, entered under the bureau: it examines every item there is."""
    return Site(
        key=key,
        name=f"市特种设备考试中心（{bureau.label}示例）",
        jurisdiction=bureau.node.code,
        at=bureau.node.at.moved(*_MUNICIPAL_STEP),
        rooms=_MUNICIPAL_ROOMS,
        offers=(
            *_theory_offers((item.key for item in ITEMS), cost=_CENTRE_COST),
            *_practical_offers((item.key for item in ITEMS), stations=1, cost=_CENTRE_COST),
        ),
        is_municipal_centre=True,
    )


def _own_centre(key: str, bureau: Bureau) -> Site:
    return Site(
        key=key,
        name=f"{bureau.label}特种设备考试点",
        jurisdiction=bureau.node.code,
        at=bureau.node.at,
        rooms=_BUREAU_ROOMS,
        offers=(
            *_theory_offers((item.key for item in ITEMS), cost=_CENTRE_COST),
            *_practical_offers(_BUREAU_PRACTICALS, stations=1, cost=_CENTRE_COST),
        ),
    )


def _hall(key: str, town: Town, *, is_large: bool, closures: tuple[Closure, ...]) -> Site:
    return Site(
        key=key,
        name=f"{town.node.name}培训大厅",
        jurisdiction=town.node.code,
        at=town.node.at,
        rooms=2 if is_large else 1,
        offers=_theory_offers(_LARGE_HALL_ITEMS if is_large else _HALL_ITEMS, cost=_HALL_COST),
        closures=closures,
    )


def _station(key: str, town: Town, number: int) -> Site:
    """The one small room of a park station."""
    office = town.offices[number]
    return Site(
        key=key,
        name=f"{office.name}机考室",
        jurisdiction=office.code,
        at=office.at,
        rooms=1,
        offers=tuple(Offer(ExamKey(item, Subject.THEORY), _STATION_PLACES, _STATION_COST) for item in _STATION_ITEMS),
    )


def _yard(key: str, shape: YardShape, *, host: Enterprise, closures: tuple[Closure, ...], weekends: bool) -> Site:
    return Site(
        key=key,
        name=f"{host.name}{shape.name}",
        jurisdiction=host.office,
        at=host.at,
        rooms=1,
        offers=_practical_offers(shape.items, stations=shape.stations, cost=_YARD_COST),
        host=host.credit_code,
        closures=closures,
        opts_into_weekends=weekends,
    )


def _theory_offers(items: Iterable[str], *, cost: int) -> tuple[Offer, ...]:
    return tuple(_offer(item, Subject.THEORY, stations=1, cost=cost) for item in items)


def _practical_offers(items: Iterable[str], *, stations: int, cost: int) -> tuple[Offer, ...]:
    return tuple(
        _offer(item, Subject.PRACTICAL, stations=stations, cost=cost)
        for item in items
        if any(rule.subject is Subject.PRACTICAL for rule in ITEM_BY_KEY[item].subjects)
    )


def _offer(item: str, subject: Subject, *, stations: int, cost: int) -> Offer:
    (places,) = (rule.places.value for rule in ITEM_BY_KEY[item].subjects if rule.subject is subject)
    return Offer(exam=ExamKey(item, subject), places=places * stations, open_cost_fen=cost)


def _yard_shapes() -> list[YardShape]:
    return [shape for shape in YARDS for _ in range(shape.yards)]


def _hosts(enterprises: Sequence[Enterprise], chance: Random) -> list[Enterprise]:
    """Firms in the order in which they lend yards: one of each office before a second of any."""
    shuffled = chance.sample(enterprises, len(enterprises))
    turn: dict[str, int] = {}
    ranked = []
    for enterprise in shuffled:
        turn[enterprise.office] = turn.get(enterprise.office, 0) + 1
        ranked.append((turn[enterprise.office], enterprise))
    return [enterprise for _, enterprise in sorted(ranked, key=lambda pair: pair[0])]


def _closures(quarter: Quarter, chance: Random) -> tuple[Closure, ...]:
    """One span of a few days in the quarter, or none."""
    if chance.random() < 1 / 2:
        return ()
    from_day = quarter.starts_on + timedelta(days=chance.randrange(quarter.days))
    before_day = from_day + timedelta(days=chance.randint(*_CLOSURE_DAYS))
    return (Closure(from_day=from_day, before_day=before_day, reason=chance.choice(_CLOSURE_REASONS)),)
