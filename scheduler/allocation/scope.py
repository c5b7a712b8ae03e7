"""What may change while the rest of a draft stands: the whole space, or a neighbourhood of it."""

from dataclasses import dataclass

import numpy as np

from scheduler.allocation.draft import Draft, Seats, at_rest, rooms_left, seated_by_request, slack_of
from scheduler.allocation.space import Bools, Ints, Space


@dataclass(frozen=True, slots=True)
class Scope:
    """
    The part of a problem that a model decides.

    Attributes:
        options: Sessions that may be held or not.
        pairs: Who may sit in them.
        people: By request, who is free to be seated.
        rooms: By site and rank, what the rest leaves.
        ranks: Where staff may be named anew, everybody's sessions included.
        needed: By item and first rank, staff that sessions outside need there.
        blocks_left: By staff, what their sessions at other ranks leave.
        slack: By link and rank, how far those seated outside and ahead keep behind the people they follow.
    """

    space: Space
    options: Ints
    pairs: Ints
    people: Ints
    rooms: Ints
    ranks: Bools
    needed: Ints
    blocks_left: Ints
    slack: Ints


def whole_scope(space: Space) -> Scope:
    """Everything may change."""
    return scope_of(space, Draft(), np.arange(space.options.count), np.arange(space.pairs.count))


def scope_of(space: Space, draft: Draft, options: Ints, pairs: Ints) -> Scope:
    """These options and pairs may change; every other session of the draft stands."""
    inside = set(options.tolist())
    outside = {option: there for option, there in draft.seats.items() if option not in inside}
    options = options[~at_rest(space, outside)[options]]
    kept = np.zeros(space.options.count, bool)
    kept[options] = True
    pairs = pairs[kept[space.pairs.option[pairs]]]
    ranks = ranks_touched(space, options, outside)
    needed, used = outside_staff(space, draft, outside, ranks)
    return Scope(
        space=space,
        options=options,
        pairs=pairs,
        people=people_left(space, outside),
        rooms=rooms_left(space, outside),
        ranks=ranks,
        needed=needed,
        blocks_left=space.max_blocks - used,
        slack=slack_of(space, outside, [*outside, *options.tolist()]),
    )


def people_left(space: Space, outside: Seats) -> Ints:
    """By request, who is free; a request that stays together and sits outside is not."""
    seated = seated_by_request(space, outside)
    left: Ints = np.where(space.together & (seated > 0), 0, space.people - seated)
    return left


def ranks_touched(space: Space, options: Ints, outside: Seats) -> Bools:
    """Ranks of the options, and of every session outside that shares one of them."""
    ranks = np.zeros(space.ranks, bool)
    for shift in range(int(space.length.max(initial=1))):
        longer = options[space.length[space.options.item[options]] > shift]
        ranks[space.options.start[longer] + shift] = True
    grown = True
    while grown:
        grown = False
        for option in outside:
            span = space.span(option)
            if ranks[span].any() and not ranks[span].all():
                ranks[span] = grown = True
    return ranks


def outside_staff(space: Space, draft: Draft, outside: Seats, ranks: Bools) -> tuple[Ints, Ints]:
    """Staff needed outside at the ranks, by item and first rank; blocks used elsewhere, by staff."""
    needed = np.zeros((len(space.item_ids), space.ranks), np.int64)
    used = np.zeros(len(space.staff_ids), np.int64)
    for option in outside:
        item, start = int(space.options.item[option]), int(space.options.start[option])
        if ranks[start]:
            needed[item, start] += space.staff_needed[item]
        else:
            used[list(draft.staff.get(option, ()))] += space.length[item]
    return needed, used
