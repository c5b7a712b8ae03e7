"""
Half-days of examiners that are a tier's share of a month: how many it has in use, and whom a plan keeps free for it.

What is in use is counted from the staff of standing sessions, the office's share first: nothing is kept twice. A plan
is held to shares by bars, which are the allocator's own words: an examiner who is kept for a town is barred from
everybody else, on so many half-days that what was granted is left, whatever the others are given.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam
from models.grants import StaffGrant
from models.places import Jurisdiction
from models.sessions import Session, SessionStaff
from models.vocabulary import GrantState
from scheduler.problem_keys import key_in_problem, row_behind
from scheduler.taken import GONE
from scheduler.tiers import Tree, tree_of

Bar = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StaffShare:
    """A share that stands, and how many half-days of it no session uses."""

    grant: StaffGrant
    unused: int


async def lock_staff_shares(db: AsyncSession, bureau_id: int) -> None:
    """Be the only one who grants half-days of a bureau's, or gives them to sessions of a plan."""
    row = select(col(Jurisdiction.id)).where(col(Jurisdiction.id) == bureau_id)
    await db.exec(row.with_for_update(key_share=True))


async def staff_shares(
    db: AsyncSession, bureau_id: int, *, now: datetime, but_for_round: int | None = None
) -> list[StaffShare]:
    """A bureau's shares that bind at a moment, offices' first; a round that is planned anew uses nothing yet."""
    grants = await grants_of_bureau(db, bureau_id)
    used = await half_days_in_use(db, grants, but_for_round=but_for_round)
    return [
        StaffShare(grant, grant.kept - used[grant.id])
        for grant in grants
        if grant.state is GrantState.STANDING and grant.until > now
    ]


async def grants_of_bureau(db: AsyncSession, bureau_id: int) -> list[StaffGrant]:
    """Every share of half-days that was ever granted in a bureau, offices' first, then the oldest."""
    made = select(StaffGrant).where(col(StaffGrant.bureau_id) == bureau_id)
    grants = (await db.exec(made.execution_options(populate_existing=True))).all()
    return sorted(grants, key=lambda grant: (grant.parent_id is None, grant.id))


async def half_days_in_use(
    db: AsyncSession, grants: Sequence[StaffGrant], *, but_for_round: int | None = None
) -> dict[int, int]:
    """
    How many half-days of each of a bureau's shares are in use by standing sessions on its ground, none counted twice.

    Those come in the order in which they are counted; what an ended share had in use stays its own.
    """
    tree = await tree_of(db)
    duties = (
        select(col(Exam.item_id), col(Session.day), col(Session.jurisdiction_id), func.count(col(SessionStaff.id)))
        .join(Session, col(Session.id) == col(SessionStaff.session_id))
        .join(Exam, col(Exam.id) == col(Session.exam_id))
        .where(
            col(Session.state).not_in(GONE),
            col(Exam.item_id).in_({grant.item_id for grant in grants}),
            col(Session.round_id).is_distinct_from(but_for_round),
        )
        .group_by(col(Exam.item_id), col(Session.day), col(Session.jurisdiction_id))
    )
    left: Counter[tuple[int, date, int]] = Counter()
    for item_id, day, jurisdiction_id, half_days in (await db.exec(duties)).all():
        left[item_id, day.replace(day=1), jurisdiction_id] += half_days
    used: dict[int, int] = {}
    for grant in grants:
        used[grant.id] = 0
        for item_id, month, jurisdiction_id in sorted(left):
            if (item_id, month) == (grant.item_id, grant.month) and is_within(tree, jurisdiction_id, grant):
                taken = min(left[item_id, month, jurisdiction_id], grant.kept - used[grant.id])
                left[item_id, month, jurisdiction_id] -= taken
                used[grant.id] += taken
    return used


async def in_use_of(db: AsyncSession, grant_ids: Sequence[int]) -> dict[int, int]:
    """How many half-days of these shares are in use."""
    of = select(col(StaffGrant.bureau_id)).where(col(StaffGrant.id).in_(grant_ids)).distinct()
    used: dict[int, int] = {}
    for bureau_id in (await db.exec(of)).all():
        used |= await half_days_in_use(db, await grants_of_bureau(db, bureau_id))
    return {grant_id: used[grant_id] for grant_id in grant_ids}


def is_within(tree: Tree, jurisdiction_id: int, grant: StaffGrant) -> bool:
    """Whether a jurisdiction is on a share's own ground."""
    return any(node.id == grant.jurisdiction_id for node in tree.line(jurisdiction_id))


async def with_staff_shares(
    db: AsyncSession, document: Mapping[str, Any], *, bureau_id: int, round_id: int, now: datetime
) -> dict[str, Any]:
    """The problem in which examiners are kept for those whose share their half-days are."""
    shares = await staff_shares(db, bureau_id, now=now, but_for_round=round_id)
    if not shares:
        return dict(document)
    tree = await tree_of(db)
    exams = (await db.exec(select(col(Exam.id), col(Exam.item_id)))).all()
    item_of = {key_in_problem("exam", exam_id): item_id for exam_id, item_id in exams}
    bars, kept = list[Bar](), set[str]()
    for share in shares:
        for examiner, half_days in kept_for(share, document, item_of, kept):
            kept.add(examiner["id"])
            bars += bars_around(share.grant, examiner, half_days, document, item_of, tree)
    return dict(document) | {"barred": [*document["barred"], *bars]}


def kept_for(
    share: StaffShare, document: Mapping[str, Any], item_of: Mapping[str, int], kept: set[str]
) -> Iterator[tuple[Mapping[str, Any], int]]:
    """
    The examiners who are kept for a share, and for how many half-days each: as many at once as a session needs.

    Half-days are spread over a crew, so that those who are kept are free together.
    """
    mine = {item["id"]: item["staff"] for item in document["items"] if item_of[item["id"]] == share.grant.item_id}
    able = [person for person in document["staff"] if person["id"] not in kept and mine.keys() & set(person["items"])]
    crew, left = max(mine.values(), default=1) or 1, share.unused
    for at in range(0, len(able), crew):
        together = able[at : at + crew]
        for number, person in enumerate(together):
            most = min(person["max_blocks"], len(in_month(person["blocks"], share.grant.month)))
            share_of_left = -(-left // (len(together) - number))
            if half_days := min(most, share_of_left):
                left -= half_days
                yield person, half_days
        if left <= 0:
            return


def in_month(blocks: Sequence[str], month: date) -> list[str]:
    """The half-days of a month."""
    return [block for block in blocks if block.startswith(f"{month:%Y-%m}-")]


def bars_around(
    grant: StaffGrant,
    examiner: Mapping[str, Any],
    half_days: int,
    document: Mapping[str, Any],
    item_of: Mapping[str, int],
    tree: Tree,
) -> Iterator[Bar]:
    """
    The bars that keep an examiner for a share: all others have her only on what is left beside it.

    Nobody else's session, of another item or of a wider ground, can be on the other half-days: it would have somebody
    of another ground in it, or a site there.
    """
    blocks = sorted(examiner["blocks"], key=lambda block: (block in in_month([block], grant.month), block))
    beside = min(examiner["max_blocks"], len(blocks)) - half_days
    closed = [{"block": block} for block in blocks[beside:]] if beside > 0 else [{}]
    who = {"staff": examiner["id"]}
    for when in closed:
        for item in examiner["items"]:
            if item_of[item] != grant.item_id:
                yield who | when | {"item": item}
        for site in document["sites"]:
            if not is_within(tree, row_behind(site["jurisdiction"]), grant):
                yield who | when | {"site": site["id"]}
        for request in document["requests"]:
            if item_of[request["item"]] == grant.item_id and not is_within(
                tree, row_behind(request["jurisdiction"]), grant
            ):
                yield who | when | {"request": request["id"]}
