"""The search space: every session that could be held and everyone who could sit in it, as arrays."""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from scheduler.allocation.following import Following
from scheduler.allocation.index import Index

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Options:
    """
    Sessions that could be held, in order of item, site and block.

    Attributes:
        site: Position of the site; likewise the item.
        start: Rank of the first block.
        places: How many may join those seated ahead.
        least: Fewest people who must join them, if it is held for anybody.
        empty: Whether it may also be held for nobody although it asks for a least number.
        tier_cost: A column for each step up from the site's own jurisdiction; infinite beyond the top.
    """

    site: Ints
    item: Ints
    start: Ints
    places: Ints
    least: Ints
    open_cost: Floats
    tier_cost: Floats
    pinned: Bools
    empty: Bools

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.site)


@dataclass(frozen=True, slots=True)
class Pairs:
    """
    A request in an option, in order of option and request.

    A request that an earlier plan put there has two rows: the people who would stay, cheaper, and the others.

    Attributes:
        cost: Travel and wait, for one person.
        step: How far up from the site's jurisdiction the session must be consulted for this request.
        cap: Most people that can sit there.
        first: Where each option's pairs begin; one more entry than there are options.
    """

    option: Ints
    request: Ints
    cost: Floats
    step: Ints
    cap: Ints
    first: Ints

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.option)


@dataclass(frozen=True, slots=True)
class Space:
    """
    A problem as arrays; positions follow ids, so the order of the problem's lists does not matter.

    People who are pinned are seated ahead: they take places, cost `base`, and are no longer among `people`.

    Attributes:
        ahead: Option, request and people seated before anything is decided.
        people: By request, who is still to be seated; likewise the unplaced cost and whether it stays together.
        length: By item, in blocks; likewise the staff a session needs.
        free: By item, staff and rank: whether they may hold a session of the item that starts there.
        block_cost: By staff; likewise the most blocks.
    """

    index: Index
    site_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    staff_ids: tuple[str, ...]
    request_ids: tuple[str, ...]
    options: Options
    pairs: Pairs
    ahead: tuple[tuple[int, int, int], ...]
    base: float
    people: Ints
    unplaced_cost: Floats
    together: Bools
    length: Ints
    staff_needed: Ints
    free: Bools
    block_cost: Floats
    max_blocks: Ints
    following: Following

    @property
    def ranks(self) -> int:
        """How many blocks there are."""
        return len(self.index.days)

    def tops(self) -> tuple[str, ...]:
        """The jurisdictions above all others that a site lies under."""
        lines = self.index.lines
        return tuple(sorted({lines[self.index.sites[site].jurisdiction][-1] for site in self.site_ids}))

    def circles(self) -> Ints:
        """By option, a number for its item and for the top of its site's jurisdictions: requests never cross it."""
        number = {top: n for n, top in enumerate(self.tops())}
        tops = [number[self.index.lines[self.index.sites[site].jurisdiction][-1]] for site in self.site_ids]
        return self.options.item * max(1, len(number)) + np.array(tops, np.int64)[self.options.site]

    def asking_circle(self) -> Ints:
        """By request, its circle; one more than there are where no site could serve it."""
        item = {each: n for n, each in enumerate(self.item_ids)}
        number = {top: n for n, top in enumerate(self.tops())}
        index, beyond = self.index, len(item) * max(1, len(number))
        asked = [index.requests[request] for request in self.request_ids]
        tops = [number.get(index.lines[request.jurisdiction][-1]) for request in asked]
        circles = [
            beyond if top is None else item[r.item] * len(number) + top for r, top in zip(asked, tops, strict=True)
        ]
        return np.array(circles, np.int64)

    @property
    def circle_count(self) -> int:
        """How many circles there can be, and one for requests that no site could serve."""
        return len(self.item_ids) * max(1, len(self.tops())) + 1

    def span(self, option: int) -> range:
        """Ranks that an option fills."""
        start = int(self.options.start[option])
        return range(start, start + int(self.length[self.options.item[option]]))

    def pairs_of(self, option: int) -> range:
        """Positions of an option's pairs."""
        return range(int(self.pairs.first[option]), int(self.pairs.first[option + 1]))

    def key(self, option: int) -> tuple[str, str, str]:
        """Site, item and block of an option, by id."""
        options = self.options
        block = self.index.problem.blocks[int(options.start[option])].id
        return self.site_ids[options.site[option]], self.item_ids[options.item[option]], block


def with_pairs(space: Space, kept: Bools) -> Space:
    """The space with only some of its pairs."""
    columns = {name.name: getattr(space.pairs, name.name)[kept] for name in fields(Pairs) if name.name != "first"}
    first = np.searchsorted(columns["option"], np.arange(space.options.count + 1))
    return replace(space, pairs=Pairs(**columns, first=first))
