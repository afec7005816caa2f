"""Message brokers as Celery's workers reach them: by a proxy whose connections can be cut."""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import pytest
from kombu import Connection

URLS = {
    "redis": os.environ.get("RECONCILER_TEST_REDIS_URL", "redis://127.0.0.1:6379/13"),
    "rabbitmq": os.environ.get("RECONCILER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
QUEUES = ("agents.tallies", "agents.static")


@dataclass(frozen=True)
class Broker:
    """`url` leads through the proxy."""

    url: str
    proxy: Proxy

    def wait_for(self, queue: str, messages: int) -> None:
        """Until so many stand in a queue."""
        end = time.monotonic() + 60
        with Connection(self.url) as connection:
            while (
                connection.default_channel.queue_declare(queue, durable=True, auto_delete=False).message_count
                < messages
            ):
                assert time.monotonic() < end, f"no {messages} messages have come to {queue}"
                time.sleep(0.1)


@contextmanager
def broker(name: str) -> Iterator[Broker]:
    """An empty one. Skips where there is none and says why; in CI it fails."""
    url = URLS[name]
    with ExitStack() as stack:
        try:
            _empty(url)
        except OSError as error:
            told = f"no broker at {url}: {error}"
            if os.environ.get("CI") == "true":
                pytest.fail(told)
            pytest.skip(told)
        stack.callback(_empty, url)
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        proxy = stack.enter_context(Proxy(parts.hostname, parts.port))
        user = f"{parts.username}:{parts.password}@" if parts.username else ""
        yield Broker(urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}")), proxy)


def _empty(url: str) -> None:
    """Without the queues of the tests, and what is in them."""
    with Connection(url, connect_timeout=3) as connection:
        connection.ensure_connection(max_retries=1, errback=None, timeout=3)
        for queue in QUEUES:
            with suppress(*connection.channel_errors):
                connection.channel().queue_delete(queue)
        if url.startswith("redis"):
            connection.default_channel.client.flushdb()


class Proxy:
    """Carries bytes between whoever connects and a server."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def cut(self) -> None:
        """Every connection there is, at once."""
        with self._lock:
            for end in [*self._peers]:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Proxy:
        self._selector.register(self._server, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closed = True
        self.cut()
        self._thread.join(5)
        self._server.close()

    def _carry(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(0.2):
                if key.fileobj is self._server:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._pass_on(key.fileobj)

    def _accept(self) -> None:
        near, _ = self._server.accept()
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            near.close()
            return
        with self._lock:
            self._peers |= {near: far, far: near}
        for end in (near, far):
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        peer = self._peers.get(end)
        if peer is None:
            return
        try:
            data = end.recv(64 * 1024)
            if data:
                peer.sendall(data)
                return
        except OSError:
            pass
        with self._lock:
            for one in (end, peer):
                self._peers.pop(one, None)
                self._selector.unregister(one)
                one.close()
