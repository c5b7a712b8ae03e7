"""The tree of jurisdictions: lines upward, ground below, and the lowest one that covers several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, BindParameter, bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.places import Jurisdiction
from models.vocabulary import Tier
from scheduler.allocation.rules import lowest_on_all


@dataclass(frozen=True, slots=True)
class Tree:
    """All jurisdictions by their key."""

    nodes: Mapping[int, Jurisdiction]

    def line(self, jurisdiction_id: int) -> list[Jurisdiction]:
        """The jurisdiction and all above it, lowest first."""
        found: list[Jurisdiction] = []
        at: int | None = jurisdiction_id
        while at is not None:
            found.append(self.nodes[at])
            at = self.nodes[at].parent_id
        return found

    def covering(self, jurisdiction_ids: Iterable[int]) -> Jurisdiction:
        """
        The lowest jurisdiction that covers them all: the tier of a session is its tier.

        Raises:
            ValueError: No tree holds them all.
        """
        if (found := lowest_on_all([self.line(each) for each in jurisdiction_ids])) is not None:
            return found
        message = "no jurisdiction covers all of them"
        raise ValueError(message)

    def at_tier(self, jurisdiction_id: int, tier: Tier) -> Jurisdiction | None:
        """The jurisdiction of this tier on the line, if there is one."""
        return next((node for node in self.line(jurisdiction_id) if node.tier is tier), None)


def ids_below(jurisdiction_id: int | BindParameter[int]) -> SelectOfScalar[int]:
    """The ids of a jurisdiction and of all below it, as a statement."""
    itself = select(col(Jurisdiction.id)).where(col(Jurisdiction.id) == jurisdiction_id)
    ground = itself.cte("ground", recursive=True)
    whole = ground.union_all(select(col(Jurisdiction.id)).join(ground, col(Jurisdiction.parent_id) == ground.c.id))
    return select(whole.c.id)


def bureau_above(jurisdiction_id: int | BindParameter[int]) -> SelectOfScalar[int]:
    """The id of the bureau at the top of a jurisdiction's line, as a statement."""
    itself = select(col(Jurisdiction.id), col(Jurisdiction.parent_id)).where(col(Jurisdiction.id) == jurisdiction_id)
    line = itself.cte("line", recursive=True)
    above = select(col(Jurisdiction.id), col(Jurisdiction.parent_id))
    whole = line.union_all(above.join(line, col(Jurisdiction.id) == line.c.parent_id))
    return select(whole.c.id).where(whole.c.parent_id.is_(None))


# Every request of every caller asks these two: put together once, as that takes longer than the server's answer.
_HOME: BindParameter[int] = bindparam("home", type_=BigInteger)
_BUREAU_ABOVE, _IDS_BELOW = bureau_above(_HOME), ids_below(_HOME)


async def bureau_of(db: AsyncSession, jurisdiction_id: int) -> int:
    """The bureau at the top of a jurisdiction's line."""
    return (await db.exec(_BUREAU_ABOVE, params={"home": jurisdiction_id})).one()


async def ground_of(db: AsyncSession, jurisdiction_id: int) -> Sequence[int]:
    """The jurisdiction and all below it, in id order."""
    return sorted((await db.exec(_IDS_BELOW, params={"home": jurisdiction_id})).all())


async def tree_of(db: AsyncSession) -> Tree:
    """The tree as it stands."""
    return Tree({node.id: node for node in (await db.exec(select(Jurisdiction))).all()})
