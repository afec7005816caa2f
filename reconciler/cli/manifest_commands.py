"""Commands that need manifests and no database: validate, schema, init."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import ManifestsInvalid, Refused, UsageError

if TYPE_CHECKING:
    from reconciler.manifests.compiled import Loaded

ProblemFormat = Literal["text", "json", "github", "sarif"]


@click.command()
@click.option(
    "--format", "format_", type=click.Choice(["text", "json", "github", "sarif"]), help="Default: text."
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--no-cache", is_flag=True, help="Read every manifest anew.")
@shared_options("source", "json", "debug")
def validate(invocation: Invocation, format_: ProblemFormat | None, strict: bool, no_cache: bool) -> int:
    """Check the manifests without a database.

    All problems of all files are told at once. Exits with 3 where a manifest is invalid.
    """
    if invocation.json and format_ not in (None, "json"):
        raise click.UsageError(f"--json and --format {format_} exclude each other")
    from reconciler.bootstrap import load_manifests

    settings = invocation.settings()
    loaded = load_manifests(settings, use_cache=not no_cache)
    shown: ProblemFormat = "json" if invocation.json else format_ or "text"
    _show(loaded, settings.source, shown, invocation.console())
    return ManifestsInvalid.exit_status if loaded.broken or (strict and loaded.problems) else 0


def _show(loaded: Loaded, source: str, format_: ProblemFormat, console: Console) -> None:
    match format_:
        case "text":
            _show_text(loaded, source, console)
        case "json":
            console.document(_document(loaded, source))
        case "github":
            from reconciler.plans.render.annotations import github_annotations

            console.lines(github_annotations(loaded.problems, root=_root(source)))
        case "sarif":
            from reconciler.plans.render.annotations import sarif

            console.document(sarif(loaded.problems, root=_root(source)))


def _show_text(loaded: Loaded, source: str, console: Console) -> None:
    from reconciler.plans.render.text import render_problems

    console.lines(
        render_problems(loaded.problems, colour=console.colour_out, width=console.width, root=source)
    )
    errors = sum(problem.severity == "error" for problem in loaded.problems)
    warnings = len(loaded.problems) - errors
    counted = [(loaded.files, "file"), (len(loaded.state.entries), "sound object"), (errors, "error")]
    told = ", ".join(f"{n:,} {noun}{'' if n == 1 else 's'}" for n, noun in [*counted, (warnings, "warning")])
    console.lines([told])


def _document(loaded: Loaded, source: str) -> dict[str, Any]:
    from reconciler.plans.render.json_document import problem_document

    return {
        "source": source,
        "commit": loaded.commit,
        "valid": not loaded.broken,
        "files": loaded.files,
        "objects": sorted(loaded.state.entries),
        "held": sorted(loaded.state.held),
        "problems": [problem_document(problem) for problem in loaded.problems],
    }


def _root(source: str) -> str:
    """The source relative to where the command runs, which in CI is the repository's root."""
    path = Path(source).resolve()
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


@click.command()
@click.argument("kind", required=False, metavar="[KIND]")
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there."
)
@shared_options("json", "debug")
def schema(invocation: Invocation, kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of the manifests, for editors.

    KIND is AgentType, Agent or Policy; without it the schema accepts each of them. Manifests name it in their
    first line: `# yaml-language-server: $schema=FILE`.
    """
    name = _kind(kind)
    import json

    from reconciler.manifests.json_schema import json_schema

    console, document = invocation.console(), json_schema(name)
    if out is None:
        console.document(document)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    console.tell(f"Wrote {out}.")


def _kind(said: str | None) -> str | None:
    """The kind meant by `AgentType`, `agenttype`, `agent-type` or `type`."""
    if said is None:
        return None
    spellings = {"agenttype": "AgentType", "type": "AgentType", "agent": "Agent", "policy": "Policy"}
    kind = spellings.get(said.lower().replace("-", "").replace("_", ""))
    if kind is None:
        raise click.UsageError(f"no kind {said!r}; there are AgentType, Agent and Policy")
    return kind


@click.command()
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--example",
    "examples",
    multiple=True,
    metavar="NAME",
    help="Write this shipped agent instead: email-analysis, knowledge-base, text-processing, or all.",
)
@click.option(
    "--ci", type=click.Choice(["github", "gitlab", "gitea", "pre-commit"]), help="Write the file for it."
)
@shared_options("source", "json", "debug")
def init(invocation: Invocation, folder: Path | None, examples: tuple[str, ...], ci: str | None) -> None:
    """Write a first manifest, or a shipped agent.

    It goes to DIR, by default the source: a type with a table and an agent. With --ci, write what a forge runs for
    each pull request and merge instead, or a hook, into this folder. Nothing is overwritten.
    """
    console, source = invocation.console(), Path(invocation.settings().source)
    target = folder or source
    if ci is not None:
        if folder or examples:
            raise click.UsageError("--ci writes into this folder, and no manifest")
        from reconciler.cli.pipelines import pipeline

        place, content = pipeline(ci, str(source))
        target = Path()
        files: Mapping[Path, bytes] = {place: content}
        told = f"the plan of each change, and its apply, for {ci}" if ci != "pre-commit" else "a hook"
    elif examples:
        files = _shipped(examples)
        told = f"{' and '.join(sorted(set(examples)))} as shipped, to be changed at will"
    else:
        from reconciler.cli.first_manifest import FILE_NAME, first_manifest

        _refuse_if_used(target)
        files = {Path(FILE_NAME): first_manifest().encode()}
        told = "one agent type with a table, and an agent of it"
    written = _write_new({target / path: content for path, content in files.items()})
    following = f"reconcile --plan --source {target}" if folder and target != source else "reconcile --plan"
    if console.json:
        console.document({"written": [str(file) for file in written], "next_command": following})
    else:
        names = ", ".join(str(file) for file in written)
        console.lines([f"Wrote {names}: {told}.", "", f"Next: {following}"])


def _shipped(names: Sequence[str]) -> Mapping[Path, bytes]:
    from reconciler.cli.examples import ALL, example_files, example_names

    known = [*example_names(), ALL]
    for name in names:
        if name not in known:
            raise click.UsageError(f"no example {name!r}; there are {', '.join(known)}")
    return example_files(names)


def _write_new(files: Mapping[Path, bytes]) -> list[Path]:
    """All of them or, where one is already there, none."""
    for file in files:
        if file.exists():
            raise Refused(f"{file} is already there", hint="name another folder: reconcile init DIR")
    for file, content in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as stream:
                stream.write(content)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    return list(files)


def _refuse_if_used(folder: Path) -> None:
    if folder.is_dir() and any(path.suffix in (".yaml", ".yml") for path in folder.rglob("*.y*ml")):
        raise Refused(
            f"{folder} already holds manifests",
            hint=f"see what they would change: reconcile --plan --source {folder}; or name another folder",
        )
