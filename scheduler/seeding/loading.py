"""From a generated district to rows: every kind after those it refers to, all in the caller's one transaction."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.halts import RulesSayNo
from models.journal import AuditEntry
from models.places import Jurisdiction
from models.sealing import Sealer
from scheduler.district.values import District
from scheduler.journal import note
from scheduler.seeding.accounts import add_accounts
from scheduler.seeding.catalogue import add_catalogue
from scheduler.seeding.known import Known
from scheduler.seeding.parties import add_enterprises, add_exam_bodies, add_examiners, add_workers
from scheduler.seeding.places import add_jurisdictions, add_sites
from scheduler.seeding.recipe import Recipe

SEED_ACTOR = "operator:seed"
DEMO_ACTOR = "operator:demo"
_ACT = "seed"
# Any number will do, as long as nothing else in this database locks on it: "seed" in ASCII.
_LOCK = 0x73656564


class AlreadySeeded(RulesSayNo):
    """The database holds a district already; loading another would mix the two."""


@dataclass(frozen=True)
class Loaded:
    """How many of each were loaded."""

    jurisdictions: int
    items: int
    enterprises: int
    workers: int
    sites: int
    examiners: int
    accounts: int


async def load(db: AsyncSession, recipe: Recipe, *, sealer: Sealer, password: str, now: datetime) -> Loaded:
    """
    Load a district's master data, and an account for each of its parties; its requests are left to be submitted.

    Raises:
        AlreadySeeded: There are jurisdictions already.
    """
    await _require_empty(db)
    district = recipe.district()
    known = await _add(db, district, sealer=sealer, now=now)
    accounts = await add_accounts(db, district, known, password=password)
    root = next(iter(known.jurisdictions.values()))
    await note(db, _ACT, "jurisdiction", root, **asdict(recipe))
    return Loaded(
        jurisdictions=len(district.jurisdictions),
        items=len(district.items),
        enterprises=len(district.enterprises),
        workers=len(district.workers),
        sites=len(district.sites),
        examiners=len(district.examiners),
        accounts=accounts,
    )


async def recipe_of(db: AsyncSession) -> Recipe | None:
    """What the district in this database was drawn from; None if it holds none of ours."""
    noted = select(col(AuditEntry.detail)).where(col(AuditEntry.act) == _ACT).order_by(col(AuditEntry.id))
    detail = (await db.exec(noted.limit(1))).first()
    if detail is None:
        return None
    return Recipe(detail["seed"], detail["bureaus"], date.fromisoformat(detail["starts_on"]))


async def is_a_demos(db: AsyncSession) -> bool:
    """Whether nothing is lost with this database: a demo filled it, or it holds no jurisdiction at all."""
    loader = select(col(AuditEntry.actor)).where(col(AuditEntry.act) == _ACT).order_by(col(AuditEntry.id))
    if (await db.exec(loader.limit(1))).first() == DEMO_ACTOR:
        return True
    return (await db.exec(select(col(Jurisdiction.id)).limit(1))).first() is None


async def _require_empty(db: AsyncSession) -> None:
    # Two loaders at once: the second waits here, and then finds the first one's rows.
    await db.exec(select(func.pg_advisory_xact_lock(_LOCK)))
    if (await db.exec(select(col(Jurisdiction.id)).limit(1))).first() is not None:
        raise AlreadySeeded("This database holds a district already: use an empty one, or `doorstep demo --fresh`.")


async def _add(db: AsyncSession, district: District, *, sealer: Sealer, now: datetime) -> Known:
    jurisdictions = await add_jurisdictions(db, district.jurisdictions)
    exams = await add_catalogue(db, district.items)
    enterprises = await add_enterprises(db, district.enterprises, jurisdictions)
    await add_workers(db, district.workers, enterprises, sealer=sealer)
    bodies = await add_exam_bodies(db, district.exam_bodies, jurisdictions)
    examiners = await add_examiners(db, district.examiners, bodies=bodies, exams=exams, enterprises=enterprises)
    known = Known(
        jurisdictions=jurisdictions, exams=exams, enterprises=enterprises, exam_bodies=bodies, examiners=examiners
    )
    await add_sites(db, district.sites, known, now=now)
    return known
