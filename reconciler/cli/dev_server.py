"""`reconcile dev server`: an API to build a user interface against, with things in it, and nothing that stays."""

from __future__ import annotations

import base64
import logging
import secrets
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from reconciler.cli.invocation import Invocation, shared_options

if TYPE_CHECKING:
    from api.development import Switches
    from reconciler.cli.console import Console
    from reconciler.settings import Settings

NOBODY = "http://127.0.0.1:9"
"""Where no language model is: the builder asks by rules."""
ORIGINS = ("http://localhost:5173", "http://127.0.0.1:5173", "http://localhost:3000", "http://127.0.0.1:3000")
"""Where the development servers of frontends usually are."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: any.")
@click.option(
    "--from",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Copy these manifests; else the shipped examples and one more.",
)
@click.option("--tasks", type=click.IntRange(0, 1000), default=8, show_default=True, help="Run, per agent.")
@click.option(
    "--rows", type=click.IntRange(0, 100_000), default=120, show_default=True, help="Made up, per table."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed, the same values.")
@click.option("--pending", is_flag=True, help="Leave a change in the source that is not applied yet.")
@click.option(
    "--latency", type=click.IntRange(0, 60_000), default=0, metavar="MS", help="Hold every answer back."
)
@click.option(
    "--faults", type=click.FloatRange(0, 1), default=0.0, metavar="SHARE", help="Let so many requests fail."
)
@shared_options("json", "debug")
def server(
    invocation: Invocation,
    port: int,
    folder: str | None,
    tasks: int,
    rows: int,
    seed: int,
    pending: bool,
    latency: int,
    faults: float,
) -> None:
    """Serve the API and the console over a throw-away database with types, agents, tasks and rows in it.

    No language model is needed, and nobody outside is reached: models answer made-up values that fit, the builder asks
    by rules. Answers can be made slow or wrong, for one request by the headers X-Dev-Latency and X-Dev-Fault, for all
    by PUT /dev/switches. Ctrl-C ends it, and everything in it goes.
    """
    from api.development import Switches
    from reconciler.execution.monitoring import configure_logging

    configure_logging("json" if invocation.json else "")
    for talkative in ("alembic", "reconciler", "uvicorn"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    switches = Switches(latency=latency, faults=faults)
    with TemporaryDirectory(prefix="reconcile-dev-") as made:
        from reconciler.cli.dev_world import World, worker_of

        settings = _settings(Path(made))
        World(settings, seed).build(folder=folder, tasks=tasks, rows=rows, pending=pending)
        working = worker_of(settings, seed)
        thread = threading.Thread(target=working.run, name="worker", daemon=True)
        thread.start()
        try:
            _serve(settings, port, switches, seed, invocation.console())
        finally:
            working.stop()
            thread.join(timeout=10)


def _settings(folder: Path) -> Settings:
    from reconciler.settings import Settings

    source = folder / "agents.d"
    source.mkdir()
    return Settings(
        source=str(source),
        database=f"sqlite:///{folder / 'dev.db'}",
        cache=folder / "cache",
        actor="dev server",
        ollama_url=NOBODY,
        encryption_keys=f"dev:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    )


def _serve(settings: Settings, port: int, switches: Switches, seed: int, console: Console) -> None:
    from api.config import ServeConfig
    from api.development import Troubles
    from api.serving import serve

    config = ServeConfig(
        port=port,
        origins=ORIGINS,
        pepper=secrets.token_bytes(32),
        requests_per_minute=10**9,
        guesses_per_minute=10**6,
    )

    def show(key: str) -> None:
        console.lines([key])
        console.out.flush()

    serve(settings, config, show=show, tell=console.tell, around=lambda app: Troubles(app, switches, seed))
