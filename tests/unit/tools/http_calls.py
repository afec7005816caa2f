"""Calls of http_request against servers on loopback."""

from __future__ import annotations

from typing import Any

from reconciler.tools.egress import Network
from tests.http_server import HttpServer, Script
from tests.unit.tools.calls import call

LOOPBACK = "127.0.0.1/32"


def resolve(host: str, port: int) -> list[str]:
    """Every name is this machine, but one that leads inside."""
    return ["10.0.0.5"] if host.startswith("inside.") else ["127.0.0.1"]


def get(url: str, *, hosts: list[str] | None = None, **more: Any) -> Any:
    """One request; what is no parameter of the tool is what `call` takes."""
    around = {name: more.pop(name) for name in ("host", "seconds", "usage") if name in more}
    grant = {"hosts": hosts or ["127.0.0.1"], **more.pop("grant", {})}
    network = more.pop("network", None) or Network([LOOPBACK], resolve=resolve)
    return call("http_request", {"url": url, **more}, grant=grant, network=network, **around)


def served(script: Script | bytes, **more: Any) -> Any:
    """What the tool gives for one scripted answer."""
    with HttpServer({"/": script}) as server:
        return get(server.url, **more)
