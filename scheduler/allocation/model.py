"""A scope as a linear model: sessions and tiers whole, seats whole once sessions are, staff as a flow."""

from dataclasses import dataclass, field

import numpy as np

from scheduler.allocation.crews import Counts, Duties, add_counts, add_flow, cheapest_duty
from scheduler.allocation.following_rows import add_following
from scheduler.allocation.milp import Model
from scheduler.allocation.named import add_named, add_recusals
from scheduler.allocation.scope import Scope
from scheduler.allocation.space import Bools, Floats, Ints
from scheduler.allocation.staffing import Staffing


@dataclass(frozen=True, slots=True)
class Held:
    """The columns that hold an option at a step; the first `tiers` are for people, the others for nobody."""

    option: Ints
    step: Ints
    column: Ints


@dataclass(frozen=True, slots=True)
class ScopeModel:
    """
    A scope's model and what its columns mean.

    Attributes:
        totals: By item, the column that counts its sessions.
    """

    scope: Scope
    model: Model
    held: Held
    empty: Held
    seat: Ints
    weight: Floats
    left_out: Ints
    asked: Ints
    duties: Duties | None
    totals: dict[int, int] = field(default_factory=dict)


def model_of(scope: Scope, counts: Counts | None = None, *, staffing: Staffing | None = None) -> ScopeModel:
    """Write the model of a scope; staff are counted where counts are given, named with `staffing`, otherwise flow."""
    space, model = scope.space, Model()
    options, pairs = space.options, space.pairs
    option, step = tiers_worth_having(scope)
    crew = np.zeros(options.count) if counts is None else cheapest_duty(space)
    price = options.open_cost[option] + options.tier_cost[option, step] + crew[option]
    held = Held(option, step, model.add_columns(price, np.ones(len(option)), whole=True))
    vacant = scope.options[options.empty[scope.options]]
    price = options.open_cost[vacant] + options.tier_cost[vacant, 0] + crew[vacant]
    empty = Held(vacant, np.zeros(len(vacant), np.int64), model.add_columns(price, np.ones(len(vacant)), whole=True))

    request, cap = pairs.request[scope.pairs], pairs.cap[scope.pairs]
    together = space.together[request]
    weight = np.where(together, scope.people[request], 1).astype(float)
    upper = np.where(together, scope.people[request] > 0, np.minimum(cap, scope.people[request])).astype(float)
    seat = np.zeros(len(scope.pairs), np.int64)
    # Who follows or is followed ties sessions together: there, whole sessions do not make seats whole.
    stiff = together | space.following.bound[request]
    for whole in (True, False):
        chosen = stiff == whole
        cost = pairs.cost[scope.pairs[chosen]] * weight[chosen]
        seat[chosen] = model.add_columns(cost, upper[chosen], whole=whole)
    asked = np.unique(request)
    left_out = model.add_columns(space.unplaced_cost[asked], scope.people[asked].astype(float), whole=False)
    sessions = (np.concatenate([option, vacant]), np.concatenate([held.column, empty.column]))
    duties = None
    if counts is not None:
        add_counts(model, scope, sessions, counts)
    elif staffing is not None:
        add_recusals(model, scope, seat, add_named(model, scope, sessions, staffing), staffing)
    else:
        duties = add_flow(model, scope, sessions)
    written = ScopeModel(scope, model, held, empty, seat, weight, left_out, asked, duties)
    add_demand(written)
    add_classes(written)
    add_totals(written)
    add_links(written)
    add_rooms(written)
    add_rest(written)
    add_true_tiers(written)
    add_following(model, scope, seat, weight)
    return written


def tiers_worth_having(scope: Scope) -> tuple[Ints, Ints]:
    """Options with the steps they might be held at: of steps that cost the same, the one that covers most."""
    options, pairs = scope.space.options, scope.space.pairs
    steps = options.tier_cost.shape[1]
    used = np.zeros((options.count, steps), bool)
    used[pairs.option[scope.pairs], pairs.step[scope.pairs]] = True
    finite = np.isfinite(options.tier_cost)
    lowest = finite.argmax(axis=1)
    for option in scope.options[options.pinned[scope.options]]:
        used[option, lowest[option]] = True
    raised = np.nonzero(used & ~finite)[0]
    used &= finite
    used[raised, lowest[raised]] = True
    rising = rises(options.tier_cost)
    for low in range(steps - 1):
        for later in range(low + 1, steps):
            same = used[:, later] & (options.tier_cost[:, low] == options.tier_cost[:, later])
            used[same & rising, low] = False
    rows, step = np.nonzero(used[scope.options])
    return scope.options[rows], step


def rises(tier_cost: Floats) -> Bools:
    """By option, whether no step up is cheaper than the one below it."""
    known = np.where(np.isfinite(tier_cost), tier_cost, -np.inf)
    lower = np.maximum.accumulate(known, axis=1)[:, :-1]
    risen: Bools = np.all((tier_cost[:, 1:] >= lower) | ~np.isfinite(tier_cost[:, 1:]), axis=1)
    return risen


def add_demand(written: ScopeModel) -> None:
    """Everybody is seated or left out; who stays together is seated once at most."""
    scope, model = written.scope, written.model
    wanted = scope.people[written.asked].astype(float)
    rows = model.add_rows(len(written.asked), low=wanted, high=wanted)
    at = np.searchsorted(written.asked, scope.space.pairs.request[scope.pairs])
    model.put(rows[at], written.seat, written.weight)
    model.put(rows, written.left_out, 1.0)


def add_classes(written: ScopeModel) -> None:
    """A session is held at one tier, with at least so many people and at most its places."""
    scope, model, held = written.scope, written.model, written.held
    options = scope.space.options
    seat_row = np.searchsorted(scope.options, scope.space.pairs.option[scope.pairs])
    held_row, empty_row = (np.searchsorted(scope.options, each.option) for each in (held, written.empty))
    once = model.add_rows(len(scope.options), low=options.pinned[scope.options].astype(float), high=1.0)
    model.put(once[held_row], held.column, 1.0)
    model.put(once[empty_row], written.empty.column, 1.0)
    most = model.add_rows(len(scope.options), high=0.0)
    model.put(most[seat_row], written.seat, written.weight)
    model.put(most[held_row], held.column, -options.places[held.option].astype(float))
    least = model.add_rows(len(scope.options), low=0.0)
    model.put(least[seat_row], written.seat, written.weight)
    model.put(least[held_row], held.column, -options.least[held.option].astype(float))


def add_totals(written: ScopeModel) -> None:
    """How many sessions of an item are held is whole: branching on it settles what single sessions hide."""
    model, held = written.model, written.held
    item = written.scope.space.options.item[held.option]
    for number in np.unique(item).tolist():
        mine = held.column[item == number]
        total = model.add_columns(np.zeros(1), np.array([float(len(mine))]), whole=True)
        row = model.add_rows(1, low=0.0, high=0.0)
        model.put(np.repeat(row, len(mine)), mine, 1.0)
        model.put(row, total, -1.0)
        written.totals[number] = int(total[0])


def add_links(written: ScopeModel) -> None:
    """Nobody sits in a session that is not held, or held at a tier that does not cover them."""
    scope, model, held = written.scope, written.model, written.held
    pairs = scope.space.pairs
    rows = model.add_rows(len(scope.pairs), high=0.0)
    model.put(rows, written.seat, 1.0)
    share = np.minimum(pairs.cap[scope.pairs], scope.people[pairs.request[scope.pairs]])
    share = np.where(scope.space.together[pairs.request[scope.pairs]], 1, share).astype(float)
    first, last = (np.searchsorted(held.option, pairs.option[scope.pairs], side) for side in ("left", "right"))
    for shift in range(scope.space.options.tier_cost.shape[1]):
        at = np.nonzero(first + shift < last)[0]
        at = at[held.step[first[at] + shift] >= pairs.step[scope.pairs[at]]]
        model.put(rows[at], held.column[first[at] + shift], -share[at])


def add_rooms(written: ScopeModel) -> None:
    """No more sessions fill a site's block than it has rooms."""
    scope, model = written.scope, written.model
    space = scope.space
    groups: dict[tuple[int, int], list[int]] = {}
    for each in (written.held, written.empty):
        for option, column in zip(each.option.tolist(), each.column.tolist(), strict=True):
            for rank in space.span(option):
                groups.setdefault((int(space.options.site[option]), rank), []).append(column)
    add_groups(model, {spot: (columns, float(scope.rooms[spot])) for spot, columns in groups.items()})


def add_rest(written: ScopeModel) -> None:
    """At a site that rests, one session at a time, its rest included."""
    space = written.scope.space
    days = np.array(space.index.days, np.int64)
    groups: dict[tuple[int, int], list[int]] = {}
    rest, end = [space.index.sites[site].rest_days for site in space.site_ids], int(days.max(initial=0)) + 1
    for each in (written.held, written.empty):
        for option, column in zip(each.option.tolist(), each.column.tolist(), strict=True):
            site, span = int(space.options.site[option]), space.span(option)
            if rest[site]:
                for day in range(int(days[span.start]), min(int(days[span[-1]]) + rest[site], end)):
                    groups.setdefault((site, day), []).append(column)
    add_groups(written.model, {spot: (columns, 1.0) for spot, columns in groups.items()})


def add_groups(model: Model, groups: dict[tuple[int, int], tuple[list[int], float]]) -> None:
    """Rows that let at most so many of their columns be one, where that says anything."""
    telling = [groups[spot] for spot in sorted(groups) if len(groups[spot][0]) > groups[spot][1]]
    if not telling:
        return
    rows = model.add_rows(len(telling), high=np.array([most for _, most in telling]))
    at = np.repeat(rows, [len(columns) for columns, _ in telling])
    model.put(at, np.concatenate([columns for columns, _ in telling]), 1.0)


def add_true_tiers(written: ScopeModel) -> None:
    """Where a higher tier is cheaper, it may only be had for somebody who needs it."""
    scope, model, held = written.scope, written.model, written.held
    options, pairs = scope.space.options, scope.space.pairs
    lowest = np.isfinite(options.tier_cost).argmax(axis=1)
    for n, (option, step) in enumerate(zip(held.option.tolist(), held.step.tolist(), strict=True)):
        below = options.tier_cost[option, lowest[option] : step]
        if not (below.size and below.max() > options.tier_cost[option, step]):
            continue
        there = np.nonzero((pairs.option[scope.pairs] == option) & (pairs.step[scope.pairs] == step))[0]
        row = model.add_rows(1, low=0.0)
        model.put(np.repeat(row, len(there)), written.seat[there], written.weight[there])
        model.put(row, held.column[n : n + 1], -1.0)
