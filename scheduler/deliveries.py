"""
The delivery of messages: claimed in one short transaction, sent in none, completed in another.

Which way a message goes is decided when it goes: by what is set up, and by what its recipient said last.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.journal import OutboxMessage
from models.vocabulary import Channel
from scheduler.channels.file import FileChannel
from scheduler.channels.gateway import GatewayChannel
from scheduler.channels.letter import Carrier, Letter, Outcome
from scheduler.channels.mail import MailChannel
from scheduler.clock import Clock
from scheduler.contacts import Reach, reach_of
from scheduler.jobs import LongJob
from scheduler.outbox import LEASE, Tried, claim, complete, next_delivery
from scheduler.settings import Settings

ACTOR = "job:deliveries"
NO_ADDRESS = Outcome("no address is known for any channel that is set up")

Carriers = Mapping[Channel, Carrier]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Consignment:
    """A claimed message and the letter it has become; none where no way leads to its recipient."""

    message_id: int
    claim: int
    channel: Channel | None = None
    letter: Letter | None = None

    def tried(self, outcome: Outcome | None) -> Tried:
        """The consignment with what came of it."""
        return Tried(self.message_id, self.claim, self.channel, outcome)


def carriers_of(settings: Settings) -> Carriers:
    """The channels that are set up; the file, where there is neither mail server nor gateway."""
    carriers: dict[Channel, Carrier] = {}
    if settings.mail:
        carriers[Channel.EMAIL] = MailChannel(settings.mail)
    if settings.gateway:
        carriers[Channel.GATEWAY] = GatewayChannel(settings.gateway.url, settings.gateway.token)
    return carriers or {Channel.FILE: FileChannel(settings.home / "outbox.jsonl")}


def deliveries(carriers: Carriers, *, lease: timedelta = LEASE) -> LongJob:
    """The job that delivers what is due by these channels."""

    async def deliver(database: Database, clock: Clock) -> int:
        async with database.writing(actor=ACTOR, now=clock()) as db:
            messages = await claim(db, now=clock(), lease=lease)
            consignments = await consigned(db, messages, carriers)
        if consignments:
            tried = await carried(consignments, carriers, now=clock())
            async with database.writing(actor=ACTOR, now=clock()) as db:
                fenced = await complete(db, tried, now=clock())
            if fenced:
                log.warning("deliveries_fenced_off", messages=fenced)
        return len(messages)

    return LongJob("deliveries", deliver, next_delivery)


async def consigned(db: AsyncSession, messages: Sequence[OutboxMessage], carriers: Carriers) -> list[Consignment]:
    """Claimed messages as letters; a courtesy that its recipient declined is withheld."""
    reaches = await reach_of(db, {message.recipient for message in messages})
    consignments = []
    for message in messages:
        reach = reaches[message.recipient]
        if message.courtesy in reach.declined:
            message.is_withheld, message.claimed_until = True, None
        else:
            consignments.append(consignment(message, reach, carriers))
    return consignments


def consignment(message: OutboxMessage, reach: Reach, carriers: Carriers) -> Consignment:
    """The message on its way to its recipient."""
    way = (Channel.FILE, message.recipient) if Channel.FILE in carriers else reach.by(carriers)
    if way is None:
        return Consignment(message.id, message.claim)
    channel, address = way
    letter = Letter(
        key=message.key,
        recipient=message.recipient,
        subject=message.subject,
        body=message.body,
        made_at=message.made_at,
        address=address,
        is_courtesy=message.courtesy is not None,
    )
    return Consignment(message.id, message.claim, channel, letter)


async def carried(consignments: Sequence[Consignment], carriers: Carriers, *, now: datetime) -> list[Tried]:
    """Send each by its channel, the channels side by side."""
    tried = [each.tried(NO_ADDRESS) for each in consignments if each.letter is None]
    by_channel: dict[Channel, list[tuple[Consignment, Letter]]] = defaultdict(list)
    for each in consignments:
        if each.channel is not None and each.letter is not None:
            by_channel[each.channel].append((each, each.letter))
    async with asyncio.TaskGroup() as group:
        under_way = {
            channel: group.create_task(carriers[channel].deliver([letter for _, letter in given], now=now))
            for channel, given in by_channel.items()
        }
    for channel, given in by_channel.items():
        outcomes = under_way[channel].result()
        tried += [each.tried(outcome) for (each, _), outcome in zip(given, outcomes, strict=True)]
    return tried
