"""From drafts to the sessions of a plan."""

from collections import defaultdict
from collections.abc import Sequence

from scheduler.allocation import rules
from scheduler.allocation.draft import Draft
from scheduler.allocation.index import Index
from scheduler.allocation.parts import Tier
from scheduler.allocation.plan import PlannedSession, Seating
from scheduler.allocation.space import Space


def sessions_of(space: Space, draft: Draft) -> list[PlannedSession]:
    """The sessions of a draft, the people seated ahead included."""
    ahead: dict[int, dict[str, int]] = defaultdict(dict)
    for option, request, people in space.ahead:
        ahead[option][space.request_ids[request]] = people
    sessions = []
    for option, there in draft.seats.items():
        seated: dict[str, int] = defaultdict(int, ahead[option])
        for pair, people in there.items():
            seated[space.request_ids[space.pairs.request[pair]]] += people
        site, item, block = space.key(option)
        staff = tuple(sorted(space.staff_ids[who] for who in draft.staff.get(option, ())))
        tier = rules.tier_of(space.index, site, sorted(seated)) or Tier.BUREAU
        seating = tuple(Seating(request, seated[request]) for request in sorted(seated))
        sessions.append(PlannedSession(site, item, block, tier, staff, seating))
    return sessions


def in_order(index: Index, sessions: Sequence[PlannedSession]) -> tuple[PlannedSession, ...]:
    """By time, then by site and item."""
    return tuple(sorted(sessions, key=lambda session: (index.rank[session.block], session.site, session.item)))


def people_left_out(index: Index, sessions: Sequence[PlannedSession]) -> dict[str, int]:
    """By request, how many have no place."""
    seated: dict[str, int] = defaultdict(int)
    for session in sessions:
        for seating in session.seated:
            seated[seating.request] += seating.people
    left = {request: index.requests[request].people - seated[request] for request in sorted(index.requests)}
    return {request: people for request, people in left.items() if people}
