"""Addresses of HTTP: taken apart as browsers do, refused where two readers could understand two things."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urljoin, urlsplit

from reconciler.spec.hosts import parse_host

PORTS = {"http": 80, "https": 443}
_LENGTH = 8_192
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_KEPT = "/%:@!$&'()*+,;=~?-._[]|"
"""What stays as it is in a path or query: all that is not a blank, a quote, or outside of ASCII."""


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """`host` is in its normal form; `target` is path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As in the header `Host`: with the port only where it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_address(text: str, query: Sequence[tuple[str, str]] = ()) -> HttpAddress:
    """`query` is added to what the text has. Raises ValueError, whose message says why."""
    if len(text) > _LENGTH:
        raise ValueError(f"has more than {_LENGTH:,} characters")
    if found := _UNFIT.search(text):
        raise ValueError(f"must not hold {found[0]!r}")
    parts = urlsplit(text)
    if parts.scheme not in PORTS:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    host = parse_host(parts.netloc)
    if host is None or host.subdomains or not host.name:
        raise ValueError(f"`{parts.netloc}` is no host")
    target = quote(parts.path or "/", safe=_KEPT)
    added = "&".join(part for part in (quote(parts.query, safe=_KEPT), urlencode(query)) if part)
    return HttpAddress(
        parts.scheme, host.name, host.port or PORTS[parts.scheme], f"{target}?{added}" if added else target
    )


def redirected(address: HttpAddress, location: str) -> HttpAddress:
    """Where an answer of this address leads. Raises ValueError."""
    return parse_address(urljoin(address.origin + address.target, location.strip()))
