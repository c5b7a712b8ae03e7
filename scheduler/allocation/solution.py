"""Between a scope's model and a draft: read a solution, or offer a draft as a start."""

import numpy as np

from scheduler.allocation.draft import Draft, Seats, steps_of
from scheduler.allocation.model import ScopeModel
from scheduler.allocation.space import Floats


def seats_of(written: ScopeModel, values: Floats) -> Seats:
    """Who sits where in a solution; sessions that nobody needs are not held."""
    scope, pairs = written.scope, written.scope.space.pairs
    seats: Seats = {}
    for held in (written.held, written.empty):
        for option in held.option[values[held.column] > 0.5].tolist():  # noqa: PLR2004 - whole but for rounding
            seats[option] = {}
    people = np.rint(values[written.seat] * written.weight).astype(int)
    for pair, count in zip(scope.pairs[people > 0].tolist(), people[people > 0].tolist(), strict=True):
        seats[int(pairs.option[pair])][pair] = count
    pinned = scope.space.options.pinned
    return {option: there for option, there in sorted(seats.items()) if there or pinned[option]}


def is_whole(written: ScopeModel, values: Floats) -> bool:
    """Whether a solution seats whole people."""
    people = values[written.seat] * written.weight
    return bool(np.abs(people - np.rint(people)).max(initial=0.0) < 1e-5)  # noqa: PLR2004 - the solver's tolerance


def merged(draft: Draft, written: ScopeModel, inside: Seats) -> Seats:
    """The draft with the scope's sessions replaced."""
    mine = set(written.scope.options.tolist())
    outside = {option: dict(there) for option, there in draft.seats.items() if option not in mine}
    return dict(sorted((outside | inside).items()))


def values_of(written: ScopeModel, draft: Draft) -> Floats | None:
    """A draft as a solution of the scope, or None where it does not fit."""
    scope, space = written.scope, written.scope.space
    values = np.zeros(written.model.columns)
    mine = {option: draft.seats[option] for option in scope.options.tolist() if option in draft.seats}
    steps = steps_of(space, mine)
    for option, there in mine.items():
        held = written.empty if not there and option in written.empty.option else written.held
        at = np.nonzero((held.option == option) & (held.step >= steps[option]))[0]
        if not len(at):
            return None
        values[held.column[at[0]]] = 1.0
    seated = np.zeros(len(scope.people), np.int64)
    position = {pair: n for n, pair in enumerate(scope.pairs.tolist())}
    for there in mine.values():
        for pair, people in there.items():
            if pair not in position:
                return None
            values[written.seat[position[pair]]] = people / written.weight[position[pair]]
            seated[space.pairs.request[pair]] += people
    values[written.left_out] = (scope.people - seated)[written.asked]
    item = space.options.item[written.held.option]
    for number, total in written.totals.items():
        values[total] = values[written.held.column[item == number]].sum()
    fill_duties(written, draft, values)
    return values


def fill_duties(written: ScopeModel, draft: Draft, values: Floats) -> None:
    """Set the duties that the draft's names imply."""
    if written.duties is None:
        return
    options = written.scope.space.options
    rows = zip(*(each.tolist() for each in written.duties), strict=True)
    duty = {(item, who, start): column for column, item, who, start in rows}
    for option, names in draft.staff.items():
        for who in names:
            spot = (int(options.item[option]), who, int(options.start[option]))
            if spot in duty:
                values[duty[spot]] = 1.0
