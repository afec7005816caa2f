"""Mail servers on loopback: aiosmtpd and pymap, real ones, and some that only do what they are told to.

Both speak TLS with a certificate for `localhost` of an authority that exists for one test run. `User` and `PASSWORD`
let in; nothing else does.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag

USER, PASSWORD = "agent@example.com", "s3cret pässword"


@dataclass(frozen=True)
class Certificates:
    """`authority` is the PEM file to trust; `server` what a server needs."""

    authority: Path
    server: ssl.SSLContext


def certificates(folder: Path) -> Certificates:
    authority = trustme.CA()
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    return Certificates(path, server)


@dataclass
class Received:
    sender: str
    recipients: list[str]
    content: bytes


@dataclass
class Post:
    """What an SMTP server does: takes letters into `received`; `refuse` says what it answers to whom instead."""

    received: list[Received] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.received.append(Received(envelope.mail_from, [*envelope.rcpt_tos], envelope.original_content))
        return self.after_data


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


@contextmanager
def smtp_server(
    post: Post,
    tls: ssl.SSLContext | None,
    *,
    implicit: bool = False,
    login: bool = True,
    size: int = 50 << 20,
) -> Iterator[int]:
    """The port. `implicit`: TLS from the start, else by STARTTLS; without `tls` neither."""

    def factory() -> SMTP:
        return SMTP(
            post,
            data_size_limit=size,
            tls_context=None if implicit else tls,
            require_starttls=bool(tls) and not implicit,
            auth_required=login,
            auth_require_tls=not implicit and bool(tls),
            authenticator=_authenticate,
        )

    class Listening(Controller):
        def factory(self) -> SMTP:
            return factory()

    port = _free_port()
    controller = Listening(
        post, hostname="127.0.0.1", port=port, ssl_context=tls if implicit else None, ready_timeout=20
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def imap_server(tls: ssl.SSLContext, *, implicit: bool = False) -> Iterator[ImapServer]:
    server = ImapServer(tls, implicit)
    try:
        yield server
    finally:
        server.stop()


class ImapServer:
    """pymap with its mailboxes in memory, in a thread of its own."""

    def __init__(self, tls: ssl.SSLContext, implicit: bool) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.port = 0
        self._run(self._start(tls, implicit))

    def put(self, *messages: bytes, mailbox: str = "INBOX", days_old: int = 0, seen: bool = False) -> None:
        self._run(self._put(messages, mailbox, days_old, seen))

    def make(self, mailbox: str) -> None:
        self._run(self._make(mailbox))

    def flags(self, mailbox: str = "INBOX") -> dict[int, set[str]]:
        """UID -> flags."""
        return self._run(self._flags(mailbox))

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self, tls: ssl.SSLContext, implicit: bool) -> None:
        arguments = Namespace(
            host="127.0.0.1", port=0, debug=False, cert=None, key=None, tls=not implicit, passlib_cfg=None
        )
        arguments.proxy_protocol = None
        arguments.demo_data, arguments.demo_user, arguments.demo_password = False, USER, PASSWORD
        self._backend, self._config = await DictBackend.init(
            arguments, ssl_context=tls, invalid_user_sleep=0.0, admin_key=b"k"
        )
        serve = ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(
            IMAPServer(self._backend.login, self._config)
        )
        self._server = await asyncio.start_server(
            serve, "127.0.0.1", 0, ssl=tls if implicit else None, limit=1 << 22
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _mailboxes(self) -> Any:
        async with self._backend.login.demo_user_identity.new_session() as session:
            return session.mailbox_set

    async def _put(self, messages: Sequence[bytes], mailbox: str, days_old: int, seen: bool) -> None:
        box = await (await self._mailboxes()).get_mailbox(mailbox)
        moment = datetime.now(UTC) - timedelta(days=days_old)
        flags = frozenset({Flag(b"\\Seen")} if seen else ())
        for message in messages:
            await box.append(AppendMessage(message, moment, flags))

    async def _make(self, mailbox: str) -> None:
        await (await self._mailboxes()).add_mailbox(mailbox)

    async def _flags(self, mailbox: str) -> dict[int, set[str]]:
        box = await (await self._mailboxes()).get_mailbox(mailbox)
        return {
            message.uid: {str(flag) for flag in message.permanent_flags} async for message in box.messages()
        }

    async def _close(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task()}:
            task.cancel()


@contextmanager
def scripted_server(script: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does with each connection what the script says, then ends it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connected: socket.socket) -> None:
        connected.settimeout(20)
        with suppress(OSError), connected:
            script(connected)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listening:
        yield listening.getsockname()[1]


@contextmanager
def cutting_proxy(target: int, *, after: int, upwards: bool) -> Iterator[int]:
    """The port of a proxy that cuts the connection when so many bytes have gone up to the server, or come down."""

    def relay(connected: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", target), timeout=20) as server:

            def down() -> None:
                _copy(server, connected, after if not upwards else -1)

            threading.Thread(target=down, daemon=True).start()
            _copy(connected, server, after if upwards else -1)

    with scripted_server(relay) as port:
        yield port


def _copy(source: socket.socket, target: socket.socket, most: int) -> None:
    """Until `most` bytes have gone, -1 for no end; then both ends are cut."""
    with suppress(OSError):
        while most and (data := source.recv(min(65_536, most) if most > 0 else 65_536)):
            target.sendall(data)
            most -= len(data) if most > 0 else 0
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
