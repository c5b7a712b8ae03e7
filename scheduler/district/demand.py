"""Who wants what: the requests of a bureau's firms over a quarter, and the people behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from random import Random

from models.identifiers import IdentityDocument
from models.vocabulary import Education
from scheduler.district.catalogue import ITEM_BY_KEY
from scheduler.district.enterprises import apportioned
from scheduler.district.identities import documents
from scheduler.district.jurisdictions import Bureau
from scheduler.district.numerals import in_chinese
from scheduler.district.values import Enterprise, Quarter, Request, Worker

PEOPLE_A_BUREAU = 1_600

# N1 is 36 % of theory in Shenzhen (found); how the rest divides is a planning assumption.
ITEM_SHARES: Mapping[str, float] = {
    "N1": 0.36,
    "A": 0.18,
    "Q2-桥式": 0.10,
    "T": 0.08,
    "R1": 0.05,
    "G1": 0.04,
    "Q1": 0.04,
    "Q2-门式": 0.03,
    "Q2-流动式": 0.03,
    "P": 0.03,
    "G3": 0.02,
    "N2": 0.02,
    "F": 0.01,
    "R2": 0.01,
}

# Small firms ask for a few people; the largest request still fits one theory room of twenty.
_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15)
_SIZE_WEIGHTS = (14, 18, 17, 13, 10, 9, 8, 6, 3, 2)
_FIRM_SIZE_SHAPE = 1.3  # a few firms are large and ask often

_FIRST_WISHES_DAYS = 42
_WINDOW_DAYS = (28, 70)
_FULLY_NAMED_SHARE = 0.8
_TOGETHER_SHARE = 0.35
_MOST_TOGETHER = 10
_DISTANCE_SHARE = 0.2
_DISTANCES_KM = (15.0, 20.0, 30.0)
# Items examined in many places; a limit of distance on any other would only ever mean no.
_NEARBY_ITEMS = frozenset({"N1", "A"})

_EDUCATION_WEIGHTS = {
    Education.PRIMARY: 5,
    Education.JUNIOR_SECONDARY: 45,
    Education.SENIOR_SECONDARY: 38,
    Education.COLLEGE: 12,
}


@dataclass(frozen=True)
class Demand:
    """The requests of one bureau and everyone they are for."""

    workers: tuple[Worker, ...]
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class _Wish:
    enterprise: Enterprise
    item: str
    people: int


def demand_of(
    bureau: Bureau, enterprises: Sequence[Enterprise], *, quarter: Quarter, chance: Random, given: set[str]
) -> Demand:
    """Requests for some 1,600 people, each a worker of the firm that asks; `given` are identity numbers in use."""
    wishes = _wishes(enterprises, chance)
    people = _people(bureau, wishes, on=quarter.starts_on, chance=chance, given=given)
    groups = iter(people)
    requests = tuple(
        _request(
            bureau.key("r", number), wish, group=tuple(islice(groups, wish.people)), quarter=quarter, chance=chance
        )
        for number, wish in enumerate(wishes, start=1)
    )
    return Demand(workers=people, requests=requests)


def _wishes(enterprises: Sequence[Enterprise], chance: Random) -> list[_Wish]:
    """Firms and items with group sizes that sum to the demand, in the order in which they come up."""
    sizes = [chance.paretovariate(_FIRM_SIZE_SHAPE) for _ in enterprises]
    # The first firm is the one that newcomers sign in as: the largest of all, it has people and requests to look at.
    largest = sizes.index(max(sizes))
    sizes[0], sizes[largest] = sizes[largest], sizes[0]
    shares = apportioned(PEOPLE_A_BUREAU, tuple(ITEM_SHARES.values()))
    wishes = [
        _Wish(enterprise=enterprise, item=item, people=people)
        for item, total in zip(ITEM_SHARES, shares, strict=True)
        for enterprise, people in zip(_askers(enterprises, sizes, chance), _groups(total, chance), strict=False)
    ]
    chance.shuffle(wishes)
    return wishes


def _askers(enterprises: Sequence[Enterprise], sizes: Sequence[float], chance: Random) -> list[Enterprise]:
    """All firms, the larger ones likely first: a firm asks for an item once."""
    drawn = [(chance.random() ** (1 / size), enterprise) for size, enterprise in zip(sizes, enterprises, strict=True)]
    return [enterprise for _, enterprise in sorted(drawn, key=lambda pair: pair[0], reverse=True)]


def _groups(total: int, chance: Random) -> list[int]:
    groups = []
    while total > 0:
        (size,) = chance.choices(_SIZES, _SIZE_WEIGHTS)
        groups.append(min(size, total))
        total -= groups[-1]
    return groups


def _people(
    bureau: Bureau, wishes: Sequence[_Wish], *, on: date, chance: Random, given: set[str]
) -> tuple[Worker, ...]:
    """One worker for every place wished for, in the order of the wishes."""
    places = [wish for wish in wishes for _ in range(wish.people)]
    papers = documents(chance, on=on, given=given)
    return tuple(
        _worker(bureau, number, wish=wish, paper=paper, chance=chance)
        for number, (wish, paper) in enumerate(zip(places, papers, strict=False), start=1)
    )


def _worker(
    bureau: Bureau, number: int, *, wish: _Wish, paper: tuple[IdentityDocument, date], chance: Random
) -> Worker:
    """Someone whom the item's rule admits."""
    document, born_on = paper
    rule = ITEM_BY_KEY[wish.item].rule
    levels = tuple(Education)
    enough = levels[levels.index(rule.least_education.value) :]
    (education,) = chance.choices(enough, [_EDUCATION_WEIGHTS[level] for level in enough])
    return Worker(
        key=bureau.key("w", number),
        enterprise=wish.enterprise.credit_code,
        name=f"示例工友{in_chinese(number, width=4)}",
        document=document,
        born_on=born_on,
        education=education,
        years_of_work=rule.least_years_of_work.value + chance.randrange(10),
    )


def _request(key: str, wish: _Wish, *, group: Sequence[Worker], quarter: Quarter, chance: Random) -> Request:
    earliest = quarter.starts_on + timedelta(days=chance.randrange(_FIRST_WISHES_DAYS))
    latest = earliest + timedelta(days=chance.randint(*_WINDOW_DAYS))
    named = wish.people if chance.random() < _FULLY_NAMED_SHARE else wish.people // 2
    has_limit = wish.item in _NEARBY_ITEMS and chance.random() < _DISTANCE_SHARE
    keys = tuple(worker.key for worker in group)
    return Request(
        key=key,
        enterprise=wish.enterprise.credit_code,
        item=wish.item,
        named=keys[:named],
        named_later=keys[named:],
        earliest_day=earliest,
        latest_day=min(latest, quarter.ends_on - timedelta(days=1)),
        keep_together=1 < wish.people <= _MOST_TOGETHER and chance.random() < _TOGETHER_SHARE,
        most_km=chance.choice(_DISTANCES_KM) if has_limit else None,
    )
