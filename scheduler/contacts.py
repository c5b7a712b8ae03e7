"""Where a party wants its messages, and which courtesies it declines."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.identifiers import phone
from models.mailboxes import email_address
from models.parties import Contact, Enterprise
from models.vocabulary import Channel, Courtesy, Role
from scheduler.callers import OFFICIALS, Caller, require
from scheduler.journal import note
from scheduler.refusals import Code, refuse
from scheduler.registration import checked
from scheduler.visibility import contact_of, party_of, visible

WHO = (Role.ENTERPRISE, *OFFICIALS, Role.EXAM_BODY, Role.EXAMINER)


@dataclass(frozen=True, slots=True)
class ContactOrder:
    """A contact as typed; what is left out is not known any more."""

    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How a party can be reached, and what it declines."""

    addresses: Mapping[Channel, str] = field(repr=False)
    declined: Collection[str] = ()

    def by(self, channels: Collection[Channel]) -> tuple[Channel, str] | None:
        """The first of its channels that is set up, with the address there; the one it prefers stands first."""
        return next(((channel, address) for channel, address in self.addresses.items() if channel in channels), None)


async def set_contact(db: AsyncSession, order: ContactOrder, *, caller: Caller) -> Contact:
    """
    Say where the caller's party is reached: by e-mail, by short text to a phone, and which of them it prefers.

    Raises:
        Refused: NOT_ALLOWED; WRONG_IDENTIFIER for what is no address or phone; BAD_INPUT for preferring what is not
            given.
    """
    require(caller, *WHO)
    email = checked(email_address, order.email, "email") if order.email else None
    number = checked(phone, order.phone, "phone") if order.phone else None
    # A firm is registered with a phone, so a text always finds it.
    reached = {
        Channel.EMAIL: email is not None,
        Channel.GATEWAY: number is not None or caller.enterprise_id is not None,
    }
    if order.channel is not None and not reached.get(order.channel):
        message = "There is no address for this channel: give it as well, or choose the other one."
        raise refuse(Code.BAD_INPUT, message, "input", "channel")
    contact = await own_contact(db, caller)
    contact.email, contact.phone, contact.channel = email, number, order.channel
    await db.flush()
    given = {"email": email is not None, "phone": number is not None, "channel": order.channel}
    await note(db, "contact set", "contact", contact.id, **given)
    return contact


async def decline(db: AsyncSession, courtesies: Iterable[Courtesy], *, caller: Caller) -> Contact:
    """
    Unsubscribe the caller's party from these courtesies, and from no others.

    Raises:
        Refused: NOT_ALLOWED.
    """
    require(caller, *WHO)
    contact = await own_contact(db, caller)
    contact.declined = sorted({courtesy.value for courtesy in courtesies})
    await db.flush()
    await note(db, "courtesies declined", "contact", contact.id, declined=contact.declined)
    return contact


async def own_contact(db: AsyncSession, caller: Caller) -> Contact:
    """The caller's own, locked; an empty one where it has said nothing yet."""
    first = insert(Contact).values(recipient=party_of(caller), declined=[]).on_conflict_do_nothing()
    await db.exec(first)
    return (await db.exec(visible(Contact, caller).where(contact_of(caller)).with_for_update())).one()


async def reach_of(db: AsyncSession, recipients: Collection[str]) -> dict[str, Reach]:
    """How each of these parties can be reached: what it said, else the phone a firm was registered with."""
    said = select(Contact).where(col(Contact.recipient).in_(recipients))
    contacts = {contact.recipient: contact for contact in (await db.exec(said)).all()}
    phones = await phones_of_firms(db, recipients)
    return {each: reach(contacts.get(each), phones.get(each)) for each in recipients}


def reach(contact: Contact | None, firms_phone: str | None) -> Reach:
    """The addresses of a party, the preferred channel's first, e-mail before text."""
    if contact is None:
        return Reach({Channel.GATEWAY: firms_phone} if firms_phone else {})
    addresses = {Channel.EMAIL: contact.email, Channel.GATEWAY: contact.phone or firms_phone}
    order: Sequence[Channel] = sorted(addresses, key=lambda channel: channel != contact.channel)
    known = {channel: address for channel in order if (address := addresses[channel])}
    return Reach(known, frozenset(contact.declined))


async def phones_of_firms(db: AsyncSession, recipients: Iterable[str]) -> dict[str, str]:
    """The phones that firms were registered with, by the firms' names as recipients."""
    firms = [int(key) for kind, _, key in (each.partition(":") for each in recipients) if kind == "enterprise"]
    phones = select(Enterprise.id, Enterprise.contact_phone).where(col(Enterprise.id).in_(firms))
    return {f"enterprise:{key}": number for key, number in (await db.exec(phones)).all()}
