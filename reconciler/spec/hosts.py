"""Hosts as grants and policies write them: `smtp.example.com`, `*.example.com`, `api.example.com:8443`.

A pattern is an exact name or a suffix behind `*.`; nothing else is a wildcard, but a policy's lone `*`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
HOST_LENGTH = 253


@dataclass(frozen=True, slots=True)
class HostPattern:
    """`name` is normalised (lower case, IDNA, no final dot); `subdomains`: it stands behind `*.`."""

    name: str
    port: int | None = None
    subdomains: bool = False

    def covers(self, other: HostPattern) -> bool:
        """Whether every host the other one allows is allowed here. Without a port, every port is meant."""
        if self.port is not None and self.port != other.port:
            return False
        if not self.name:
            return True
        if self.subdomains:
            return other.name.endswith("." + self.name) or (other.subdomains and other.name == self.name)
        return not other.subdomains and other.name == self.name


ANY = HostPattern("", subdomains=True)


@lru_cache(maxsize=2048)
def parse_host(text: str) -> HostPattern | None:
    """The pattern a text means; None if it is none. Case, Unicode and a final dot make no difference."""
    if text == "*":
        return ANY
    name, port = _split_port(text.strip())
    if port == 0:
        return None
    subdomains = name.startswith("*.")
    normal = normal_host(name[2:] if subdomains else name)
    if normal is None or (subdomains and is_address(normal)):
        return None
    return HostPattern(normal, port, subdomains)


def normal_host(name: str) -> str | None:
    """A host name or IP address in its one normal form; None if it is neither."""
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        return ipaddress.ip_address(bare).compressed
    except ValueError:
        pass
    name = name.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = name.split(".")
    if len(name) > HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    # `2130706433` and `0x7f.1` are addresses in disguise to some resolvers; no real name ends in a number.
    return None if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) else name


def _split_port(text: str) -> tuple[str, int | None]:
    """Name and port; port 0 where what stands behind the colon is no port."""
    if text.startswith("["):
        name, closed, rest = text.partition("]")
        before, separator, port = rest.partition(":")
        if not closed or before:
            return text, 0
        name += "]"
    elif text.count(":") == 1:
        name, separator, port = text.partition(":")
    else:
        return text, None
    if not separator:
        return name, None
    return name, int(port) if re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536 else 0


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
