"""
The delivery of messages: claimed in one short transaction, sent in none, completed in another.

Which way a message goes is decided when it goes: by what is set up, and by what its recipient said last.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.journal import OutboxMessage
from models.parties import WebhookEndpoint
from models.sealing import Sealer, SealingError
from models.vocabulary import Channel
from scheduler.channels.file import FileChannel
from scheduler.channels.gateway import GatewayChannel
from scheduler.channels.letter import Carrier, Letter, Outcome
from scheduler.channels.mail import MailChannel
from scheduler.channels.webhook import WebhookChannel
from scheduler.clock import Clock
from scheduler.contacts import Reach, reach_of
from scheduler.jobs import LongJob
from scheduler.leases import Claim, FencedOff, kept
from scheduler.outbox import LEASE, Tried, claim_due, complete, next_delivery
from scheduler.settings import Settings
from scheduler.webhooks import disable_gone, endpoints_of, secrets_of

ACTOR = "job:deliveries"
NO_ADDRESS = Outcome("no address is known for any channel that is set up")
DISABLED = Outcome("the endpoint is disabled", is_final=True)
SEALED = Outcome("the endpoint's secret does not open: its key is missing from DOORSTEP_RETIRED_SECRETS")

Carriers = Mapping[Channel, Carrier]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Consignment:
    """A claimed message and the letter it has become; where it has not, what is wrong."""

    claim: Claim
    channel: Channel | None = None
    letter: Letter | None = None
    wrong: Outcome = NO_ADDRESS

    def tried(self, outcome: Outcome | None) -> Tried:
        """The consignment with what came of it."""
        return Tried(self.claim, self.channel, outcome)


def carriers_of(settings: Settings) -> Carriers:
    """The channels that are set up, webhooks always; the file, where there is neither mail server nor gateway."""
    carriers: dict[Channel, Carrier] = {}
    if settings.mail:
        carriers[Channel.EMAIL] = MailChannel(settings.mail)
    if settings.gateway:
        carriers[Channel.GATEWAY] = GatewayChannel(settings.gateway.url, settings.gateway.token)
    if not carriers:
        carriers[Channel.FILE] = FileChannel(settings.home / "outbox.jsonl")
    return {**carriers, Channel.WEBHOOK: WebhookChannel(settings.webhooks_to_loopback)}


def deliveries(carriers: Carriers, sealer: Sealer, *, lease: timedelta = LEASE) -> LongJob:
    """The job that delivers what is due by these channels; the sealer opens the secrets that sign webhooks."""

    async def deliver(database: Database, clock: Clock) -> int:
        async with database.writing(actor=ACTOR, now=clock()) as db:
            claimed = await claim_due(db, now=clock(), lasts=lease)
            consignments = await consigned(db, claimed, carriers, sealer, now=clock())
        if consignments:
            claims = [each.claim for each in consignments]
            with suppress(FencedOff):  # it slept past the lease: another worker sends them, under the same ids
                tried = await kept(database, claims, carried(consignments, carriers, now=clock()), lasts=lease)
                await completed(database, tried, now=clock())
        return len(claimed)

    return LongJob("deliveries", deliver, next_delivery)


async def completed(database: Database, tried: Sequence[Tried], *, now: datetime) -> None:
    """Write down what came of a batch, and disable the endpoints at which nothing more is wanted."""
    gone = [each.claim.row_id for each in tried if each.outcome and each.outcome.is_gone]
    async with database.writing(actor=ACTOR, now=now) as db:
        await complete(db, tried, now=now)
        await disable_gone(db, gone, now=now)


async def consigned(
    db: AsyncSession, claimed: Mapping[Claim, OutboxMessage], carriers: Carriers, sealer: Sealer, *, now: datetime
) -> list[Consignment]:
    """Claimed messages as letters; a courtesy that its recipient declined is withheld."""
    reaches = await reach_of(db, {message.recipient for message in claimed.values()})
    endpoints = await endpoints_of(db, claimed.values())
    consignments = []
    for claim, message in claimed.items():
        reach = reaches[message.recipient]
        if message.endpoint_id is not None:
            consignments.append(event(claim, message, endpoints[message.endpoint_id], sealer, now=now))
        elif message.courtesy in reach.declined:
            message.is_withheld, message.leased_until = True, None
        else:
            consignments.append(consignment(claim, message, reach, carriers))
    return consignments


def consignment(claim: Claim, message: OutboxMessage, reach: Reach, carriers: Carriers) -> Consignment:
    """The message on its way to its recipient."""
    way = (Channel.FILE, message.recipient) if Channel.FILE in carriers else reach.by(carriers)
    if way is None:
        return Consignment(claim)
    channel, address = way
    return Consignment(claim, channel, letter_of(message, address))


def event(
    claim: Claim, message: OutboxMessage, endpoint: WebhookEndpoint, sealer: Sealer, *, now: datetime
) -> Consignment:
    """The event on its way to its endpoint, with the secrets that sign it."""
    if endpoint.disabled_at is not None:
        return Consignment(claim, Channel.WEBHOOK, wrong=DISABLED)
    try:
        secrets = secrets_of(endpoint, sealer, now=now)
    except SealingError:
        return Consignment(claim, Channel.WEBHOOK, wrong=SEALED)
    return Consignment(claim, Channel.WEBHOOK, letter_of(message, endpoint.url, secrets=secrets))


def letter_of(message: OutboxMessage, address: str, *, secrets: tuple[bytes, ...] = ()) -> Letter:
    """The message as a letter to an address."""
    return Letter(
        key=message.key,
        recipient=message.recipient,
        subject=message.subject,
        body=message.body,
        made_at=message.made_at,
        address=address,
        is_courtesy=message.courtesy is not None,
        secrets=secrets,
    )


async def carried(consignments: Sequence[Consignment], carriers: Carriers, *, now: datetime) -> list[Tried]:
    """Send each by its channel, the channels side by side."""
    tried = [each.tried(each.wrong) for each in consignments if each.letter is None]
    by_channel: dict[Channel, list[tuple[Consignment, Letter]]] = defaultdict(list)
    for each in consignments:
        if each.channel is not None and each.letter is not None:
            by_channel[each.channel].append((each, each.letter))
    async with asyncio.TaskGroup() as group:
        under_way = {
            channel: group.create_task(outcomes_of(carriers[channel], [letter for _, letter in given], now=now))
            for channel, given in by_channel.items()
        }
    for channel, given in by_channel.items():
        outcomes = under_way[channel].result()
        tried += [each.tried(outcome) for (each, _), outcome in zip(given, outcomes, strict=True)]
    return tried


async def outcomes_of(carrier: Carrier, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome | None]:
    """What came of letters by one channel; one that breaks has failed them all, and holds up no other channel."""
    try:
        return await carrier.deliver(letters, now=now)
    except Exception as error:
        log.exception("channel_broke", channel=type(carrier).__name__, letters=len(letters))
        return [Outcome(f"the channel broke: {type(error).__name__}")] * len(letters)
