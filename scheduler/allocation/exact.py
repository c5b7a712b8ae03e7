"""A component as one model: proven best where it is small enough."""

from dataclasses import replace

import numpy as np

from scheduler.allocation.milp import INFINITY, Effort, Outcome, solve
from scheduler.allocation.model import model_of
from scheduler.allocation.scope import Scope, whole_scope
from scheduler.allocation.search import Search
from scheduler.allocation.solution import values_of

# Naming staff session by session multiplies the model; beyond this many pairs it is not tried.
NAMED = 3000
# With more seats than this that are taken by all of a request or nobody, they are split at first.
MANY_WHOLE = 300
SPLIT_SHARE, FILL_SHARE = 0.45, 0.2
HALF = 0.5
NODES = 20_000


def solve_exactly(search: Search, *, seconds: float, gap: float) -> float:
    """
    Improve the search's draft by one model of everything.

    Returns:
        A bound on every plan of the component.
    """
    scope = whole_scope(search.space)
    effort = Effort(seconds=seconds, gap=gap, nodes=NODES, seed=search.seed)
    bound = -INFINITY
    if search.space.together[search.space.pairs.request].sum() > MANY_WHOLE:
        bound = solve_split(search, scope, effort)
        effort = replace(effort, seconds=effort.seconds * (1 - SPLIT_SHARE - FILL_SHARE))
    written = model_of(scope)
    outcome = solve(written.model, effort, start=values_of(written, search.draft), stop=search.stop)
    bound = max(bound, bound_of(search, outcome))
    search.take(written, outcome)
    if search.draft.cost - bound > 1e-6 * max(1.0, abs(bound)) and needs_names(search, outcome):
        named = model_of(scope, staffing=search.staffing)
        outcome = solve(named.model, effort, stop=search.stop)
        bound = max(bound, bound_of(search, outcome))
        search.take(named, outcome)
    return bound


def solve_split(search: Search, scope: Scope, effort: Effort) -> float:
    """
    People who stay together may be split: a far easier model, whose sessions are then filled with whole requests.

    Returns:
        A bound on every plan of the component.
    """
    written = model_of(scope)
    written.model.soften(written.seat)
    first = replace(effort, seconds=effort.seconds * SPLIT_SHARE)
    outcome = solve(written.model, first, start=values_of(written, search.draft), stop=search.stop)
    if outcome.values is not None:
        filled, held = model_of(scope), set(search.draft.seats)
        used = (outcome.values[written.held.column] > HALF) | np.isin(written.held.option, list(held))
        filled.model.close(filled.held.column[~used])
        second = replace(effort, seconds=effort.seconds * FILL_SHARE)
        start = values_of(filled, search.draft)
        search.take(filled, solve(filled.model, second, start=start, stop=search.stop))
    return bound_of(search, outcome)


def needs_names(search: Search, outcome: Outcome) -> bool:
    """Whether the flow was solved but recusals may have kept its plan from being named."""
    return outcome.proven and search.staffing.touchy and search.space.pairs.count <= NAMED


def bound_of(search: Search, outcome: Outcome) -> float:
    """The model's bound on the whole objective, below what its tolerances allow."""
    bound = search.constant + outcome.bound
    return bound - 1e-7 * abs(bound)
