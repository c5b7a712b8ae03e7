"""The tree of jurisdictions, and the sites with their rooms, offers and closures."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models import places as tables
from models.vocabulary import Tier
from scheduler.district.values import Jurisdiction, Site
from scheduler.seeding.known import ExamIds, Ids, Known
from scheduler.seeding.rows import Row, add


async def add_jurisdictions(db: AsyncSession, nodes: Sequence[Jurisdiction]) -> Ids:
    """Load the trees, from the roots down."""
    ids: dict[str, int] = {}
    for tier in reversed(Tier):
        level = [node for node in nodes if node.tier is tier]
        added = await add(db, tables.Jurisdiction, [_node(node, ids) for node in level])
        ids |= {node.code: id_ for node, id_ in zip(level, added, strict=True)}
    return ids


def _node(node: Jurisdiction, ids: Ids) -> Row:
    return {
        "code": node.code,
        "name": node.name,
        "tier": node.tier,
        "parent_id": ids[node.parent] if node.parent else None,
        "latitude": node.at.latitude,
        "longitude": node.at.longitude,
    }


async def add_sites(db: AsyncSession, sites: Sequence[Site], known: Known, *, now: datetime) -> None:
    """Load the sites and what belongs to each."""
    ids = list(zip(sites, await add(db, tables.Site, [_site(site, known) for site in sites]), strict=True))
    rooms = [{"site_id": id_, "number": number} for site, id_ in ids for number in range(1, site.rooms + 1)]
    await add(db, tables.Room, rooms)
    await add(db, tables.SiteOffer, [offer for site, id_ in ids for offer in _offers(site, id_, known.exams)])
    await add(db, tables.SiteClosure, [closure for site, id_ in ids for closure in _closures(site, id_, now)])


def _site(site: Site, known: Known) -> Row:
    return {
        "jurisdiction_id": known.jurisdictions[site.jurisdiction],
        "host_enterprise_id": known.enterprises[site.host] if site.host else None,
        "name": site.name,
        "latitude": site.at.latitude,
        "longitude": site.at.longitude,
        "is_municipal_centre": site.is_municipal_centre,
        "opts_into_weekends": site.opts_into_weekends,
    }


def _offers(site: Site, site_id: int, exams: ExamIds) -> list[Row]:
    return [
        {
            "site_id": site_id,
            "exam_id": exams[offer.exam],
            "places": offer.places,
            "open_cost_fen": offer.open_cost_fen,
        }
        for offer in site.offers
    ]


def _closures(site: Site, site_id: int, now: datetime) -> list[Row]:
    return [
        {
            "site_id": site_id,
            "from_day": closure.from_day,
            "before_day": closure.before_day,
            "reason": closure.reason,
            "recorded_at": now,
        }
        for closure in site.closures
    ]
