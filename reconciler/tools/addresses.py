"""Which IP addresses a tool may be connected to: public ones, and those of networks that the operator opens.

`ipaddress.is_global` is not enough. It takes addresses for public behind which another one hides (IPv4 inside IPv6,
in five forms), and multicast as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is handed out to be reached from everywhere."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the IPv4 address in the last 32 bits is the one that is reached."""

_CLOSED: tuple[IpNetwork, ...] = (
    IPv4Network("168.63.129.16/32"),  # a public address at which one cloud answers with its machines' secrets
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside
    IPv6Network("2001::/23"),  # Teredo and other protocols' own
    IPv6Network("3fff::/20"),  # documentation, which older versions of ipaddress do not know
)


def network_of(text: str) -> IpNetwork:
    """`10.0.0.0/8`, `::1`, or an address with some bits of its network set. Raises ValueError."""
    return ip_network(text.strip(), strict=False)


def real_address(text: str) -> Address:
    """The address that is reached by one: IPv4 where it is mapped into IPv6 or translated. Raises ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if _bare(address) in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return _bare(address)


def is_allowed(address: Address, opened: Sequence[IpNetwork]) -> bool:
    """Whether it is public, or in one of the networks that are opened. `address` is a `real_address`."""
    return any(address in network for network in opened) or _is_public(address)


def _is_public(address: Address) -> bool:
    if address.is_multicast or not address.is_global or any(address in network for network in _CLOSED):
        return False
    return isinstance(address, IPv4Address) or address in _UNICAST


def _bare(address: IPv6Address) -> IPv6Address:
    """Without the name of an interface behind `%`."""
    return IPv6Address(int(address))
