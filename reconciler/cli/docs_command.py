"""`reconcile docs`: pages about types and agents, to read or to publish, and collections of requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.output_files import write_files, write_text

if TYPE_CHECKING:
    from reconciler.documentation.generator import DocumentationGenerator

DocumentFormat = Literal["markdown", "html", "json"]
base_url_option = click.option(
    "--base-url", metavar="URL", default="http://127.0.0.1:8080", show_default=True, help="Where the API is."
)


@click.group()
def docs() -> None:
    """Show or publish what types and agents are."""


@docs.command()
@click.argument("name", metavar="TYPE", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["markdown", "html", "json", "openapi"]),
    help="Default: markdown.",
)
@base_url_option
@shared_options("source", "json", "debug")
def show(invocation: Invocation, name: str | None, format_: str | None, base_url: str) -> None:
    """Show the page of TYPE; without one, of everything.

    `guide` as TYPE shows how to write an agent, `changelog` what came with which version. OpenAPI is always of
    all types.
    """
    if invocation.json and format_ not in (None, "json"):
        raise click.UsageError(f"--json and --format {format_} exclude each other")
    console = invocation.console()
    if format_ == "openapi":
        console.document(open_generator(invocation, base_url).openapi())
        return
    if name == "changelog":
        console.lines([changelog().rstrip("\n")])
        return
    if name == "guide":
        from reconciler.documentation.generator import agent_creation_guide

        document = agent_creation_guide()
    else:
        generator = open_generator(invocation, base_url)
        document = generator.type(name) if name is not None else generator.index()
    if invocation.json or format_ == "json":
        console.document(document.data)
    else:
        console.lines([(document.html() if format_ == "html" else document.markdown).rstrip("\n")])


@docs.command()
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write there.",
)
@base_url_option
@shared_options("source", "debug")
def build(invocation: Invocation, out: Path, base_url: str) -> None:
    """Write a static site: pages of all types, the guide, examples, OpenAPI and collections.

    It needs no server and makes no request.
    """
    written = write_files(out, open_generator(invocation, base_url).site())
    invocation.console().tell(f"Wrote {written} files to {out}.")


@docs.command()
@click.argument("format_", metavar="postman|insomnia", type=click.Choice(["postman", "insomnia"]))
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there."
)
@base_url_option
@shared_options("source", "debug")
def collection(invocation: Invocation, format_: str, out: Path | None, base_url: str) -> None:
    """Print requests for every type, with examples, as a Postman 2.1 or Insomnia 5 collection."""
    import json

    from reconciler.documentation.insomnia import insomnia_collection
    from reconciler.documentation.postman import postman_collection

    generator = open_generator(invocation, base_url)
    types, agents = generator.types(), generator.agents()
    if format_ == "postman":
        text = json.dumps(postman_collection(types, agents, base_url), indent=2, ensure_ascii=False) + "\n"
    else:
        text = insomnia_collection(types, agents, base_url)
    console = invocation.console()
    if out is None:
        console.lines([text.rstrip("\n")])
        return
    write_text(out, text)
    console.tell(f"Wrote {out}.")


def changelog() -> str:
    """In Markdown, as it is shipped."""
    from importlib.resources import files

    return (files("reconciler.documentation") / "changelog.md").read_text()


def open_generator(invocation: Invocation, base_url: str = "http://127.0.0.1:8080") -> DocumentationGenerator:
    """Over the sound manifests of the source; what is wrong with others is for `validate` to tell."""
    from reconciler.bootstrap import load_manifests
    from reconciler.documentation.generator import DocumentationGenerator

    loaded = load_manifests(invocation.settings())
    if loaded.broken:
        errors = sum(problem.severity == "error" for problem in loaded.problems)
        invocation.console().tell(
            f"{errors} problem{'s' if errors != 1 else ''} left aside: reconcile validate tells which"
        )
    return DocumentationGenerator(loaded.state, base_url=base_url)
