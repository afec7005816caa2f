"""`reconcile comment`: the plan on a pull request, from a pipeline of the forge."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.control.proposals.forge import ForgeKind

# What the forges themselves tell their pipelines, and the token that ours are given: API, project, token.
_TOLD = {
    "github": ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    "gitea": ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    "gitlab": ("CI_API_V4_URL", "CI_PROJECT_PATH", "RECONCILER_FORGE_TOKEN"),
}


@click.command()
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--forge", type=click.Choice([*_TOLD]), required=True)
@click.option(
    "--request", type=click.IntRange(1), metavar="N", help="Put FILE on this pull or merge request."
)
@click.option(
    "--reviewed", metavar="COMMIT", help="Print the id of the plan that this commit was merged with."
)
@shared_options("json", "debug")
def comment(
    invocation: Invocation, file: Path | None, forge: ForgeKind, request: int | None, reviewed: str | None
) -> None:
    """Put a plan on a pull request, or tell which plan was reviewed.

    FILE is what `reconcile --plan --format markdown` wrote (default: standard input); the comment of the former plan
    is replaced. Where the forge is, and the token, come from the environment of its pipelines.
    """
    if (request is None) is (reviewed is None):
        raise click.UsageError("say --request N or --reviewed COMMIT")
    from reconciler.control.proposals.comments import Comments

    api, project, token = (_environment(name) for name in _TOLD[forge])
    comments = Comments(forge, api, project, token)
    console = invocation.console()
    if request is not None:
        address = comments.put(request, _text(file))
        if console.json:
            console.document({"comment": address})
        else:
            console.lines([address or f"Commented on {request}."])
        return
    assert reviewed is not None, "one of the two was said"
    identity = comments.reviewed(reviewed)
    if console.json:
        console.document({"plan_id": identity})
    else:
        console.lines([identity])


def _environment(name: str) -> str:
    found = os.environ.get(name, "")
    if not found:
        raise UsageError(
            f"{name} is not set", hint="this command is for pipelines of a forge; see reconcile init --ci"
        )
    return found


def _text(file: Path | None) -> str:
    try:
        return file.read_text() if file is not None else sys.stdin.read()
    except OSError as error:
        hint = "write it first: reconcile --plan --format markdown > plan.md"
        raise UsageError(f"{file} cannot be read: {error.strerror}", hint=hint) from error
