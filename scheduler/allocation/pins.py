"""Whether the pins can all be kept: each by itself, then all of them together."""

from collections import defaultdict

import numpy as np

from scheduler.allocation import rules
from scheduler.allocation.errors import ProblemError
from scheduler.allocation.index import Index
from scheduler.allocation.options import Wishes
from scheduler.allocation.space import Space

RELEASE = "release one of the pins or mend what it stands against"


def check_pins(space: Space) -> None:
    """
    Refuse pins that cannot be kept, each by itself.

    Raises:
        ProblemError: It names the pins and what stands against them.
    """
    index, wishes = space.index, Wishes.of(space.index.problem)
    check_counts(index, wishes)
    check_sequence(space)
    seated = {(space.request_ids[request], *spot(space, option)) for option, request, _ in space.ahead}
    for request, site, block in sorted(wishes.pins):
        if (request, site, block) not in seated and wishes.pins[request, site, block]:
            why = sentence_against(index, rules.Place(request, site, block))
            raise ProblemError(f"pins[{request!r} at {site!r}, {block!r}]", f"breaks a rule: {why}", way_out=RELEASE)
    keys = {space.key(option) for option in space.options.pinned.nonzero()[0].tolist()}
    for site, item, block in sorted(wishes.held - keys):
        where = f"pinned_sessions[{site!r}, {item!r}, {block!r}]"
        raise ProblemError(where, "cannot be held: " + why_not_held(index, site, item, block), way_out=RELEASE)
    for option in (space.options.places < 0).nonzero()[0].tolist():
        where = f"pins at {space.key(option)!r}"
        raise ProblemError(where, "seat more people than there are places", way_out=RELEASE)


def check_sequence(space: Space) -> None:
    """Nobody is pinned to what comes later while too few can have sat what comes before; the unpinned still may."""
    following = space.following
    option, request, people = np.array(space.ahead, np.int64).reshape(len(space.ahead), 3).T
    slack = following.slack(request, space.options.start[option], people)
    for link, (later, earlier) in enumerate(zip(following.later.tolist(), following.earlier.tolist(), strict=True)):
        unpinned = int(space.people[earlier])
        if slack[link].min() + unpinned < 0:
            first, then = space.request_ids[earlier], space.request_ids[later]
            why = f"let people of {then!r} begin too soon after {first!r}, or before it"
            raise ProblemError(f"pins of {then!r} and {first!r}", why, way_out=RELEASE)


def sentence_against(index: Index, place: rules.Place) -> str:
    """The rule that a pinned place breaks, in words."""
    if (broken := rules.broken_by(index, place)) is not None:
        return broken.sentence
    if (after := index.requests[place.request].after) is not None:
        return f"It comes after {after.request!r}, and nobody is done with that early enough."
    return "A session of enough people and staff is possible there."


def spot(space: Space, option: int) -> tuple[str, str]:
    """Site and block of an option."""
    site, _, block = space.key(option)
    return site, block


def check_counts(index: Index, wishes: Wishes) -> None:
    """No request is pinned with more people than it has, or in two places though it stays together."""
    pinned: dict[str, list[int]] = defaultdict(list)
    for (request, _, _), people in sorted(wishes.pins.items()):
        if people:
            pinned[request].append(people)
    for request, counts in pinned.items():
        wanted = index.requests[request]
        if sum(counts) > wanted.people:
            why = f"ask for {sum(counts)} people of {wanted.people}"
            raise ProblemError(f"pins of {request!r}", why, way_out=RELEASE)
        if wanted.together and len(counts) > 1:
            raise ProblemError(f"pins of {request!r}", "split people who stay together", way_out=RELEASE)


def why_not_held(index: Index, site: str, item: str, block: str) -> str:
    """What keeps a pinned session from being held at all."""
    span = rules.span_of(index, item, block)
    if (site, item) not in index.offers:
        return "the site does not offer the item"
    if span is None:
        return "its blocks do not follow each other"
    opened = index.sites[site].blocks
    if opened is not None and any(index.problem.blocks[rank].id not in opened for rank in span):
        return "the site is closed"
    return "there are not enough staff"
