"""`python -m tests.builder_cases`: how well the builder understands, guided and with scripted or real models."""

from __future__ import annotations

import os
import sys

import click

from reconciler.llm.ollama import Ollama
from tests.builder_cases.conversation import cases
from tests.builder_cases.listeners import LISTENERS
from tests.builder_cases.report import lines, run


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--ollama",
    metavar="URL",
    help="A real server that listens; OLLAMA_API_KEY counts.",
)
@click.option("--model", default="", help="Which of its models; default any.")
def main(names: tuple[str, ...], ollama: str | None, model: str) -> None:
    """Runs the conversations, or those with one of the NAMES in theirs, and tells what share ends as expected."""
    chosen = [case for case in cases() if not names or any(name in case.name for name in names)]
    if not chosen:
        sys.exit("no case has such a name")
    key = os.environ.get("OLLAMA_API_KEY", "")
    listeners = {"ollama": lambda case: Ollama(ollama, api_key=key)} if ollama else LISTENERS
    print("\n".join(lines("guided", run(chosen, None))))
    for title, listener in listeners.items():
        print("\n".join(lines(title, run(chosen, listener, model=model))))


main()
