"""The tree of jurisdictions as master data: a bureau adds towns, and offices under towns, in its own tree only."""

from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Jurisdiction
from models.vocabulary import Role, Tier
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.typed import refuse_any, why_not_point, why_not_text

TIER_BELOW = {Tier.BUREAU: Tier.TOWN, Tier.TOWN: Tier.OFFICE}


@dataclass(frozen=True, slots=True)
class JurisdictionOrder:
    """A new town under a bureau, or a new office under a town."""

    parent_id: int
    code: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class JurisdictionChange:
    """
    What is to be different of a jurisdiction; None leaves as it is.

    It never moves to another parent: tiers of sessions that were consulted on stand on the tree.
    """

    code: str | None = None
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


async def add_jurisdiction(db: AsyncSession, order: JurisdictionOrder, *, caller: Caller) -> Jurisdiction:
    """
    Add a town or an office to the caller's own tree.

    Raises:
        Refused: The parent is not of this tree or has no tier below it, the code is taken, or a field is wrong.
    """
    parent = await lock_own(db, order.parent_id, "parentId", caller=caller)
    if parent.tier not in TIER_BELOW:
        message = "Nothing hangs under an office: choose a town for a new office, the bureau for a new town."
        raise refuse(Code.WRONG_STATE, message, "input", "parentId")
    refuse_any(
        why_not_text(order.code, "input", "code"),
        why_not_text(order.name, "input", "name"),
        why_not_point(order.latitude, order.longitude),
        await why_not_code(db, order.code),
    )
    added = Jurisdiction(
        code=order.code.strip(),
        name=order.name.strip(),
        tier=TIER_BELOW[parent.tier],
        parent_id=parent.id,
        latitude=order.latitude,
        longitude=order.longitude,
    )
    db.add(added)
    await db.flush()
    await note(db, "jurisdiction added", "jurisdiction", added.id, code=added.code, parent=parent.id)
    return added


async def update_jurisdiction(
    db: AsyncSession, jurisdiction_id: int, change: JurisdictionChange, *, caller: Caller
) -> Jurisdiction:
    """
    Change name, code or point of a jurisdiction of the caller's own tree.

    Raises:
        Refused: It is not of this tree, the code is taken, or a field is wrong.
    """
    found = await lock_own(db, jurisdiction_id, "jurisdictionId", caller=caller)
    code_changes = change.code is not None and change.code.strip() != found.code
    refuse_any(
        why_not_text(change.code, "input", "code"),
        why_not_text(change.name, "input", "name"),
        why_not_point(change.latitude, change.longitude),
        await why_not_code(db, change.code) if change.code and code_changes else None,
    )
    found.code = found.code if change.code is None else change.code.strip()
    found.name = found.name if change.name is None else change.name.strip()
    found.latitude = found.latitude if change.latitude is None else change.latitude
    found.longitude = found.longitude if change.longitude is None else change.longitude
    await db.flush()
    await note(db, "jurisdiction changed", "jurisdiction", found.id, code=found.code, name=found.name)
    return found


async def lock_own(db: AsyncSession, jurisdiction_id: int, field: str, *, caller: Caller) -> Jurisdiction:
    """
    A jurisdiction of the calling bureau's tree, locked.

    Raises:
        Refused: NOT_ALLOWED for anybody but a bureau, NOT_FOUND.
    """
    require(caller, Role.BUREAU)
    own = select(Jurisdiction).where(
        col(Jurisdiction.id) == jurisdiction_id, col(Jurisdiction.id).in_(caller.territory)
    )
    found = (await db.exec(own.with_for_update())).one_or_none()
    if found is None:
        raise not_found("jurisdiction", "input", field)
    return found


async def why_not_code(db: AsyncSession, code: str) -> Refusal | None:
    """No other jurisdiction has this code."""
    taken = select(col(Jurisdiction.id)).where(col(Jurisdiction.code) == code.strip())
    if (await db.exec(taken)).first() is None:
        return None
    return Refusal(Code.ALREADY_KNOWN, f"The code {code.strip()} is taken: choose another one.", ("input", "code"))
