"""`reconcile test`: runs the manifests' own tests, without a model, a network or a database that anybody needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.verdicts import SOME_FAILED, verdict_lines, verdict_summary
from reconciler.errors import ManifestsInvalid, NotFound

if TYPE_CHECKING:
    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.manifests.compiled import Loaded


@click.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--coverage", is_flag=True, help="Tell which steps and branches no test takes.")
@click.option("--no-cache", is_flag=True, help="Read every manifest anew.")
@shared_options("source", "json", "debug")
def test(invocation: Invocation, names: tuple[str, ...], coverage: bool, no_cache: bool) -> int:
    """Run the manifests' own tests.

    NAME is a type, or an agent for its type; without one all are tested. Steps that reach outside answer with the
    test's `mocks`; all others run for real, over tables in memory. Exits with 1 if a test fails, with 3 if a manifest
    is invalid.
    """
    from reconciler.bootstrap import load_manifests, rehearsals

    settings = invocation.settings()
    loaded = load_manifests(settings, use_cache=not no_cache)
    types = _types(loaded, names)
    if names and loaded.broken and not types:
        broken = tuple(p for p in loaded.problems if p.severity == "error")
        raise ManifestsInvalid(broken, hint="correct them, then test again", root=settings.source)
    console = invocation.console()
    found = []
    for rehearsal in rehearsals(loaded.state, types):
        found.append(rehearsal)
        if not console.json:
            console.lines(verdict_lines(rehearsal, console, coverage=coverage))
    _end(found, loaded, console, invocation.settings().source)
    if not all(rehearsal.passed for rehearsal in found):
        return SOME_FAILED
    return ManifestsInvalid.exit_status if loaded.broken and not names else 0


def _types(loaded: Loaded, names: Sequence[str]) -> list[str]:
    """Names of the types that are meant, in order. Raises NotFound for a name that nothing sound has."""
    entries = loaded.state.entries
    if not names:
        return [address.removeprefix("type/") for address in entries if address.startswith("type/")]
    found: dict[str, None] = {}
    for name in names:
        agent = loaded.state.agent(name)
        if f"type/{name}" in entries:
            found[name] = None
        elif agent is not None:
            found[agent.spec.type] = None
        elif not loaded.broken:
            from reconciler.spec.findings import did_you_mean

            known = [address.partition("/")[2] for address in entries if not address.startswith("policy/")]
            raise NotFound(f"no manifest names a type or agent {name}", hint=did_you_mean(name, known))
    return [*found]


def _end(found: Sequence[Rehearsal], loaded: Loaded, console: Console, source: str) -> None:
    if console.json:
        from reconciler.agents.rehearsal.document import rehearsal_document
        from reconciler.plans.render.json_document import problem_document

        console.document(
            {
                "passed": all(rehearsal.passed for rehearsal in found),
                "types": [rehearsal_document(rehearsal) for rehearsal in found],
                "problems": [problem_document(problem) for problem in loaded.problems],
                "held": sorted(loaded.state.held),
            }
        )
        return
    from reconciler.plans.render.text import render_problems

    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    for line in render_problems(errors, colour=console.colour_err, width=console.width, root=source):
        console.tell(line)
    console.lines([verdict_summary(found)])
