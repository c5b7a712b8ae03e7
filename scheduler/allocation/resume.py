"""An earlier plan taken up again: what still keeps the rules stays, and the rest is filled up."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scheduler.allocation.draft import Draft, Seats, at_rest, nobody_overtakes, rooms_left
from scheduler.allocation.greedy import Greedy
from scheduler.allocation.plan import Plan, PlannedSession
from scheduler.allocation.space import Ints, Space
from scheduler.allocation.staffing import Names, Staffing


def resumed(staffing: Staffing, plan: Plan, *, stop: Callable[[], bool] = lambda: False) -> Draft:
    """The plan as a draft of this space, mended where the problem has changed since."""
    return Greedy(staffing, what_still_stands(staffing, plan), stop=stop).fill()


def what_still_stands(staffing: Staffing, plan: Plan) -> Draft:
    """Those of the plan's sessions and seats that this space allows, with the staff they had as far as possible."""
    space = staffing.space
    taking = Taking.of(space)
    for session in sorted(plan.sessions, key=lambda each: each.key):
        taking.take(session)
    seats = without_overtaking(space, taking.seats)
    names, short = staffing.name_most(seats, crews_kept(staffing, plan, seats))
    for option in short:
        del seats[option], names[option]
    seats = without_overtaking(space, seats)
    return Draft(seats=seats, staff={option: names[option] for option in seats})


@dataclass(slots=True)
class Taking:
    """Takes sessions of a plan into a space, as long as places, rooms and people last."""

    space: Space
    options: dict[tuple[str, str, str], int]
    requests: dict[str, int]
    ahead: dict[tuple[int, int], int]
    left: list[int]
    rooms: Ints
    seats: Seats = field(default_factory=dict)

    @classmethod
    def of(cls, space: Space) -> "Taking":
        """Nothing taken yet."""
        return cls(
            space=space,
            options={space.key(option): option for option in range(space.options.count)},
            requests={request: n for n, request in enumerate(space.request_ids)},
            ahead={(option, request): people for option, request, people in space.ahead},
            left=space.people.tolist(),
            rooms=rooms_left(space, {}),
        )

    def take(self, session: PlannedSession) -> None:
        """Take a session, if it can still be held for enough of its people."""
        option = self.options.get(session.key)
        if option is None or not self.fits(option):
            return
        there: dict[int, int] = {}
        for seating in session.seated:
            if (request := self.requests.get(seating.request)) is not None:
                there |= self.seat(option, request, seating.people, sum(there.values()))
        people, options = sum(there.values()), self.space.options
        may_be_empty = options.pinned[option] and (options.empty[option] or not options.least[option])
        if not (people >= options.least[option] and people) and not (may_be_empty and not people):
            return
        self.seats[option] = there
        self.rooms[options.site[option], self.space.span(option)] -= 1
        for pair, count in there.items():
            self.left[self.space.pairs.request[pair]] -= count

    def fits(self, option: int) -> bool:
        """Whether a room is left, and the site has had its rest."""
        space, site = self.space, int(self.space.options.site[option])
        if self.rooms[site, space.span(option)].min() < 1:
            return False
        if not space.index.sites[space.site_ids[site]].rest_days:
            return True
        return not at_rest(space, {o: there for o, there in self.seats.items() if space.options.site[o] == site})[
            option
        ]

    def seat(self, option: int, request: int, people: int, taken: int) -> dict[int, int]:
        """By pair, as many of a request as may sit there; all or none of those who stay together."""
        space, seated = self.space, {}
        wanted = people - self.ahead.get((option, request), 0)
        wanted = min(wanted, self.left[request], int(space.options.places[option]) - taken)
        for pair in sorted(space.pairs_of(option), key=lambda each: (float(space.pairs.cost[each]), each)):
            if space.pairs.request[pair] == request and wanted > 0:
                seated[pair] = min(wanted, int(space.pairs.cap[pair]))
                wanted -= seated[pair]
        whole = not space.together[request] or sum(seated.values()) == space.people[request]
        return seated if whole else {}


def crews_kept(staffing: Staffing, plan: Plan, seats: Seats) -> Names:
    """The staff of those sessions whose staff may still hold them, within everybody's blocks."""
    space = staffing.space
    position = {who: n for n, who in enumerate(space.staff_ids)}
    crews = {session.key: session.staff for session in plan.sessions}
    blocks, kept = space.max_blocks.copy(), {}
    for option, there in seats.items():
        crew = [position[who] for who in crews[space.key(option)] if who in position]
        enough = len(crew) == space.staff_needed[space.options.item[option]]
        size = len(space.span(option))
        if enough and set(crew) <= set(staffing.could_hold(option, there)) and (blocks[crew] >= size).all():
            kept[option] = tuple(sorted(crew))
            blocks[crew] -= size
    return kept


def without_overtaking(space: Space, seats: Seats) -> Seats:
    """The seats without those of people who follow others, where somebody would overtake; thin classes go, too."""
    if nobody_overtakes(space, seats):
        return dict(seats)
    later = set(space.following.later.tolist())
    kept = {
        option: {pair: people for pair, people in there.items() if int(space.pairs.request[pair]) not in later}
        for option, there in seats.items()
    }
    least, pinned = space.options.least, space.options.pinned
    return {o: there for o, there in kept.items() if sum(there.values()) >= max(1, least[o]) or pinned[o]}
