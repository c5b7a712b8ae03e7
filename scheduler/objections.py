"""From objections to constraints of the next plan: what a party said binds its own, or the place if it is theirs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Site
from models.rounds import Consent, Objection, Round
from models.vocabulary import ConsentParty, ObjectionKind
from scheduler.problem_keys import key_in_problem, row_behind
from scheduler.tiers import Tree, tree_of

Bar = dict[str, str]
# Which list of a problem each field of a constraint must name an entry of.
NAMED_IN = {"request": "requests", "site": "sites", "item": "items", "staff": "staff", "block": "blocks"}


@dataclass(frozen=True, slots=True)
class Raised:
    """An objection, by whom, and the jurisdiction whose site it is about."""

    objection: Objection
    party: ConsentParty
    jurisdiction_id: int | None
    examiner_id: int | None
    site_jurisdiction_id: int

    @property
    def speaks_for_the_place(self) -> bool:
        """Whether the party answers for everybody there; an office or a town elsewhere speaks for its own firms."""
        elsewhere = self.jurisdiction_id != self.site_jurisdiction_id
        return not (self.party in (ConsentParty.OFFICE, ConsentParty.TOWN) and elsewhere)


async def with_objections(db: AsyncSession, planned: Round, document: Mapping[str, Any]) -> dict[str, Any]:
    """The problem that keeps the round's objections; what they say of things that are gone is left out."""
    raised, tree = await raised_in(db, planned), await tree_of(db)
    bars = [bar for each in raised for bar in bars_of(each, document["requests"], tree)]
    least = [least_of(each.objection) for each in raised if is_about_size(each.objection)]
    known = {field: {entry["id"] for entry in document[rows]} for field, rows in NAMED_IN.items()}
    return dict(document) | {
        "barred": [bar for bar in without_repeats(bars) if is_known(bar, known)],
        "min_people": [bound for bound in without_repeats(least) if is_known(bound, known)],
        "requests": with_kept_together(document["requests"], [each.objection for each in raised]),
    }


async def raised_in(db: AsyncSession, planned: Round) -> list[Raised]:
    """Every objection of the round, oldest first: later plans keep the earlier ones, too."""
    rows = await db.exec(
        select(Objection, Consent, col(Site.jurisdiction_id))
        .join(Consent, col(Consent.id) == col(Objection.consent_id))
        .join(Site, col(Site.id) == col(Objection.site_id))
        .where(col(Objection.round_id) == planned.id)
        .order_by(col(Objection.id))
    )
    return [
        Raised(objection, consent.party, consent.jurisdiction_id, consent.examiner_id, owner)
        for objection, consent, owner in rows.all()
    ]


def bars_of(raised: Raised, requests: Sequence[Mapping[str, Any]], tree: Tree) -> list[Bar]:
    """The placements that an objection forbids; none where it is not about a place, a time or staff."""
    objection = raised.objection
    site, exam = key_in_problem("site", objection.site_id), key_in_problem("exam", objection.exam_id)
    if objection.kind is ObjectionKind.NOT_THESE_STAFF:
        return [staff_bar(raised, site, exam)]
    if objection.kind is ObjectionKind.NOT_THIS_SITE:
        bar = {"site": site, "item": exam}
    elif objection.kind is ObjectionKind.NOT_THIS_BLOCK:
        bar = {"site": site, "block": objection.block}
    else:
        return []
    if raised.examiner_id is not None:
        return [bar | {"staff": key_in_problem("examiner", raised.examiner_id)}]
    if raised.speaks_for_the_place:
        return [bar]
    return [bar | {"request": key} for key in own_requests(raised, requests, tree)]


def staff_bar(raised: Raised, site: str, exam: str) -> Bar:
    """An examiner's own no is about this session; anybody else's about this examiner at this site."""
    objection = raised.objection
    bar = {"site": site, "item": exam, "staff": key_in_problem("examiner", objection.examiner_id or 0)}
    return bar | {"block": objection.block} if raised.party is ConsentParty.STAFF else bar


def own_requests(raised: Raised, requests: Sequence[Mapping[str, Any]], tree: Tree) -> Iterator[str]:
    """The requests for the session's exam by firms of the office or town that objects."""
    exam = key_in_problem("exam", raised.objection.exam_id)
    for request in requests:
        line = tree.line(row_behind(request["jurisdiction"]))
        if request["item"] == exam and any(node.id == raised.jurisdiction_id for node in line):
            yield request["id"]


def is_known(constraint: Mapping[str, Any], known: Mapping[str, set[str]]) -> bool:
    """Whether everything that a constraint names is in the problem."""
    return all(value in known[field] for field, value in constraint.items() if field in known)


def without_repeats(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in their order, each once: several parties may say the same."""
    return list({tuple(sorted(row.items())): row for row in rows}.values())


def is_about_size(objection: Objection) -> bool:
    """Whether the objection asks for more people."""
    return objection.kind is ObjectionKind.AT_LEAST_PEOPLE and objection.people is not None


def least_of(objection: Objection) -> dict[str, Any]:
    """A session with at least so many people, or none."""
    return {
        "site": key_in_problem("site", objection.site_id),
        "item": key_in_problem("exam", objection.exam_id),
        "block": objection.block,
        "people": objection.people,
    }


def with_kept_together(entries: Sequence[dict[str, Any]], objections: Sequence[Objection]) -> list[dict[str, Any]]:
    """The requests, those together that an objection wants together."""
    wanted = {
        key_in_problem("request", objection.request_id)
        for objection in objections
        if objection.kind is ObjectionKind.KEEP_TOGETHER and objection.request_id is not None
    }
    return [entry | {"together": True} if entry["id"] in wanted else entry for entry in entries]
