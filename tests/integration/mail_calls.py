"""Calls of email_connector against servers on loopback."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.tools.egress import Network
from tests.mail_servers import PASSWORD, USER, Certificates, certificates
from tests.unit.tools.calls import Surroundings, call

LETTER = {"from": "agent@example.com", "to": "a@example.com", "subject": "Hello", "text": "Hi"}
LOOPBACK = ("127.0.0.1/32",)


@cache
def trusted() -> Certificates:
    """Those of this test run."""
    folder = tempfile.mkdtemp(prefix="reconciler-mail-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return certificates(Path(folder))


def network(opened: Sequence[str] = LOOPBACK, *, trusting: bool = True) -> Network:
    """On which every name is this machine."""
    authority = str(trusted().authority) if trusting else ""
    return Network(opened, certificates=authority, resolve=lambda host, port: ["127.0.0.1"])


def mail(at: int, /, **params: Any) -> Any:
    """One call of the server at a port, with the right name and password. Parameters that are None are left out;
    `seconds`, `usage`, `grant`, `network` and `password` are no parameters of the tool."""
    around = {name: params.pop(name) for name in ("seconds", "usage", "network") if name in params}
    host = Surroundings({"token": params.pop("password", PASSWORD)})
    grant = {"hosts": ["localhost"], "recipients": ["*@example.com"], **params.pop("grant", {})}
    login = {"username": USER, "password_secret": "token"}
    given = {"host": "localhost", "port": at, **login, **params}
    around.setdefault("network", network())
    given = {name: value for name, value in given.items() if value is not None}
    return call("email_connector", given, grant=grant, host=host, **around)


def send(at: int, /, **params: Any) -> Any:
    return mail(at, **{**LETTER, **params})
