"""`reconcile doctor`: is everything there that a reconcile needs?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.plans.render.ink import Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.cli.diagnosis import Finding, Verdict

_TONES: dict[Verdict, Tone] = {"ok": Tone.ADD, "warning": Tone.WARN, "failed": Tone.STOP}


@click.command()
@shared_options("source", "database", "json", "debug")
def doctor(invocation: Invocation) -> int:
    """Check that everything needed is there. Exits with 1 where something is missing."""
    from reconciler.cli.diagnosis import diagnose

    console = invocation.console()
    findings = list(diagnose(invocation.settings()))
    healthy = all(finding.verdict != "failed" for finding in findings)
    if console.json:
        console.document({"healthy": healthy, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            console.lines(_lines(finding, console))
    return 0 if healthy else 1


def _lines(finding: Finding, console: Console) -> Iterator[str]:
    verdict = paint(f"{finding.verdict:<7}", _TONES[finding.verdict], console.colour_out)
    yield f"{verdict}  {finding.name:<9} {printable(finding.detail)}"
    if finding.hint:
        yield f"{'':<19} {console.faint('hint:')} {printable(finding.hint)}"
