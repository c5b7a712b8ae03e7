"""The draft to begin with: it keeps every pin, or says which of them contradict each other."""

from collections.abc import Callable

import numpy as np

from scheduler.allocation.draft import Draft, Seats, cost_of, nobody_overtakes
from scheduler.allocation.errors import ProblemError
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.milp import Effort, Outcome, solve
from scheduler.allocation.model import ScopeModel, model_of
from scheduler.allocation.plan import Plan
from scheduler.allocation.resume import resumed
from scheduler.allocation.scope import scope_of
from scheduler.allocation.solution import seats_of
from scheduler.allocation.space import Ints, Space
from scheduler.allocation.staffing import Staffing


def opening_draft(staffing: Staffing, *, stop: Callable[[], bool], start: Plan | None = None) -> Draft:
    """
    A first plan, from an earlier one if there is one to start from.

    Raises:
        ProblemError: The pins contradict each other; it names a smallest set that does.
    """
    space = staffing.space
    draft = Greedy(staffing, stop=stop).fill() if start is None else resumed(staffing, start, stop=stop)
    if stands(space, draft):
        return draft
    return Greedy(staffing, pinned_draft(space, staffing), stop=stop).fill()


def stands(space: Space, draft: Draft) -> bool:
    """Whether every pin is kept and nobody overtakes whom they follow."""
    return keeps_pins(space, draft) and nobody_overtakes(space, draft.seats)


def keeps_pins(space: Space, draft: Draft) -> bool:
    """Whether every pinned session is held, by enough staff and for enough people."""
    options = space.options
    return all(
        option in draft.seats
        and len(draft.staff[option]) == space.staff_needed[options.item[option]]
        and class_is_large_enough(space, draft.seats, option)
        for option in np.nonzero(options.pinned)[0].tolist()
    )


def class_is_large_enough(space: Space, seats: Seats, option: int) -> bool:
    """Whether a session has its least people, or may do without any."""
    people = sum(seats[option].values())
    return people >= space.options.least[option] or (not people and bool(space.options.empty[option]))


def pinned_draft(space: Space, staffing: Staffing) -> Draft:
    """Only the pinned sessions, solved exactly."""
    pinned = np.nonzero(space.options.pinned)[0]
    written, outcome = hold_all(space, staffing, pinned)
    if outcome.values is None:
        raise contradiction(space, smallest(pinned, lambda some: hold_all(space, staffing, some)[1].values is None))
    seats = seats_of(written, outcome.values)
    names = staffing.name(seats) or {}
    return Draft(seats=seats, staff=names, cost=cost_of(space, seats, names))


def hold_all(space: Space, staffing: Staffing, pinned: Ints) -> tuple[ScopeModel, Outcome]:
    """Try to hold these sessions, and of the others only what their people must sit before."""
    options = np.union1d(pinned, preparing(space, pinned))
    pairs = np.nonzero(np.isin(space.pairs.option, options))[0]
    written = model_of(scope_of(space, Draft(), options, pairs), staffing=staffing)
    return written, solve(written.model, Effort(gap=0.05))


def preparing(space: Space, pinned: Ints) -> Ints:
    """Sessions in which people pinned to these could sit what comes before."""
    held, following = set(pinned.tolist()), space.following
    asking = np.zeros(len(space.people), bool)
    asking[[request for option, request, _ in space.ahead if option in held]] = True
    known = -1
    while known != (known := int(asking.sum())):
        asking[following.earlier[asking[following.later]]] = True
    asking &= np.isin(np.arange(len(asking)), following.earlier)
    others = space.pairs.option[asking[space.pairs.request]]
    free: Ints = np.unique(others[~space.options.pinned[others]])
    return free


def smallest(pinned: Ints, clash: Callable[[Ints], bool]) -> Ints:
    """A part of the pins that still clashes, but does not without any one of them."""
    kept = pinned
    for option in pinned.tolist():
        fewer = kept[kept != option]
        if len(fewer) and clash(fewer):
            kept = fewer
    return kept


def contradiction(space: Space, clashing: Ints) -> ProblemError:
    """The error that names the pins."""
    names = [" / ".join(space.key(option)) for option in clashing.tolist()]
    people = [f"{space.request_ids[r]} ({n})" for o, r, n in space.ahead if o in set(clashing.tolist())]
    who = f" with {', '.join(people)}" if people else ""
    return ProblemError(
        "pins of " + "; ".join(names),
        f"cannot all be kept{who}: rooms, rest, staff, tiers, the least class or what comes before stand against it",
        way_out="release one of them or add what they lack",
    )
