"""The tree of jurisdictions (局—镇—所)."""

from typing import ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, find
from models.places import Jurisdiction as JurisdictionRow
from models.vocabulary import Tier
from scheduler.visibility import visible

strawberry.enum(Tier, name="Tier", description="A level of the three-tier consultation (局—镇—所).")


@strawberry.type(description="A bureau, a town or subdistrict, or an office (局—镇—所).")
class Jurisdiction(Entity, relay.Node):
    """A node of the tree."""

    TABLE: ClassVar = JurisdictionRow
    id: relay.NodeID[int]
    parent_id: strawberry.Private[int | None]
    code: str = strawberry.field(description="Its code.")
    name: str = strawberry.field(description="Its name.")
    tier: Tier = strawberry.field(description="Its tier.")
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")

    @strawberry.field(description="The jurisdiction above; empty for a bureau.")
    async def parent(self, info: Info) -> "Jurisdiction | None":
        """One tier up."""
        return await find(info, Jurisdiction, self.parent_id)


@strawberry.type
class PlaceQuery:
    """Reads of places."""

    @strawberry.field(description="Every bureau, town and office (局—镇—所).")
    async def jurisdictions(self, info: Info) -> list[Jurisdiction]:
        """The trees in the order of their codes."""
        wanted = visible(JurisdictionRow, info.context.caller).order_by(col(JurisdictionRow.code))
        async with info.context.reading() as db:
            return [Jurisdiction.from_row(row) for row in (await db.exec(wanted)).all()]
