"""Mail addresses, and patterns of them: `a@example.com`, `*@example.com` for a whole domain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from reconciler.spec.hosts import normal_host

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")


@dataclass(frozen=True, slots=True)
class Recipient:
    """`local` is empty where everyone at the domain is meant; both empty: everyone anywhere."""

    local: str
    domain: str

    @property
    def anyone(self) -> bool:
        return not self.local

    def covers(self, other: Recipient) -> bool:
        if self.domain and self.domain != other.domain:
            return False
        return self.anyone or self.local == other.local


@lru_cache(maxsize=2048)
def parse_recipient(text: str) -> Recipient | None:
    """The address or pattern a text means, in lower case; None if it is none. A lone `*` is everyone."""
    if text == "*":
        return Recipient("", "")
    local, at, host = text.strip().rpartition("@")
    domain = normal_host(host)
    if not at or domain is None or len(text) > 320:
        return None
    if local in ("", "*"):
        return Recipient("", domain)
    well_formed = (
        _LOCAL.fullmatch(local)
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
    )
    return Recipient(local.lower(), domain) if well_formed and "*" not in local else None
