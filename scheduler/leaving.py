"""
Who leaves a session that gets fewer places: one published rule for everybody.

First go places without a name: those kept for who waits, those held or offered, those promised. Then named people go,
the latest bookings first. Of each kind the latest leave first, and whole groups before parts of one: a group parts only
where every whole one is more than must leave, and one that sits together or not at all leaves whole even then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Kind(IntEnum):
    """What a party has in the session, in the order of leaving."""

    KEPT = 1
    HELD = 2
    PROMISED = 3
    NAMED = 4


@dataclass(frozen=True, slots=True)
class Party:
    """Places that one firm has of one act, and since when."""

    id: int
    kind: Kind
    people: int
    since: datetime
    is_together: bool = False


def who_leaves(parties: Sequence[Party], people: int) -> dict[int, int]:
    """How many of each party leave, by its id, so that `people` places are free; none of those who all stay."""
    leaving: dict[int, int] = {}
    for kind in Kind:
        latest = sorted((each for each in parties if each.kind is kind), key=lambda each: (each.since, each.id))[::-1]
        for party in latest:
            if party.people <= people:
                leaving[party.id] = party.people
                people -= party.people
        staying = [party for party in latest if party.id not in leaving]
        if people > 0 and staying:
            parting = next((party for party in staying if not party.is_together), staying[0])
            leaving[parting.id] = parting.people if parting.is_together else people
            people -= leaving[parting.id]
        if people <= 0:
            break
    return leaving
