"""Endpoint: which server a call means, at which port, and how the connection to it is protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.errors import BadParameter, Denied
from reconciler.spec.hosts import HostPattern, parse_host
from reconciler.tools.declarations.mail_checks import default_host, is_granted
from reconciler.tools.tool import ToolContext

Protocol = Literal["smtp", "imap"]

_PORTS: dict[Protocol, dict[str, int]] = {
    "smtp": {"starttls": 587, "tls": 465, "none": 25},
    "imap": {"tls": 993, "starttls": 143, "none": 143},
}
"""By security; the first of each is meant where nothing is said."""

_ALWAYS_TLS = (465, 993)


@dataclass(frozen=True, slots=True)
class Endpoint:
    protocol: Protocol
    host: str
    port: int
    security: str

    def __str__(self) -> str:
        return f"the mail server `{self.host}` (port {self.port})"


@dataclass(frozen=True, slots=True)
class Login:
    """`secret` is the name under which the password was asked for: what a message may say of it."""

    username: str
    password: str
    secret: str

    def __repr__(self) -> str:
        return f"Login({self.username!r})"


def endpoint_of(context: ToolContext, params: Mapping[str, Any], protocol: Protocol) -> Endpoint:
    """Raises BadParameter, Denied."""
    where = f"{context.step}/with/host"
    hosts = context.grant.hosts or []
    given = params.get("host")
    host = parse_host(given) if given is not None else default_host(hosts)
    if host is None or host.subdomains:
        told = f"`{given}` is no host" if given is not None else "the grant does not name exactly one server"
        raise BadParameter(told, where=where, hint="name one of the granted hosts in `host`")
    security = params.get("security")
    port = params.get("port") or host.port or _granted_port(host.name, hosts)
    port = port or _PORTS[protocol][security or next(iter(_PORTS[protocol]))]
    if not is_granted(HostPattern(host.name, port), hosts):
        hint = "add it to `hosts` of the grant of `email_connector` in `tools`"
        raise Denied(f"the host `{host.name}` (port {port}) is not granted", where=where, hint=hint)
    return Endpoint(protocol, host.name, port, security or ("tls" if port in _ALWAYS_TLS else "starttls"))


def login_of(context: ToolContext, params: Mapping[str, Any]) -> Login | None:
    """None where the call names no user. Raises BadParameter, Denied, Unavailable."""
    username, secret = params.get("username"), params.get("password_secret")
    if username is None and secret is None:
        return None
    if username is None or secret is None:
        missing = "username" if username is None else "password_secret"
        raise BadParameter(f"to log in, `{missing}` is needed as well", where=f"{context.step}/with")
    login = Login(username, context.secret(secret), secret)
    for value, what, place in (
        (login.username, "the name to log in with", "username"),
        (login.password, f"the secret `{secret}`", "password_secret"),
    ):
        if not value or any(character in value for character in "\r\n\0"):
            raise BadParameter(f"{what} is empty or has line ends", where=f"{context.step}/with/{place}")
    return login


def _granted_port(name: str, hosts: list[str]) -> int | None:
    """The port where the grant allows this host at one port only."""
    ports = {pattern.port for text in hosts if (pattern := parse_host(text)) and pattern.name == name}
    return ports.pop() if len(ports) == 1 else None
