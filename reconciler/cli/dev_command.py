"""`reconcile dev`: for those who build on the types: check one manifest, make up values that fit, serve an API."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.dev_server import server
from reconciler.cli.docs_command import open_generator
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import ManifestsInvalid, NotFound, UsageError

if TYPE_CHECKING:
    from reconciler.manifests.compiled import Loaded
    from reconciler.settings import Settings
    from reconciler.spec.agent_type import AgentType

STANDARD_INPUT = "stdin.yaml"


@click.group()
def dev() -> None:
    """Check a manifest, make up values, serve an API to develop against."""


dev.add_command(server)


@dev.command()
@click.argument("file", metavar="FILE|-")
@shared_options("source", "json", "debug")
def validate(invocation: Invocation, file: str) -> int:
    """Check FILE as if it were among the manifests, wherever it is.

    In the source it takes its own place; from elsewhere, or from standard input as -, it comes to the others. Only its
    own problems are told. Exits with 3 where it is invalid.
    """
    name, loaded = _checked(file, invocation.settings())
    problems = [problem for problem in loaded.problems if problem.file == name]
    errors = [problem for problem in problems if problem.severity == "error"]
    console = invocation.console()
    if console.json:
        from reconciler.plans.render.json_document import problem_document

        console.document(
            {"file": name, "valid": not errors, "problems": [problem_document(p) for p in problems]}
        )
    else:
        from reconciler.plans.render.text import render_problems

        console.lines(render_problems(problems, colour=console.colour_out, width=console.width))
        console.lines([f"{name} is {'invalid' if errors else 'valid'}"])
    return ManifestsInvalid.exit_status if errors else 0


def _checked(file: str, settings: Settings) -> tuple[str, Loaded]:
    """The name under which the file is found in problems, and all that was read."""
    from reconciler.manifests.load import load
    from reconciler.manifests.pinned import Pinned
    from reconciler.manifests.sources import MemorySource

    others, folder = _others(settings), Path(settings.source).resolve()
    name = STANDARD_INPUT
    if file != "-":
        path = Path(file).resolve()
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    content = _content(file)
    if name in others and not (file != "-" and Path(file).resolve() == folder / name):
        name = f"given/{name}"
    return name, load(MemorySource(others | {name: content}), None, Pinned(settings.policy))


def _others(settings: Settings) -> dict[str, bytes]:
    """The manifests there are; none where there is no folder of them yet."""
    from reconciler.bootstrap import open_source

    if not settings.source.startswith("git+") and not Path(settings.source).is_dir():
        return {}
    source = open_source(settings)
    read = source.read(source.scan().files)
    return {path: content for path, content in read if isinstance(content, bytes)}


def _content(file: str) -> bytes:
    from reconciler.manifests.sources import READ_BYTES

    if file == "-":
        return sys.stdin.buffer.read(READ_BYTES)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(READ_BYTES)
    except OSError as error:
        hint = "name a manifest, or - for standard input"
        raise UsageError(f"{file} cannot be read: {error.strerror}", hint=hint) from error


@dev.command()
@click.argument("name", metavar="TYPE")
@click.option("--model", metavar="MODEL", help="Rows of this model; without it, inputs of tasks.")
@click.option("--count", type=click.IntRange(1, 100_000), default=1, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same values.")
@click.option(
    "--invalid", is_flag=True, help="One mistake in each: all kinds there are, --count does not apply."
)
@shared_options("source", "debug")
def mock(invocation: Invocation, name: str, model: str | None, count: int, seed: int, invalid: bool) -> None:
    """Make up inputs or rows of TYPE, as JSON Lines.

    They keep every constraint: bounds, patterns, formats, uniqueness, checks. With --invalid none does.
    """
    found = _type(invocation, name, model)
    made = _made(found, model, count, seed, invalid=invalid)
    invocation.console().lines(json.dumps(values, ensure_ascii=False) for values in made)


def _type(invocation: Invocation, name: str, model: str | None) -> AgentType:
    from reconciler.spec.findings import did_you_mean

    generator = open_generator(invocation)
    found = generator.agent_type(name)
    if model is not None and model not in found.spec.models:
        raise NotFound(f"{name} has no model {model}", hint=did_you_mean(model, found.spec.models))
    return found


def _made(
    agent_type: AgentType, model: str | None, count: int, seed: int, *, invalid: bool
) -> list[dict[str, Any]]:
    from reconciler.documentation.mock.objects import invalid_objects, mock_inputs
    from reconciler.documentation.mock.rows import mock_rows

    spec = agent_type.spec
    if invalid:
        return [*invalid_objects(spec.input if model is None else spec.models[model].fields, seed)]
    if model is None:
        return mock_inputs(agent_type, count, seed)
    return mock_rows(agent_type, model, count, seed)
