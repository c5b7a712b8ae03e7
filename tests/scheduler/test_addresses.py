"""Where a partner's webhook may lead: public addresses, and the one that was checked is the one connected to."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from scheduler.channels.addresses import AddressRefused, CheckedBackend, is_public
from scheduler.channels.webhook import WebhookChannel
from scheduler.webhooks import why_not_url
from tests.receivers import receiving
from tests.scheduler.test_channels import LETTER, NINE

REFUSED = [
    "0.0.0.0",  # noqa: S104  # nobody listens here
    "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "168.63.129.16",
    "169.254.169.254", "172.31.0.1", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
    "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_no_address_inside_anybodys_house_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "114.114.114.114", "2400:3200::1", "::ffff:1.1.1.1"])
def test_addresses_on_the_internet_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.cn/", "ftp://example.cn/", "https://", "example.cn", "https://localhost/", "https://intranet/",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest",
        "https://user:pw@example.cn/", "https://example.cn/#x", "https://example.cn:99999/", "https://例.cn/",
        "https://2130706433/", "https://a.localhost/", "https://example.cn/" + "a" * 500, "http://127.0.0.1:1/",
        "https://ex ample.cn/\r\nX: y",
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to_are_refused_at_the_door(url: str) -> None:
    assert why_not_url(url, to_loopback=False) is not None


def test_a_public_https_address_passes_and_this_machine_only_where_it_is_allowed() -> None:
    assert why_not_url("https://hooks.example.cn:8443/doorstep?x=1", to_loopback=False) is None
    assert why_not_url("http://127.0.0.1:8080/", to_loopback=True) is None
    assert why_not_url("http://localhost:8080/", to_loopback=True) is None
    assert why_not_url("http://10.0.0.1/", to_loopback=True) is not None
    assert why_not_url("http://example.cn/", to_loopback=True) is not None


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What each name answers, time after time: the outside world's resolver."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **also: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in answers:
            return real(host, port, *args, **also)
        given = answers[name].pop(0) if len(answers[name]) > 1 else answers[name][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in given]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.mark.asyncio
@pytest.mark.parametrize("given", [["127.0.0.1"], ["1.1.1.1", "169.254.169.254"], ["10.0.0.1"]])
async def test_a_name_that_leads_inside_is_refused_even_beside_a_public_address(
    names: dict[str, list[list[str]]], given: list[str]
) -> None:
    names["hooks.example.cn"] = [given]

    with pytest.raises(AddressRefused):
        await CheckedBackend().connect_tcp("hooks.example.cn", 443)


class Connections(httpcore.AsyncNetworkBackend):
    """Remembers where it was told to connect, and goes nowhere."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.made.append(host)
        return httpcore.AsyncMockStream([])


@pytest.mark.asyncio
async def test_a_name_that_answers_differently_the_second_time_leads_to_the_address_that_was_checked(
    names: dict[str, list[list[str]]],
) -> None:
    names["hooks.example.cn"] = [["1.1.1.1"], ["127.0.0.1"]]
    connections = Connections()

    await CheckedBackend(False, connections).connect_tcp("hooks.example.cn", 443)

    assert connections.made == ["1.1.1.1"]
    assert len(names["hooks.example.cn"]) == 1  # asked once


@asynccontextmanager
async def posted(url: str, *, to_loopback: bool) -> AsyncIterator[str | None]:
    letter = replace(LETTER, address=url, body="{}", secrets=(b"s" * 32,))
    channel = WebhookChannel(to_loopback, longest=timedelta(seconds=5))
    (outcome,) = await channel.deliver([letter], now=NINE)
    yield outcome.failure


@pytest.mark.asyncio
async def test_a_receiver_on_this_machine_is_reached_only_where_that_is_allowed() -> None:
    async with receiving() as receiver:
        async with posted(receiver.url, to_loopback=False) as failure:
            assert failure == "the host's address is not a public one"
            assert receiver.received == []
        async with posted(receiver.url.replace("127.0.0.1", "localhost"), to_loopback=True) as failure:
            assert failure is None

    assert len(receiver.received) == 1


@pytest.mark.asyncio
async def test_a_redirect_into_the_house_is_not_followed() -> None:
    async with receiving() as inside:
        away = f"HTTP/1.1 307 There\r\nlocation: {inside.url}\r\ncontent-length: 0\r\n\r\n".encode()
        async with receiving(away) as receiver, posted(receiver.url, to_loopback=True) as failure:
            assert failure == "answered 307"

    assert inside.received == []


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS for the name `localhost`, by an authority that this machine trusts."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(private + made.public_bytes(Encoding.PEM))
    (tmp_path / "trusted.pem").write_bytes(made.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return context


@pytest.mark.asyncio
async def test_the_certificate_is_checked_against_the_name_though_the_connection_goes_to_an_address(
    certificate: ssl.SSLContext,
) -> None:
    async with receiving(tls=certificate) as receiver:
        async with posted(receiver.url.replace("127.0.0.1", "localhost"), to_loopback=True) as failure:
            assert failure is None
        async with posted(receiver.url, to_loopback=True) as failure:
            assert failure == "no connection: nobody answers, or the certificate does not fit"

    assert len(receiver.received) == 1
