"""What a finished plan leaves free: places, rooms, rest and staff, for anyone who asks what one more would take."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.allocation import rules
from scheduler.allocation.index import Index
from scheduler.allocation.plan import Plan, PlannedSession

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """
    A plan with what it uses.

    Attributes:
        rooms: Sessions by site and rank.
        duties: Who is in a session, by rank.
        blocks: Blocks held, by staff.
        at_hand: Who could still hold an item from a block on, as far as it was asked.
    """

    index: Index
    held: dict[Key, PlannedSession]
    rooms: dict[tuple[str, int], int]
    duties: dict[int, set[str]]
    blocks: dict[str, int]
    at_hand: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index, plan: Plan) -> "Standing":
        """Count what a plan uses."""
        rooms: dict[tuple[str, int], int] = defaultdict(int)
        duties: dict[int, set[str]] = defaultdict(set)
        blocks: dict[str, int] = defaultdict(int)
        for session in plan.sessions:
            span = rules.span_of(index, session.item, session.block) or range(0)
            for rank in span:
                rooms[session.site, rank] += 1
                duties[rank].update(session.staff)
            for who in session.staff:
                blocks[who] += len(span)
        return cls(index, {session.key: session for session in plan.sessions}, rooms, duties, blocks)

    def has_room(self, site: str, item: str, block: str) -> bool:
        """Whether one more session fits into the site's rooms and its rest."""
        span = rules.span_of(self.index, item, block) or range(0)
        place = self.index.sites[site]
        free = all(self.rooms.get((site, rank), 0) < place.rooms for rank in span)
        return free and not (place.rest_days and any(self.too_close(site, span, other) for other in self.held.values()))

    def too_close(self, site: str, span: range, other: PlannedSession) -> bool:
        """Whether another session at the site leaves less rest than it needs."""
        if other.site != site:
            return False
        theirs = rules.span_of(self.index, other.item, other.block) or range(0)
        days, rest = self.index.days, self.index.sites[site].rest_days
        return days[span[0]] - days[theirs[-1]] < rest and days[theirs[0]] - days[span[-1]] < rest

    def against(self, who: str, item: str, place: rules.Place) -> str | None:
        """What keeps somebody from a session of the item there, in words; None where they are free for it."""
        person, span = self.index.staff[who], rules.span_of(self.index, item, place.block) or range(0)
        named = {self.index.problem.blocks[rank].id for rank in span}
        if person.blocks is not None and not named <= set(person.blocks):
            return "cannot come then"
        if not rules.staff_may_meet(self.index, person, place):
            return "must not meet them"
        for session in self.held.values():
            theirs = rules.span_of(self.index, session.item, session.block) or range(0)
            if who in session.staff and set(span) & set(theirs):
                return f"is at {session.site} for {session.item}"
        if person.max_blocks is not None and self.blocks.get(who, 0) + len(span) > person.max_blocks:
            return f"holds {self.blocks.get(who, 0)} of {person.max_blocks} half-days"
        return None

    def free_staff(self, item: str, block: str, requests: tuple[rules.Place, ...]) -> list[str]:
        """Who is qualified, there, not taken, within their blocks and may meet everyone."""
        if (at_hand := self.at_hand.get((item, block))) is None:
            at_hand = self.at_hand[item, block] = tuple(self.untaken(item, block))
        index = self.index
        return [who for who in at_hand if all(rules.staff_may_meet(index, index.staff[who], each) for each in requests)]

    def untaken(self, item: str, block: str) -> Iterator[str]:
        """Who is qualified, there, not taken and within their blocks, whoever comes."""
        span = rules.span_of(self.index, item, block) or range(0)
        named = {self.index.problem.blocks[rank].id for rank in span}
        for who, person in sorted(self.index.staff.items()):
            if (
                item in person.items
                and (person.blocks is None or named <= set(person.blocks))
                and not any(who in self.duties.get(rank, ()) for rank in span)
                and (person.max_blocks is None or self.blocks.get(who, 0) + len(span) <= person.max_blocks)
            ):
                yield who
