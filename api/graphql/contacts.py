"""Where a party wants its messages, and which courtesies it declines."""

from typing import ClassVar

import strawberry
from strawberry import relay

from api.graphql.context import Info
from api.graphql.entity import Entity
from api.graphql.errors import Payload
from api.graphql.lists import Channel, Courtesy
from api.graphql.mutation import mutation
from models.parties import Contact as ContactRow
from scheduler import contacts
from scheduler.visibility import contact_of, visible


@strawberry.type(description="Where your party wants its messages (通知方式); only its own accounts see it.")
class Contact(Entity, relay.Node):
    """How a party is reached."""

    TABLE: ClassVar = ContactRow
    id: relay.NodeID[int]
    email: str | None = strawberry.field(description="For e-mail.")
    phone: str | None = strawberry.field(description="For short texts; a firm's registered phone if empty.")
    channel: Channel | None = strawberry.field(description="What is tried first; e-mail if empty.")
    declined: list[Courtesy] = strawberry.field(description="The courtesies that it unsubscribed from.")


@strawberry.input(description="Where your party wants its messages; what is left out is forgotten.")
class ContactSetInput:
    """What contactSet takes."""

    email: str | None = strawberry.field(default=None, description="An e-mail address; never logged.")
    phone: str | None = strawberry.field(default=None, description="A phone for short texts; never logged.")
    channel: Channel | None = strawberry.field(default=None, description="EMAIL or GATEWAY: what is tried first.")

    def order(self) -> contacts.ContactOrder:
        """The input as the use case takes it."""
        return contacts.ContactOrder(email=self.email, phone=self.phone, channel=self.channel)


@strawberry.input(description="The courtesies that your party does not want; all others are sent.")
class CourtesiesDeclineInput:
    """What courtesiesDecline takes."""

    declined: list[Courtesy] = strawberry.field(description="All that are declined; none to have all of them again.")


@strawberry.type(description="The answer to what changes a contact.")
class ContactPayload(Payload):
    """The contact as it is now."""

    contact: Contact | None = strawberry.field(default=None, description="The contact; empty if refused.")


@strawberry.type
class ContactQuery:
    """Reads of one's contact."""

    @strawberry.field(description="Where your party wants its messages; empty as long as it has not said.")
    async def contact(self, info: Info) -> Contact | None:
        """The caller's own."""
        caller = info.context.caller
        async with info.context.reading() as db:
            row = (await db.exec(visible(ContactRow, caller).where(contact_of(caller)))).one_or_none()
        return Contact.from_row(row) if row else None


@strawberry.type
class ContactMutation:
    """Acts on one's contact."""

    @mutation("Say where your party is reached: by e-mail, or by short text to a phone.")
    async def contact_set(self, info: Info, input: ContactSetInput) -> ContactPayload:
        """New addresses."""
        row = await contacts.set_contact(info.context.db, input.order(), caller=info.context.caller)
        return ContactPayload(contact=Contact.from_row(row))

    @mutation("Unsubscribe from courtesies (退订). Official notices cannot be: they take effect by being told.")
    async def courtesies_decline(self, info: Info, input: CourtesiesDeclineInput) -> ContactPayload:
        """The courtesies that are not wanted."""
        row = await contacts.decline(info.context.db, input.declined, caller=info.context.caller)
        return ContactPayload(contact=Contact.from_row(row))
