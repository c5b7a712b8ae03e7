"""Draws a district from a seed: the same seed gives the same district, to the last digit."""

from collections.abc import Callable, Iterable
from datetime import date
from itertools import chain
from random import Random
from typing import TypeVar

from scheduler.district.catalogue import ITEMS
from scheduler.district.demand import demand_of
from scheduler.district.enterprises import enterprises_of
from scheduler.district.examiners import exam_body_of, examiners_of
from scheduler.district.jurisdictions import Bureau, bureau_at
from scheduler.district.sites import sites_of
from scheduler.district.values import District, Quarter

T = TypeVar("T")

SPRING_OF_2027 = Quarter(starts_on=date(2027, 3, 1), ends_on=date(2027, 6, 1))
MOST_BUREAUS = 99


def generate(seed: int, bureaus: int = 1, *, quarter: Quarter = SPRING_OF_2027) -> District:
    """
    Songjiang, and further invented bureaus of the same shape beside it.

    A bureau is drawn from the seed and its index alone: adding bureaus changes nothing in those before.

    Raises:
        ValueError: Not between 1 and 99 bureaus.
    """
    if not 1 <= bureaus <= MOST_BUREAUS:
        raise ValueError(f"A district has 1 to {MOST_BUREAUS} bureaus, not {bureaus}.")
    given: set[str] = set()
    parts = [_bureau(seed, bureau_at(index), quarter=quarter, given=given) for index in range(bureaus)]
    return District(
        items=ITEMS,
        jurisdictions=_all(parts, lambda part: part.jurisdictions),
        enterprises=_all(parts, lambda part: part.enterprises),
        workers=_all(parts, lambda part: part.workers),
        sites=_all(parts, lambda part: part.sites),
        exam_bodies=_all(parts, lambda part: part.exam_bodies),
        examiners=_all(parts, lambda part: part.examiners),
        requests=_all(parts, lambda part: part.requests),
    )


def _bureau(seed: int, bureau: Bureau, *, quarter: Quarter, given: set[str]) -> District:
    enterprises = enterprises_of(bureau, _chance(seed, bureau, topic="enterprises"))
    demand = demand_of(bureau, enterprises, quarter=quarter, chance=_chance(seed, bureau, topic="demand"), given=given)
    return District(
        items=ITEMS,
        jurisdictions=bureau.nodes,
        enterprises=enterprises,
        workers=demand.workers,
        sites=sites_of(bureau, enterprises, quarter=quarter, chance=_chance(seed, bureau, topic="sites")),
        exam_bodies=(exam_body_of(bureau),),
        examiners=examiners_of(bureau, enterprises, quarter=quarter, chance=_chance(seed, bureau, topic="examiners")),
        requests=demand.requests,
    )


def _chance(seed: int, bureau: Bureau, *, topic: str) -> Random:
    """A source of its own for each topic: drawing one more site does not change who asks for what."""
    return Random(f"{seed}/{bureau.index}/{topic}")  # noqa: S311 - a demo must repeat, not be unguessable


def _all(parts: Iterable[District], of: Callable[[District], tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(chain.from_iterable(map(of, parts)))
