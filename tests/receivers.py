"""Other people's servers, as far as messages meet them: mail servers and HTTP receivers on real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each request with the next of its answers, the last one for ever; `slow` seconds later."""

    answers: Sequence[bytes] = (OK,)
    slow: float = 0
    url: str = ""
    received: list[Received] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.received.append(Received(head[0].split()[1], headers, body))
            self.came.set()
            self.came.clear()
            await asyncio.sleep(self.slow)
            writer.write(self.answers[min(len(self.received), len(self.answers)) - 1])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving(*answers: bytes, slow: float = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver(answers or (OK,), slow)
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0, ssl=tls)
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    async with server:
        yield receiver


@dataclass
class Mailbox:
    """A mail server's memory, and whom it refuses."""

    port: int = 0
    refused: Sequence[str] = ()
    mails: list[EmailMessage] = field(default_factory=list)
    logins: int = 0

    def log_in(self, *_: Any) -> AuthResult:
        self.logins += 1
        return AuthResult(success=True)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(cast("EmailMessage", message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"


@asynccontextmanager
async def mail_server(*refused: str, host: str = "127.0.0.1") -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(refused=refused)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            mailbox,
            hostname="mail.example.cn",
            enable_SMTPUTF8=True,
            authenticator=mailbox.log_in,
            auth_require_tls=False,
        ),
        host,
        0,
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mailbox
