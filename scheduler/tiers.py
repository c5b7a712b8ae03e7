"""The tree of jurisdictions as a look-up: lines upward, and the lowest one that covers several."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Jurisdiction
from models.vocabulary import Tier


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
        lines = [self.line(each) for each in jurisdiction_ids]
        for node in lines[0]:
            if all(node in line for line in lines[1:]):
                return node
        message = "no jurisdiction covers all of them"
        raise ValueError(message)

    def at_tier(self, jurisdiction_id: int, tier: Tier) -> Jurisdiction | None:
        """The jurisdiction of this tier on the line, if there is one."""
        return next((node for node in self.line(jurisdiction_id) if node.tier is tier), None)


async def tree_of(db: AsyncSession) -> Tree:
    """The tree as it stands."""
    return Tree({node.id: node for node in (await db.exec(select(Jurisdiction))).all()})
