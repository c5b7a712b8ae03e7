"""The rules that sessions keep, judged from the problem and the plan alone."""

from collections import Counter, defaultdict
from itertools import pairwise

from scheduler.allocation.witness import Found, Witness, label


def known_ids(seen: Witness) -> Found:
    """Everything a plan names exists."""
    for session in seen.plan.sessions:
        if not seen.is_possible(session):
            yield label(session), "names something that does not exist"
    for row in seen.plan.unplaced:
        if row.request not in seen.request:
            yield f"unplaced {row.request}", "no such request"


def offered_once(seen: Witness) -> Found:
    """A site holds only what it offers, and each item once at a block."""
    for session in seen.sound:
        if seen.offer(session) is None:
            yield label(session), "the site does not offer the item"
    for key, times in Counter(session.key for session in seen.plan.sessions).items():
        if times > 1:
            yield "/".join(key), f"planned {times} times"


def blocks_in_a_row(seen: Witness) -> Found:
    """A session's blocks exist and follow each other, day on day."""
    for session in seen.sound:
        blocks = seen.filled[session.key]
        gaps = [(seen.date[b] - seen.date[a]).days for a, b in pairwise(blocks)]
        if len(blocks) < seen.item[session.item].length or max(gaps, default=0) > 1:
            yield label(session), "its blocks are not in a row"


def site_open(seen: Witness) -> Found:
    """The site is open on all blocks of a session."""
    for session in seen.sound:
        opened = seen.site[session.site].blocks
        if opened is not None and not set(seen.filled[session.key]) <= set(opened):
            yield label(session), "the site is closed"


def rooms(seen: Witness) -> Found:
    """A site holds no more sessions at a block than it has rooms."""
    taken = Counter((session.site, block) for session in seen.sound for block in seen.filled[session.key])
    for (site, block), count in taken.items():
        if count > seen.site[site].rooms:
            yield f"site {site} at {block}", f"{count} sessions in {seen.site[site].rooms} rooms"


def rest(seen: Witness) -> Found:
    """A site rests between a session's last day and the next one's first."""
    by_site = defaultdict(list)
    for session in seen.sound:
        blocks = seen.filled[session.key]
        by_site[session.site].append((seen.date[blocks[0]], seen.date[blocks[-1]]))
    for site, days in by_site.items():
        need = seen.site[site].rest_days
        days.sort()
        if need and any((later[0] - earlier[1]).days < need for earlier, later in pairwise(days)):
            yield f"site {site}", f"less than {need} days of rest"


def places(seen: Witness) -> Found:
    """A session holds at most its places."""
    for session in seen.sound:
        offer = seen.offer(session)
        if offer is not None and session.people > offer.places:
            yield label(session), f"{session.people} people on {offer.places} places"


def min_class(seen: Witness) -> Found:
    """A session holds at least the item's least."""
    for session in seen.sound:
        if session.people < seen.item[session.item].min_class:
            yield label(session), f"{session.people} people are too few"


def staff_count(seen: Witness) -> Found:
    """A session has exactly the staff its item needs, nobody twice."""
    for session in seen.sound:
        if len(set(session.staff)) != len(session.staff) or len(session.staff) != seen.item[session.item].staff:
            yield label(session), f"{len(set(session.staff))} staff"


def staff_qualified(seen: Witness) -> Found:
    """Staff are qualified for the item."""
    for session in seen.sound:
        for who in session.staff:
            if session.item not in seen.person[who].items:
                yield label(session), f"{who} is not qualified"


def staff_available(seen: Witness) -> Found:
    """Staff are available on all blocks."""
    for session in seen.sound:
        for who in session.staff:
            there = seen.person[who].blocks
            if there is not None and not set(seen.filled[session.key]) <= set(there):
                yield label(session), f"{who} is not available"


def staff_recused(seen: Witness) -> Found:
    """Nobody meets an enterprise they are recused from."""
    for session in seen.sound:
        present = {seen.request[seating.request].enterprise for seating in session.seated}
        for who in session.staff:
            if present & set(seen.person[who].recused):
                yield label(session), f"{who} is recused"


def staff_once(seen: Witness) -> Found:
    """Nobody is in two sessions at once."""
    duties = Counter(
        (who, block) for session in seen.sound for block in seen.filled[session.key] for who in set(session.staff)
    )
    for (who, block), count in duties.items():
        if count > 1:
            yield f"staff {who} at {block}", f"in {count} sessions"


def staff_max_blocks(seen: Witness) -> Found:
    """Nobody holds more blocks than they may."""
    held = Counter(who for session in seen.sound for _ in seen.filled[session.key] for who in session.staff)
    for who, count in held.items():
        most = seen.person[who].max_blocks
        if most is not None and count > most:
            yield f"staff {who}", f"{count} blocks, the most is {most}"


def right_item(seen: Witness) -> Found:
    """A request sits only in sessions of its item, once in each, with whole people."""
    for session in seen.sound:
        names = [seating.request for seating in session.seated]
        if len(set(names)) != len(names):
            yield label(session), "a request is listed twice"
        for seating in session.seated:
            if seen.request[seating.request].item != session.item:
                yield label(session), f"{seating.request} asked for another item"
            if type(seating.people) is not int or seating.people < 1:
                yield label(session), f"{seating.request}: people must be a positive whole number"


def window(seen: Witness) -> Found:
    """All blocks of a session lie in the window of everyone in it."""
    for session in seen.sound:
        blocks = seen.filled[session.key]
        ranks = [seen.order.index(block) for block in blocks]
        for seating in session.seated:
            request = seen.request[seating.request]
            first, last = seen.window_of(request)
            if ranks[0] < first or ranks[-1] > last or set(blocks) & set(request.not_blocks):
                yield label(session), f"outside the window of {request.id}"
