"""A component as one model: proven best where it is small enough."""

from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import model_of
from scheduler.allocation.scope import whole_scope
from scheduler.allocation.search import Search
from scheduler.allocation.solution import values_of

# Naming staff session by session multiplies the model; beyond this many pairs it is not tried.
NAMED = 3000
NODES = 20_000


def solve_exactly(search: Search, *, seconds: float, gap: float) -> float:
    """
    Improve the search's draft by one model of everything.

    Returns:
        A bound on every plan of the component.
    """
    scope = whole_scope(search.space)
    effort = Effort(seconds=seconds, gap=gap, nodes=NODES, seed=search.seed)
    written = model_of(scope)
    outcome = solve(written.model, effort, start=values_of(written, search.draft), stop=search.stop)
    bound = bound_of(search, outcome)
    search.take(written, outcome)
    if search.draft.cost - bound > 1e-6 * max(1.0, abs(bound)) and needs_names(search, outcome):
        named = model_of(scope, staffing=search.staffing)
        outcome = solve(named.model, effort, stop=search.stop)
        bound = max(bound, bound_of(search, outcome))
        search.take(named, outcome)
    return bound


def needs_names(search: Search, outcome: Outcome) -> bool:
    """Whether the flow was solved but recusals may have kept its plan from being named."""
    return outcome.proven and search.staffing.touchy and search.space.pairs.count <= NAMED


def bound_of(search: Search, outcome: Outcome) -> float:
    """The model's bound on the whole objective, below what its tolerances allow."""
    bound = search.constant + outcome.bound
    return bound - 1e-7 * abs(bound)
