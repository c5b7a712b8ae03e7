"""E-mail by SMTP: plain text, with a Message-ID that is the message's own and the same each time."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import aiosmtplib

from scheduler.channels.letter import Letter, Outcome
from scheduler.settings import MailServer

LONGEST = timedelta(seconds=15)  # for a letter
LONGEST_BATCH = timedelta(seconds=40)  # no letter is begun after
COURTESY = "You may unsubscribe from messages like this one (退订): courtesiesDecline, beside your contact."
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PERMANENT = 500
_IN_VAIN = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)


@dataclass(frozen=True)
class MailChannel:
    """Hands letters to the operator's SMTP server, one after the other on one connection."""

    server: MailServer
    longest: timedelta = LONGEST

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome | None]:
        """Send as many as there is time for; where the connection breaks, the rest fail with it."""
        began = time.monotonic()
        outcomes: list[Outcome | None] = []
        client = self._client()
        try:
            await self._within(client.connect())
            for letter in letters:
                late = time.monotonic() - began > LONGEST_BATCH.total_seconds()
                outcomes.append(None if late else await self._sent(client, letter, now=now))
        except (aiosmtplib.SMTPException, OSError) as error:
            # Where it is one letter that makes the server hang up, the others are not counted against.
            rest = None if outcomes else _why(error)
            outcomes += [_why(error), *[rest] * len(letters)]
        finally:
            client.close()
        return outcomes[: len(letters)]

    def _client(self) -> aiosmtplib.SMTP:
        server = self.server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password.reveal() if server.password else None,
            use_tls=server.is_tls,
            # A password or a name never travels in clear, but inside one machine.
            start_tls=None if server.is_tls or server.host in _LOOPBACK else True,
            timeout=self.longest.total_seconds(),
        )

    async def _sent(self, client: aiosmtplib.SMTP, letter: Letter, *, now: datetime) -> Outcome:
        """
        Send one letter.

        Raises:
            SMTPException, OSError: The connection is lost.
        """
        began = time.monotonic()
        try:
            await self._within(client.send_message(rendered(letter, self.server.sender, now=now)))
            outcome = Outcome()
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            outcome = _why(error)
        return replace(outcome, took_ms=round((time.monotonic() - began) * 1000))

    async def _within(self, sending: Awaitable[object]) -> None:
        async with asyncio.timeout(self.longest.total_seconds()):
            await sending


def rendered(letter: Letter, sender: str, *, now: datetime) -> EmailMessage:
    """The e-mail: who it is from, one line of subject, the text, and how to unsubscribe where one may."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, letter.address
    mail["Subject"] = " ".join(letter.subject.split())
    mail["Date"] = now
    mail["Message-ID"] = f"<{letter.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes back, please
    mail.set_content("\n\n".join([letter.body, *([COURTESY] if letter.is_courtesy else [])]) + "\n")
    return mail


def _why(error: Exception) -> Outcome:
    """What went wrong by its code alone: a server's words may name whom it is about."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # Sender and password are the operator's matter and will be put right; recipient and text stay what they are.
        is_final = isinstance(error, _IN_VAIN) and error.code >= _PERMANENT
        return Outcome(f"the mail server answered {error.code}", status=error.code, is_final=is_final)
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
        return Outcome("the mail server does not do what is needed: STARTTLS, or this login")
    if isinstance(error, TimeoutError):
        return Outcome("the mail server did not answer in time")
    return Outcome("no connection to the mail server, or it broke")
