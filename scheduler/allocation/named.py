"""Staff by name and session in a model: exact with recusals too, for problems small enough to bear it."""

import numpy as np

from scheduler.allocation.crews import Held, add_hours, needing_staff
from scheduler.allocation.milp import Model
from scheduler.allocation.scope import Scope
from scheduler.allocation.space import Ints
from scheduler.allocation.staffing import Staffing


def add_named(model: Model, scope: Scope, held: Held, staffing: Staffing) -> tuple[Ints, Ints, Ints]:
    """A column for each person and session; returns columns, options and staff."""
    space = scope.space
    option, column = needing_staff(space, held)
    sessions = np.unique(option)
    row, who = np.nonzero(space.free[space.options.item[sessions], :, space.options.start[sessions]])
    duty_option = sessions[row]
    item, start = space.options.item[duty_option], space.options.start[duty_option]
    barred = [
        any(not staffing.may_meet(w, o, r) for r in staffing.ahead.get(o, ()))
        for o, w in zip(duty_option.tolist(), who.tolist(), strict=True)
    ]
    cost = space.block_cost[who] * space.length[item]
    duty = model.add_columns(cost, np.where(barred, 0.0, 1.0), whole=True)
    rows = model.add_rows(len(sessions), low=0.0, high=0.0)
    model.put(rows[row], duty, 1.0)
    needed = space.staff_needed[space.options.item[option]].astype(float)
    model.put(rows[np.searchsorted(sessions, option)], column, -needed)
    add_hours(model, scope, (duty, item, who, start))
    return duty, duty_option, who


def add_recusals(model: Model, scope: Scope, seat: Ints, named: tuple[Ints, Ints, Ints], staffing: Staffing) -> None:
    """Nobody sits in a session held by somebody who must not meet them."""
    space, (duty, option, who) = scope.space, named
    at = {pair: n for n, pair in enumerate(scope.pairs.tolist())}
    spots: list[tuple[int, int, float]] = []
    for column, each, person in zip(duty.tolist(), option.tolist(), who.tolist(), strict=True):
        for pair in space.pairs_of(each):
            request = int(space.pairs.request[pair])
            if pair in at and not staffing.may_meet(person, each, request):
                cap = 1.0 if space.together[request] else float(space.pairs.cap[pair])
                spots.append((int(seat[at[pair]]), column, cap))
    caps = np.array([cap for _, _, cap in spots])
    rows = model.add_rows(len(spots), high=caps)
    model.put(rows, np.array([seat for seat, _, _ in spots], np.int64), 1.0)
    model.put(rows, np.array([column for _, column, _ in spots], np.int64), caps)
