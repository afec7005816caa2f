"""A server as a process: who may reach it, its first key, programs beside it, and an orderly end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.config import ServeConfig
from api.state import ServerState
from reconciler.database.api_keys import Role, create_key, keys
from reconciler.database.connection import connect
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import UsageError
from reconciler.settings import Settings

FIRST_KEY = "first"
BACKLOG = 2048
GRACE = 30
"""Seconds that open requests have to come to their end."""
KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept: longer than proxies keep theirs."""


def serve(
    settings: Settings,
    config: ServeConfig,
    *,
    show: Callable[[str], None],
    tell: Callable[[str], None],
    beside: Sequence[Sequence[str]] = (),
    around: Callable[[ASGIApp], ASGIApp] | None = None,
) -> None:
    """Until a signal. `show` gets a first key, which belongs into no log; `tell` all else. `beside` are commands of our
    own that live as long as the server does; `around` puts a layer around the application. Raises UsageError."""
    key = admitted(settings, config)
    listening = _listening(config)
    port = listening.getsockname()[1]
    if key:
        tell("There was no key yet. This one may do everything, and is shown this once:")
        show(key)
    tell(
        f"Serving on http://{config.host}:{port}, a console for browsers; /api/v1/openapi.json describes the API"
    )
    app = create_app(settings, config)
    server = _Server(
        uvicorn.Config(
            around(app) if around is not None else app,
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=config.behind_proxy,
            forwarded_allow_ips="*" if config.behind_proxy else None,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        ),
        app.state.server,
    )
    with _programs(settings, beside), _signals_are_requests():
        server.run(sockets=[listening])


def admitted(settings: Settings, config: ServeConfig) -> str:
    """The text of a first key, if one had to be made. Raises UsageError where the address may not be served."""
    with connect(settings.database, lock_timeout=settings.lock_timeout) as connection:
        ensure_catalog(connection)
        known = keys(connection)
        if config.loopback:
            if known:
                return ""
            text, _ = create_key(
                connection, FIRST_KEY, Role.ADMIN, pepper=config.pepper, created_by="reconcile serve"
            )
            return text
    if not known:
        raise UsageError(
            f"nobody may serve {config.host} without keys",
            hint="make one first: reconcile keys create NAME --role ROLE",
        )
    if not config.behind_proxy:
        raise UsageError(
            f"{config.host} can be reached from elsewhere, and keys must not travel in the clear",
            hint="put a proxy that terminates TLS in front and set RECONCILER_API_BEHIND_PROXY=1",
        )
    return ""


class _Server(uvicorn.Server):
    """Tells streams that never end by themselves when the server is asked to stop."""

    def __init__(self, config: uvicorn.Config, state: ServerState) -> None:
        super().__init__(config)
        self._state = state

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._state.stopping = True
        super().handle_exit(sig, frame)


def _listening(config: ServeConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(
            f"{config.host} port {config.port} cannot be served: {error.strerror}",
            hint="choose another: --port",
        ) from error


@contextmanager
def _signals_are_requests() -> Iterator[None]:
    """The server raises a signal once more after it has done what it asks for; that it has ended well is the answer."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _programs(settings: Settings, commands: Sequence[Sequence[str]]) -> Iterator[None]:
    environment = {
        **os.environ,
        "RECONCILER_SOURCE": settings.source,
        "RECONCILER_DATABASE_URL": settings.database,
    }
    program = (sys.executable, "-c", "import sys; from reconciler.cli.main import run; sys.exit(run())")
    running = [subprocess.Popen([*program, *command], env=environment) for command in commands]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
