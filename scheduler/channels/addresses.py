"""
Which addresses of the network a partner's webhook may lead to, and a way to connect to those only.

A name is resolved here and the connection goes to the very address that was checked, so that a name that answers
differently the second time (DNS rebinding) leads nowhere else. The certificate is still checked against the name.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore

Address = IPv4Address | IPv6Address

# Beyond what Python calls not global (which differs between its versions): by the IANA special-purpose registries.
REFUSED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and Alibaba Cloud's metadata at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own agent
        "169.254.0.0/16",  # link-local, with most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, with Oracle Cloud's metadata
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "::/96",  # unspecified, loopback, and IPv4 addresses in the oldest spelling
        "64:ff9b::/96",  # translated to IPv4
        "64:ff9b:1::/48",
        "2001::/23",  # Teredo and other tunnels
        "2002::/16",  # 6to4
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


class AddressRefused(OSError):
    """A name leads to an address that is not a public one; the text names neither."""


def is_public(address: Address) -> bool:
    """Whether anybody on the internet has this address, and we may be sent there."""
    inside = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if inside is not None:
        return is_public(inside)
    return address.is_global and not any(address in network for network in REFUSED)


def literal(host: str) -> Address | None:
    """The address that a URL's host is, where it is no name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


@dataclass(frozen=True)
class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, and to loopback where that is allowed for a demo or a test."""

    to_loopback: bool = False
    _inner: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """
        Connect to the first address of the host.

        Raises:
            AddressRefused: One of its addresses is not allowed, whichever would have been used.
            httpcore.ConnectError: There is no such name, or nobody answers.
        """
        addresses = await resolved(host, port)
        if not all(self.allows(address) for address in addresses):
            raise AddressRefused("the host's address is not a public one")
        return await self._inner.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)

    def allows(self, address: Address) -> bool:
        """Whether to connect there."""
        return is_public(address) or (self.to_loopback and address.is_loopback)


async def resolved(host: str, port: int) -> list[Address]:
    """
    Every address of a host, in the order of the resolver.

    Raises:
        httpcore.ConnectError: There is none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the host's name is not known") from error
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
