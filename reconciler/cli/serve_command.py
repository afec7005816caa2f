"""`reconcile serve`: the REST API as a program that stays."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options


@click.command()
@click.option("--host", metavar="ADDRESS", help="[RECONCILER_API_HOST; default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="0: any that is free. [RECONCILER_API_PORT; default: 8080]"
)
@click.option("--watch", is_flag=True, help="Follow the source as well, as `reconcile --watch` does.")
@click.option("--worker", is_flag=True, help="Work the queue as well, as `reconcile worker` does.")
@shared_options("source", "database", "json", "debug")
def serve(invocation: Invocation, host: str | None, port: int | None, watch: bool, worker: bool) -> None:
    """Serve the REST API until told to stop.

    On a loopback address the first start prints a key. Any other address takes keys that exist already, and a proxy in
    front that terminates TLS (RECONCILER_API_BEHIND_PROXY=1). SIGTERM or Ctrl-C: answer what was asked, then leave.
    """
    from api.config import ServeConfig
    from api.serving import serve as serve_api
    from reconciler.execution.monitoring import configure_logging

    settings = invocation.settings()
    configure_logging("json" if invocation.json else settings.log_format)
    for talkative in ("alembic", "reconciler.pipeline"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    given: dict[str, Any] = {"host": host, "port": port}
    config = replace(
        ServeConfig.from_environment(), **{name: value for name, value in given.items() if value is not None}
    )
    console = invocation.console()
    beside = [*([("--watch",)] if watch else []), *([("worker",)] if worker else [])]
    serve_api(settings, config, show=lambda key: _show(console, key), tell=console.tell, beside=beside)


def _show(console: Console, key: str) -> None:
    console.lines([key])
    console.out.flush()
