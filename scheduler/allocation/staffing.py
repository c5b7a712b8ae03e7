"""Names for sessions: who holds each of them, at the least cost, recusals and objections kept."""

from collections.abc import Mapping

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.draft import Seats
from scheduler.allocation.milp import Effort, Model, solve
from scheduler.allocation.parts import Bar
from scheduler.allocation.space import Space

Names = dict[int, tuple[int, ...]]
"""By option, positions of staff."""

HALF = 0.5  # a decided value is 0 or 1, up to the solver's tolerance


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
        return [who for who in free if all(self.may_meet(who, option, request) for request in requests)]

    def name(self, seats: Seats) -> Names | None:
        """Staff for every session, or None where there are not enough."""
        names, short = self.name_most(seats)
        return None if short else names

    def name_most(self, seats: Seats) -> tuple[Names, list[int]]:
        """Staff for as many sessions as possible, and the sessions left without, by option."""
        space = self.space
        needy = sorted(o for o in seats if space.staff_needed[space.options.item[o]])
        duties = [(option, who) for option in needy for who in self.could_hold(option, seats[option])]
        names: Names = dict.fromkeys(seats, ())
        if not needy:
            return names, []
        model = Model()
        size = {option: len(space.span(option)) for option in needy}
        long = any(each > 1 for each in size.values())
        cost = np.array([float(space.block_cost[who]) * size[option] for option, who in duties])
        columns = model.add_columns(cost, np.ones(len(duties)), whole=long)
        need = np.array([space.staff_needed[space.options.item[option]] for option in needy], float)
        dear = 1.0 + 10.0 * float(cost.max(initial=0.0)) * float(need.max())
        missing = model.add_columns(np.full(len(needy), dear), need, whole=False)
        rows = model.add_rows(len(needy), low=need, high=need)
        at = {option: row for row, option in enumerate(needy)}
        model.put(rows, missing, 1.0)
        model.put(np.array([rows[at[option]] for option, _ in duties], np.int64), columns, 1.0)
        busy: dict[tuple[int, int], list[int]] = {}
        for (option, who), column in zip(duties, columns.tolist(), strict=True):
            for rank in space.span(option):
                busy.setdefault((who, rank), []).append(column)
        clashes = [group for group in busy.values() if len(group) > 1]
        rows = model.add_rows(len(clashes), high=1.0)
        for row, group in zip(rows, clashes, strict=True):
            model.put(np.full(len(group), row), np.array(group), 1.0)
        limits = model.add_rows(len(self.staff), high=space.max_blocks.astype(float))
        whose = np.array([who for _, who in duties], np.int64)
        model.put(limits[whose], columns, np.array([size[option] for option, _ in duties], float))
        outcome = solve(model, Effort(relaxed=not long))
        if outcome.values is None:
            return names, needy
        chosen = outcome.values[columns] > HALF
        for (option, who), taken in zip(duties, chosen, strict=True):
            if taken:
                names[option] = (*names[option], who)
        short = [o for o in needy if len(names[o]) != space.staff_needed[space.options.item[o]]]
        return names, short
