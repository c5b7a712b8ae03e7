"""The tree of jurisdictions (局—镇—所)."""

from typing import ClassVar

import strawberry
from sqlmodel import col
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity, find, key_of
from api.graphql.errors import Payload
from api.graphql.mutation import mutation
from models.places import Jurisdiction as JurisdictionRow
from models.vocabulary import Tier
from scheduler import places
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


@strawberry.input(description="A town under a bureau, or an office under a town.")
class JurisdictionAddInput:
    """What jurisdictionAdd takes."""

    parent_id: strawberry.ID = strawberry.field(description="The bureau or the town above; it decides the tier.")
    code: str = strawberry.field(description="Its code, once in all trees.")
    name: str = strawberry.field(description="Its name.")
    latitude: float = strawberry.field(description="Degrees north.")
    longitude: float = strawberry.field(description="Degrees east.")

    def order(self) -> places.JurisdictionOrder:
        """The input as the use case takes it."""
        return places.JurisdictionOrder(
            parent_id=key_of(self.parent_id, Jurisdiction, "input", "parentId"),
            code=self.code,
            name=self.name,
            latitude=self.latitude,
            longitude=self.longitude,
        )


@strawberry.input(description="What is to be different of a jurisdiction; what is left out stays.")
class JurisdictionUpdateInput:
    """What jurisdictionUpdate takes; nothing moves to another parent."""

    jurisdiction_id: strawberry.ID = strawberry.field(description="The jurisdiction.")
    code: str | None = strawberry.field(default=None, description="Its new code.")
    name: str | None = strawberry.field(default=None, description="Its new name.")
    latitude: float | None = strawberry.field(default=None, description="Degrees north; with the longitude.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east; with the latitude.")


@strawberry.type(description="The answer to a change of a jurisdiction.")
class JurisdictionPayload(Payload):
    """The jurisdiction as it now stands."""

    jurisdiction: Jurisdiction | None = strawberry.field(default=None, description="It; empty if refused.")


@strawberry.type
class PlaceMutation:
    """Acts on the tree."""

    @mutation("Add a town or an office to your tree (局—镇—所). For bureaus.")
    async def jurisdiction_add(self, info: Info, input: JurisdictionAddInput) -> JurisdictionPayload:
        """A new node."""
        row = await places.add_jurisdiction(info.context.db, input.order(), caller=info.context.caller)
        return JurisdictionPayload(jurisdiction=Jurisdiction.from_row(row))

    @mutation("Change name, code or point of a jurisdiction of your tree. For bureaus.")
    async def jurisdiction_update(self, info: Info, input: JurisdictionUpdateInput) -> JurisdictionPayload:
        """A changed node."""
        key = key_of(input.jurisdiction_id, Jurisdiction, "input", "jurisdictionId")
        change = places.JurisdictionChange(input.code, input.name, input.latitude, input.longitude)
        row = await places.update_jurisdiction(info.context.db, key, change, caller=info.context.caller)
        return JurisdictionPayload(jurisdiction=Jurisdiction.from_row(row))
