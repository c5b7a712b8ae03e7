"""E-mail and short texts, against a real mail server and a real HTTP receiver; what fails is said without anybody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from scheduler.channels.gateway import LONGEST_TEXT, GatewayChannel
from scheduler.channels.http import again_after
from scheduler.channels.letter import Letter, Outcome
from scheduler.channels.mail import COURTESY, MailChannel
from scheduler.settings import MailServer, Secret
from tests.receivers import OK, Mailbox, mail_server, receiving

pytestmark = pytest.mark.asyncio

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
KEY = UUID("6a1e4b57-7a52-4a1f-9d0c-0c6a3b7f1e11")
LETTER = Letter(
    key=KEY,
    recipient="enterprise:1",
    subject="Places are set aside for you (已预留考位)",
    body="2 places are held for your request until 2027-03-05: name your people by then.",
    made_at=NINE,
    address="wang@firm.example.cn",
)
FAST = timedelta(seconds=0.3)


def without_time(outcomes: Sequence[Outcome | None]) -> list[Outcome | None]:
    return [outcome and replace(outcome, took_ms=0) for outcome in outcomes]


def mail_to(mailbox: Mailbox) -> MailChannel:
    return MailChannel(MailServer("127.0.0.1", mailbox.port, "家门口 Doorstep <no-reply@bureau.example.cn>"))


async def test_an_e_mail_says_what_is_owed_under_an_id_of_its_own() -> None:
    async with mail_server() as mailbox:
        outcomes = await mail_to(mailbox).deliver([LETTER, LETTER], now=NINE)

    first, again = mailbox.mails
    assert without_time(outcomes) == [Outcome(), Outcome()]
    assert (first["To"], first["Subject"]) == ("wang@firm.example.cn", LETTER.subject)
    assert first["From"] == "家门口 Doorstep <no-reply@bureau.example.cn>"
    assert first["Message-ID"] == again["Message-ID"] == f"<{KEY}@bureau.example.cn>"
    assert first["Date"].datetime == NINE
    assert first.get_content_type() == "text/plain"
    assert first.get_content().strip() == LETTER.body


async def test_only_a_courtesy_says_how_to_unsubscribe() -> None:
    async with mail_server() as mailbox:
        await mail_to(mailbox).deliver([LETTER, replace(LETTER, is_courtesy=True)], now=NINE)

    notice, courtesy = (mail.get_content() for mail in mailbox.mails)
    assert (COURTESY in notice, COURTESY in courtesy) == (False, True)


async def test_a_subject_in_two_lines_makes_no_header_of_its_own() -> None:
    letter = replace(LETTER, subject="a\r\nBcc: other@example.cn")

    async with mail_server() as mailbox:
        await mail_to(mailbox).deliver([letter], now=NINE)

    assert (mailbox.mails[0]["Subject"], mailbox.mails[0]["Bcc"]) == ("a Bcc: other@example.cn", None)


async def test_a_mailbox_that_does_not_exist_is_final_and_not_named_and_the_others_get_theirs() -> None:
    unknown = replace(LETTER, address="gone@firm.example.cn")

    async with mail_server("gone@firm.example.cn") as mailbox:
        outcomes = await mail_to(mailbox).deliver([unknown, LETTER], now=NINE)

    refused = Outcome("the mail server answered 550", status=550, is_final=True)
    assert without_time(outcomes) == [refused, Outcome()]
    assert len(mailbox.mails) == 1


async def test_a_mail_server_that_is_away_fails_every_letter_for_now() -> None:
    async with mail_server() as mailbox:
        channel = mail_to(mailbox)
    outcomes = await channel.deliver([LETTER, LETTER], now=NINE)

    away = Outcome("no connection to the mail server, or it broke")
    assert without_time(outcomes) == [away, away]


async def test_a_password_is_not_sent_to_a_mail_server_elsewhere_that_has_no_tls() -> None:
    # Another address of this machine, which is therefore taken for another machine.
    async with mail_server(host="127.0.0.2") as mailbox:
        server = MailServer("127.0.0.2", mailbox.port, "a@b.cn", user="u", password=Secret("geheim"))
        outcomes = await MailChannel(server).deliver([LETTER], now=NINE)

    assert without_time(outcomes) == [Outcome("the mail server does not do what is needed: STARTTLS, or this login")]
    assert (mailbox.mails, mailbox.logins) == ([], 0)


async def test_a_password_is_given_within_this_machine_and_shown_nowhere() -> None:
    async with mail_server() as mailbox:
        server = MailServer("127.0.0.1", mailbox.port, "a@b.cn", user="u", password=Secret("geheim"))
        outcomes = await MailChannel(server).deliver([LETTER], now=NINE)

    assert without_time(outcomes) == [Outcome()]
    assert (len(mailbox.mails), mailbox.logins) == (1, 1)
    assert "geheim" not in repr(MailChannel(server)) + repr(LETTER)
    assert LETTER.address not in repr(LETTER)


async def test_a_short_text_is_posted_with_id_and_token() -> None:
    letter = replace(LETTER, address="15400000000")
    async with receiving() as gateway:
        outcomes = await GatewayChannel(gateway.url, Secret("geheim")).deliver([letter], now=NINE)

    (request,) = gateway.received
    assert without_time(outcomes) == [Outcome(status=204)]
    assert request.headers["authorization"] == "Bearer geheim"
    assert request.headers["idempotency-key"] == str(KEY)
    said = orjson.loads(request.body)
    assert said == {"id": str(KEY), "to": "15400000000", "text": f"{LETTER.subject}: {LETTER.body}"}


async def test_a_long_text_is_cut_and_says_so() -> None:
    async with receiving() as gateway:
        long = replace(LETTER, body="很长 " * 200)
        await GatewayChannel(gateway.url).deliver([long], now=NINE)
        await GatewayChannel(gateway.url).deliver([replace(long, is_courtesy=True)], now=NINE)

    notice, courtesy = (orjson.loads(request.body)["text"] for request in gateway.received)
    assert max(len(notice), len(courtesy)) <= LONGEST_TEXT
    assert notice.endswith("… (sign in to read on)")
    assert courtesy.endswith("… (sign in to read on) (退订: courtesiesDecline)")


def status(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "content-length: 0", "", ""]).encode()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (status("500 Oh"), Outcome("answered 500", 500)),
        (status("429 Slow", "retry-after: 120"), Outcome("answered 429", 429, again_after=timedelta(seconds=120))),
        (status("422 No"), Outcome("answered 422", 422, is_final=True)),
        (status("302 There", "location: http://127.0.0.1:1/"), Outcome("answered 302", 302)),
        (b"SSH-2.0-OpenSSH\r\n", Outcome("the connection broke, or what came was no HTTP")),
        (
            b"HTTP/1.1 200 OK\r\n" + b"x-big: " + b"y" * 300_000,
            Outcome("the connection broke, or what came was no HTTP"),
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 900000000\r\n\r\n" + b"z" * 1_000_000, Outcome(status=200)),
    ],
)
async def test_whatever_a_receiver_answers_is_an_outcome(answer: bytes, outcome: Outcome) -> None:
    async with receiving(answer) as gateway:
        outcomes = await GatewayChannel(gateway.url).deliver([LETTER], now=NINE)

    assert without_time(outcomes) == [outcome]
    assert len(gateway.received) == 1


async def test_one_slow_receiver_is_given_up_on_and_one_that_is_away_is_named_so() -> None:
    async with receiving(OK, slow=5) as gateway:
        channel = GatewayChannel(gateway.url, longest=FAST)
        slow = await channel.deliver([LETTER], now=NINE)
    away = await channel.deliver([LETTER], now=NINE)

    assert without_time(slow) == [Outcome("no answer within 0.3 seconds")]
    assert without_time(away) == [Outcome("no connection: nobody answers, or the certificate does not fit")]


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("120", timedelta(seconds=120)),
        (" 7 ", timedelta(seconds=7)),
        ("Mon, 01 Mar 2027 09:02:00 GMT", timedelta(minutes=2)),
        ("Mon, 01 Mar 2027 08:00:00 GMT", timedelta()),
        ("999999999999999999999", timedelta(days=1)),
        ("Mon, 01 Mar 2099 09:00:00 GMT", timedelta(days=1)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
async def test_retry_after_is_read_as_seconds_or_a_date_and_bounded(said: str, pause: timedelta | None) -> None:
    assert again_after(said, now=NINE) == pause
