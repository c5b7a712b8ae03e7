"""Names for sessions: who holds each of them, at the least cost, recusals and objections kept."""

from collections.abc import Mapping

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.draft import Seats
from scheduler.allocation.milp import Effort, Model, solve
from scheduler.allocation.parts import Bar
from scheduler.allocation.space import Ints, Space

Names = dict[int, tuple[int, ...]]
"""By option, positions of staff."""

HALF = 0.5  # a decided value is 0 or 1, up to the solver's tolerance


NODES = 2000
NOBODY = np.zeros(0, np.int64)


class Staffing:
    """Names staff for sessions of one space."""

    def __init__(self, space: Space) -> None:
        self.space = space
        index = space.index
        self.staff = [index.staff[i] for i in space.staff_ids]
        self.recused = [frozenset(person.recused) for person in self.staff]
        self.bars: Mapping[str, list[Bar]] = {
            person.id: [bar for bar in index.problem.barred if bar.staff == person.id] for person in self.staff
        }
        self.barred = [bool(self.bars[person.id]) for person in self.staff]
        self.enterprise = [index.requests[i].enterprise for i in space.request_ids]
        self.ahead: dict[int, set[int]] = {}
        for option, request, _ in space.ahead:
            self.ahead.setdefault(option, set()).add(request)
        self.touchy = any(self.recused) or any(self.bars.values())

    def requests_in(self, option: int, there: Mapping[int, int]) -> set[int]:
        """Everybody in a session, those seated ahead included."""
        return {int(self.space.pairs.request[pair]) for pair in there} | self.ahead.get(option, set())

    def may_meet(self, who: int, option: int, request: int) -> bool:
        """Whether somebody may hold an option in which the request sits."""
        index, (site, _, block) = self.space.index, self.space.key(option)
        wanted = self.space.request_ids[request]
        if index.requests[wanted].enterprise in self.recused[who]:
            return False
        place = rules.Place(wanted, site, block)
        return not any(rules.bar_touches(index, bar, place) for bar in self.bars[self.staff[who].id])

    def could_hold(self, option: int, there: Mapping[int, int]) -> list[int]:
        """Who may hold a session with these people."""
        space = self.space
        free = np.nonzero(space.free[space.options.item[option], :, space.options.start[option]])[0].tolist()
        if not self.touchy:
            return list(free)
        requests = self.requests_in(option, there)
        met = {self.enterprise[request] for request in requests}
        return [
            who
            for who in free
            if self.recused[who].isdisjoint(met)
            and not (self.barred[who] and any(not self.may_meet(who, option, request) for request in requests))
        ]

    def name(self, seats: Seats) -> Names | None:
        """Staff for every session, or None where there are not enough."""
        names, short = self.name_most(seats, {})
        return None if short else names

    def name_most(self, seats: Seats, kept: Names) -> tuple[Names, list[int]]:
        """
        Staff for as many sessions as possible, some of which keep the staff they have.

        Returns:
            The names by option, and the options left without.
        """
        space = self.space
        names: Names = {option: kept.get(option, ()) for option in seats}
        needy = [o for o in sorted(seats) if o not in kept and space.staff_needed[space.options.item[o]]]
        if not needy:
            return names, []
        duties = self.duties(seats, needy, kept)
        long = any(len(space.span(option)) > 1 for option in needy)
        model, columns = self.roster(duties, needy, kept)
        outcome = solve(model, Effort(relaxed=not long, nodes=NODES))
        if outcome.values is None:
            return names, needy
        for (option, who), taken in zip(duties, outcome.values[columns] > HALF, strict=True):
            if taken:
                names[option] = (*names[option], who)
        return names, [o for o in needy if len(names[o]) != space.staff_needed[space.options.item[o]]]

    def duties(self, seats: Seats, needy: list[int], kept: Names) -> list[tuple[int, int]]:
        """Who could hold which session, beside the sessions that keep their staff."""
        busy = {(who, rank) for option, whose in kept.items() for rank in self.space.span(option) for who in whose}
        return [
            (option, who)
            for option in needy
            for who in self.could_hold(option, seats[option])
            if not any((who, rank) in busy for rank in self.space.span(option))
        ]

    def roster(self, duties: list[tuple[int, int]], needy: list[int], kept: Names) -> tuple[Model, Ints]:
        """The model that gives duties to staff; a duty that nobody takes is very dear."""
        space, model = self.space, Model()
        option, whose = (np.array(each, np.int64) for each in zip(*duties, strict=True)) if duties else (NOBODY, NOBODY)
        size = space.length[space.options.item[option]]
        long = bool((size > 1).any())
        cost = space.block_cost[whose] * size
        columns = model.add_columns(cost, np.ones(len(duties)), whole=long)
        need = space.staff_needed[space.options.item[needy]].astype(float)
        dear = 1.0 + 10.0 * float(cost.max(initial=0.0)) * float(need.max())
        missing = model.add_columns(np.full(len(needy), dear), need, whole=False)
        rows = model.add_rows(len(needy), low=need, high=need)
        model.put(rows, missing, 1.0)
        model.put(rows[np.searchsorted(needy, option)], columns, 1.0)
        add_clashes(model, space, (option, whose, columns))
        left = space.max_blocks.astype(float)
        for held, names in kept.items():
            left[list(names)] -= len(space.span(held))
        limits = model.add_rows(len(self.staff), high=left)
        model.put(limits[whose], columns, size.astype(float))
        return model, columns


def add_clashes(model: Model, space: Space, duties: tuple[Ints, Ints, Ints]) -> None:
    """Nobody is in two sessions at once."""
    busy: dict[tuple[int, int], list[int]] = {}
    for option, who, column in zip(*(each.tolist() for each in duties), strict=True):
        for rank in space.span(option):
            busy.setdefault((who, rank), []).append(column)
    clashes = [group for group in busy.values() if len(group) > 1]
    if clashes:
        rows = np.repeat(model.add_rows(len(clashes), high=1.0), [len(group) for group in clashes])
        model.put(rows, np.concatenate([np.array(group) for group in clashes]), 1.0)
