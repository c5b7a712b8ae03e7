"""Messages are delivered at least once, under one id, by whoever holds the last claim; or given up, and seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlmodel import col, select, text

from models.database import Database
from models.journal import DeliveryAttempt, OutboxMessage
from models.parties import Contact
from models.vocabulary import Channel, Courtesy
from scheduler.audit.auditor import audit
from scheduler.backoff import MOST_ATTEMPTS, pause_after
from scheduler.channels.file import FileChannel
from scheduler.channels.letter import Letter, Outcome
from scheduler.clock import SetClock
from scheduler.deliveries import Carriers, deliveries
from scheduler.outbox import BATCH, Tried, claim_due, complete, next_delivery, send
from tests import factories as make

pytestmark = pytest.mark.asyncio

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
LATER = NINE + timedelta(hours=1)


@dataclass
class OutsideWorld:
    """A channel whose other side does what it is told to, and remembers what it was given."""

    outcomes: Sequence[Outcome | None] = (Outcome(),)
    letters: list[Letter] = field(default_factory=list)

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome | None]:  # noqa: ARG002
        self.letters += letters
        return [self.outcomes[at % len(self.outcomes)] for at in range(len(letters))]


async def owe(database: Database, *subjects: str, at: datetime = NINE, **also: Any) -> None:
    async with database.writing(actor="test", now=at) as db:
        for subject in subjects:
            send(db, recipient=also.get("recipient", "enterprise:1"), subject=subject, body="…", now=at,
                 courtesy=also.get("courtesy"))  # fmt: skip


async def delivered(database: Database, carriers: Carriers, *, now: datetime = NINE) -> int:
    """Let the job run until it has nothing to do."""
    job, done = deliveries(carriers, make.SEALER), 0
    while handled := await job.handle(database, lambda: now):
        done += handled
    return done


async def messages(database: Database) -> Sequence[OutboxMessage]:
    async with database.reading() as db:
        return (await db.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all()


async def attempts(database: Database) -> list[tuple[Any, ...]]:
    log = select(DeliveryAttempt.channel, DeliveryAttempt.status, DeliveryAttempt.failure)
    async with database.reading() as db:
        return [tuple(row) for row in (await db.exec(log.order_by(col(DeliveryAttempt.id)))).all()]


async def test_a_due_message_is_written_once_with_its_id_and_a_later_one_waits(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "new folder" / "outbox.jsonl"
    await owe(database, "名额已留")
    await owe(database, "明日考试", at=LATER)

    done = [await delivered(database, {Channel.FILE: FileChannel(file)}) for _ in range(2)]

    assert done == [1, 0]
    (line,) = file.read_bytes().splitlines()
    first, second = await messages(database)
    async with database.reading() as db:
        assert (await db.exec(next_delivery())).one() == LATER
    assert orjson.loads(line) == {
        "id": str(first.key),
        "recipient": "enterprise:1",
        "subject": "名额已留",
        "body": "…",
        "made_at": "2027-03-01T09:00:00+00:00",
    }
    assert (first.delivered_at, first.attempts) == (NINE, 1)
    assert (second.delivered_at, second.attempts) == (None, 0)


async def test_a_message_that_could_not_be_written_is_tried_again_later(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    await owe(database, "s")

    await delivered(database, {Channel.FILE: FileChannel(tmp_path / "file" / "outbox.jsonl")})

    (message,) = await messages(database)
    assert (message.delivered_at, message.attempts, message.is_dead) == (None, 1, False)
    assert message.due_at == NINE + pause_after(1, message.key)
    assert await attempts(database) == [("FILE", None, "the file cannot be written: File exists")]


async def test_who_has_no_address_is_tried_again_and_reached_once_there_is_one(database: Database) -> None:
    world = OutsideWorld()
    await owe(database, "s", recipient="jurisdiction:7")
    await delivered(database, {Channel.EMAIL: world})
    async with database.writing(actor="test", now=NINE) as db:
        db.add(Contact(recipient="jurisdiction:7", email="suo@example.cn"))

    await delivered(database, {Channel.EMAIL: world}, now=LATER)

    assert [letter.address for letter in world.letters] == ["suo@example.cn"]
    assert await attempts(database) == [
        (None, None, "no address is known for any channel that is set up"),
        ("EMAIL", None, None),
    ]


@pytest.mark.parametrize(
    ("preferred", "set_up", "way"),
    [
        (None, {Channel.EMAIL, Channel.GATEWAY}, ("EMAIL", "a@example.cn")),
        (Channel.GATEWAY, {Channel.EMAIL, Channel.GATEWAY}, ("GATEWAY", "15400000000")),
        (Channel.GATEWAY, {Channel.EMAIL}, ("EMAIL", "a@example.cn")),
        (Channel.EMAIL, {Channel.GATEWAY}, ("GATEWAY", "15400000000")),
    ],
)
async def test_a_firm_is_reached_by_what_it_prefers_as_far_as_that_is_set_up(
    database: Database, preferred: Channel | None, set_up: set[Channel], way: tuple[str, str]
) -> None:
    async with database.writing(actor="test", now=NINE) as db:
        recipient = f"enterprise:{(await make.make_enterprise(db)).id}"
        db.add(Contact(recipient=recipient, email="a@example.cn", channel=preferred))
    await owe(database, "s", recipient=recipient)
    worlds = {channel: OutsideWorld() for channel in set_up}

    await delivered(database, worlds)

    assert [(channel, letter.address) for channel in worlds for letter in worlds[channel].letters] == [way]


async def test_a_declined_courtesy_is_withheld_and_an_official_notice_is_not(database: Database) -> None:
    world, courtesy = OutsideWorld(), Courtesy.RENEWAL_REMINDER
    async with database.writing(actor="test", now=NINE) as db:
        db.add(Contact(recipient="enterprise:1", email="a@example.cn", declined=[courtesy]))
    await owe(database, "Renewal due", courtesy=courtesy)
    await owe(database, "Sessions published", courtesy=Courtesy.SESSIONS_PUBLISHED)
    await owe(database, "Renewal refused")

    await delivered(database, {Channel.EMAIL: world})

    assert [letter.subject for letter in world.letters] == ["Sessions published", "Renewal refused"]
    assert [message.is_withheld for message in await messages(database)] == [True, False, False]
    async with database.reading() as db:
        assert await audit(db) == []


async def test_what_goes_on_failing_is_given_up_after_two_days_and_what_fails_for_good_at_once(
    database: Database,
) -> None:
    await owe(database, "again and again", "in vain")
    async with database.writing(actor="test", now=NINE) as db:
        db.add(Contact(recipient="enterprise:1", email="a@example.cn"))
    world = OutsideWorld([Outcome("answered 500", 500), Outcome("answered 550", 550, is_final=True)])
    clock = SetClock(NINE)

    for _ in range(MOST_ATTEMPTS + 1):
        await delivered(database, {Channel.EMAIL: world}, now=clock())
        async with database.reading() as db:
            due_at = (await db.exec(next_delivery())).one()
        if due_at is None:
            break
        clock.advance_to(due_at)

    first, second = await messages(database)
    assert (first.is_dead, first.attempts) == (True, MOST_ATTEMPTS)
    assert (second.is_dead, second.attempts) == (True, 1)
    assert timedelta(days=1) < clock() - NINE < timedelta(days=3)
    async with database.reading() as db:
        assert await audit(db) == []


async def test_what_there_was_no_time_for_is_due_as_before_and_no_attempt(database: Database) -> None:
    await owe(database, "first", "second")
    async with database.writing(actor="test", now=NINE) as db:
        db.add(Contact(recipient="enterprise:1", email="a@example.cn"))

    await deliveries({Channel.EMAIL: OutsideWorld([Outcome(), None])}, make.SEALER).handle(database, lambda: NINE)

    first, second = await messages(database)
    assert (first.delivered_at, first.attempts) == (NINE, 1)
    assert (second.delivered_at, second.attempts, second.due_at, second.leased_until) == (None, 0, NINE, None)


class Broken:
    """A channel with a mistake of ours in it."""

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome | None]:
        raise KeyError(letters, now)


async def test_a_channel_with_a_mistake_in_it_holds_up_no_other_and_its_letters_are_seen_to_fail(
    database: Database,
) -> None:
    await owe(database, "by mail")
    await owe(database, "by text", recipient="examiner:1")
    async with database.writing(actor="test", now=NINE) as db:
        db.add_all([Contact(recipient="enterprise:1", email="a@example.cn"),
                    Contact(recipient="examiner:1", phone="15400000000")])  # fmt: skip

    await delivered(database, {Channel.EMAIL: Broken(), Channel.GATEWAY: OutsideWorld()})

    assert sorted(await attempts(database), key=str) == [
        ("EMAIL", None, "the channel broke: KeyError"),
        ("GATEWAY", None, None),
    ]


async def claimed(database: Database) -> list[Tried]:
    """A batch, claimed and sent; its completion is still to come."""
    async with database.writing(actor="test", now=NINE) as db:
        return [Tried(each, Channel.FILE, Outcome()) for each in await claim_due(db, now=NINE)]


async def completed(database: Database, tried: Sequence[Tried]) -> None:
    async with database.writing(actor="test", now=LATER) as db:
        await complete(db, tried, now=LATER)


async def let_leases_end(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox_message SET leased_until = now() - interval '1 second'"))


async def test_a_claimed_message_is_nobody_elses_until_its_lease_is_over(database: Database) -> None:
    await owe(database, *(["s"] * (BATCH + 1)))

    taken = [{each.claim.row_id for each in await claimed(database)} for _ in range(3)]
    await let_leases_end(database)
    again = {each.claim.row_id for each in await claimed(database)}

    assert list(map(len, taken)) == [BATCH, 1, 0]
    assert again == taken[0]


async def test_who_slept_past_its_lease_completes_nothing_that_another_has_taken(database: Database) -> None:
    await owe(database, "s")
    slept = await claimed(database)
    await let_leases_end(database)
    awake = await claimed(database)

    await completed(database, slept)
    assert (await messages(database))[0].delivered_at is None
    await completed(database, awake)
    await completed(database, awake)

    assert (await messages(database))[0].delivered_at == LATER
    assert len(await attempts(database)) == 1
