"""Requests that follow others: the same people sit one thing after another, theory before practical."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scheduler.allocation.index import Index
from scheduler.allocation.parts import Item

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NONE = -1


@dataclass(frozen=True, slots=True)
class Following:
    """
    Which requests follow which, by link.

    People of a request are not named, so what must hold is this: names can be given such that everybody who sits the
    later request has sat the earlier one in time. As times only grow, that is so exactly if at every rank no more
    people have begun the later one than had finished the earlier one early enough (Hall's condition on a chain).

    Links stand in the order of their chains: what is followed comes before what follows.

    Attributes:
        later: Position of the request that follows; likewise the earlier one.
        opens: By link and rank, the first rank at which the later may start for people who start the earlier there;
            one past the last rank where there is none.
        link_of: By request, the link in which it is the later one, or NONE.
        bound: By request, whether it is in any link.
    """

    later: Ints
    earlier: Ints
    opens: Ints
    link_of: Ints
    bound: Bools

    @classmethod
    def of(cls, index: Index) -> "Following":
        """The links of a problem."""
        ids = sorted(index.requests)
        position = {request: n for n, request in enumerate(ids)}
        following = [(n, after) for n, i in enumerate(ids) if (after := index.requests[i].after) is not None]
        links = sorted(following, key=lambda link: (place_in_chain(index, ids[link[0]]), link[0]))
        later = np.array([n for n, _ in links], np.int64)
        earlier = np.array([position[after.request] for _, after in links], np.int64)
        items = [index.items[index.requests[after.request].item] for _, after in links]
        opens = [first_starts(index, item, after.days) for item, (_, after) in zip(items, links, strict=True)]
        link_of, bound = np.full(len(ids), NONE), np.zeros(len(ids), bool)
        link_of[later] = np.arange(len(links))
        bound[later] = bound[earlier] = True
        return cls(later, earlier, np.array(opens, np.int64).reshape(len(links), len(index.days)), link_of, bound)

    @classmethod
    def none(cls, requests: int, ranks: int) -> "Following":
        """Nobody follows anybody."""
        nobody = np.zeros(0, np.int64)
        links = np.zeros((0, ranks), np.int64)
        return cls(nobody, nobody, links, np.full(requests, NONE), np.zeros(requests, bool))

    @property
    def ranks(self) -> int:
        """How many blocks there are."""
        return len(self.opens[0]) if len(self.opens) else 0

    def slack(self, request: Ints, start: Ints, people: Ints) -> Ints:
        """By link and rank, people done with the earlier request in time beyond those who have begun the later."""
        change = np.zeros((len(self.later), self.ranks + 1), np.int64)
        begun = self.link_of[request] != NONE
        np.subtract.at(change, (self.link_of[request[begun]], start[begun]), people[begun])
        link, row = self.followers(request)
        np.add.at(change, (link, self.opens[link, start[row]]), people[row])
        slack: Ints = change.cumsum(axis=1)[:, : self.ranks]
        return slack

    def possible(self, request: Ints, start: Ints) -> Bools:
        """By pair, whether somebody could have finished the earlier request in time, along every chain."""
        kept = np.ones(len(request), bool)
        for link, later in enumerate(self.later.tolist()):
            ready = self.ready(link, start[kept & (request == self.earlier[link])])
            kept &= (request != later) | (start >= ready)
        return kept

    def followers(self, request: Ints) -> tuple[Ints, Ints]:
        """Every link in which one of the requests is the earlier one, and that request's place in the list."""
        order = np.argsort(self.earlier, kind="stable")
        first, last = (np.searchsorted(self.earlier, request, side, sorter=order) for side in ("left", "right"))
        row = np.repeat(np.arange(len(request)), last - first)
        number = np.arange(len(row)) - np.searchsorted(row, row)
        return order[first[row] + number], row

    def ready(self, link: int, starts: Ints) -> int:
        """The first rank for the later request if the earlier starts at one of these; past the last if nowhere."""
        return min((int(rank) for rank in self.opens[link, starts]), default=self.ranks)


def place_in_chain(index: Index, request: str) -> int:
    """How many requests come before this one."""
    place, after = 0, index.requests[request].after
    while after is not None:
        place, after = place + 1, index.requests[after.request].after
    return place


def room_to_begin(slack: Ints) -> Ints:
    """By link and rank, how many more people may begin the later request there without overtaking anybody."""
    room: Ints = np.minimum.accumulate(slack[:, ::-1], axis=1)[:, ::-1]
    return np.maximum(room, 0)


def first_starts(index: Index, earlier: Item, least_days: int) -> Ints:
    """By rank at which the earlier one starts, the first rank after its end that leaves so many days between them."""
    days, ranks = np.array(index.days, np.int64), len(index.days)
    end = np.arange(ranks) + earlier.length - 1
    inside = np.minimum(end, ranks - 1)
    opens = np.maximum(np.searchsorted(days, days[inside] + least_days), inside + 1)
    return np.where(end < ranks, opens, ranks)
