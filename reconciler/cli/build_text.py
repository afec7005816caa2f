"""What `reconcile build` prints: drafts, next steps, costs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.builder.views import Finalized, Preview
    from reconciler.cli.console import Console


def printable_lines(text: str) -> str:
    """Line by line without what would move a terminal's cursor."""
    return "\n".join(printable(line) for line in text.split("\n"))


def whole_draft(preview: Preview, console: Console) -> Iterator[str]:
    """Every file and the plan."""
    if not preview.yaml:
        yield "There is no draft yet."
        return
    for path, content in preview.files.items():
        yield console.strong(path)
        yield from (f"  {printable(line)}" for line in content.rstrip().splitlines())
        yield ""
    yield from _paragraph(preview.plan_text)
    yield from _proofs(preview)


def draft_in_words(preview: Preview, console: Console) -> Iterator[str]:
    """What the agent does, stores and reaches, as somebody wants to know it who reads no YAML; the plan in full only
    where it does more than add."""
    before = ""
    for line in preview.docs.splitlines():
        heading = line.removeprefix("## ")
        if line or not before.endswith(":"):
            yield console.strong(printable(heading)) if heading != line else printable(line)
        before = line or before
    yield ""
    summary = preview.plan.summary if preview.plan is not None else None
    if summary is not None and (summary.change or summary.remove):
        yield from _paragraph(preview.plan_text)
    yield from _proofs(preview)


def _paragraph(text: str) -> Iterator[str]:
    if text:
        yield from map(printable, text.splitlines())
        yield ""


def _proofs(preview: Preview) -> Iterator[str]:
    """A sample, the tests, the open risks."""
    if preview.sample_input:
        yield f"In    {printable(json.dumps(preview.sample_input, ensure_ascii=False))}"
        yield f"Out   {printable(json.dumps(preview.sample_output, ensure_ascii=False))}"
    passed = sum(verdict.passed for verdict in preview.tests)
    yield f"Tests {passed} of {len(preview.tests)} pass"
    for risk in preview.risks:
        yield f"{'!' if risk.stops else 'i'} {printable(risk.text)}"
        if risk.hint:
            yield f"    hint: {printable(risk.hint)}"
    yield ""


def next_steps(done: Finalized, preview: Preview, folder: str) -> Iterator[str]:
    where = f" on branch {done.proposed.branch}" if done.proposed.branch else ""
    for path in done.proposed.paths:
        yield f"Wrote {folder}{path}{where}"
    if done.proposed.url:
        yield f"Review it at {done.proposed.url}"
    yield "Next:"
    yield "  reconcile --plan      what would change"
    yield "  reconcile --apply     make it so"
    if done.agent and preview.sample_input:
        given = shlex.quote(json.dumps(preview.sample_input, ensure_ascii=False))
        yield f"  reconcile run {done.agent} --input {given}"


def cost(done: Finalized, took: float) -> str:
    usage = done.session.usage
    if not usage.calls:
        return f"No language model was asked. The builder took {took:.1f} s."
    tokens = usage.prompt_tokens + usage.completion_tokens
    model = f"{done.session.model}: {usage.calls} answers, {tokens:,} tokens, {usage.seconds:.1f} s"
    return f"{model}; {took:.1f} s in all."


def written(done: Finalized) -> dict[str, object]:
    """As `--json` tells it."""
    return {
        "session": done.session.id,
        "paths": list(done.proposed.paths),
        "branch": done.proposed.branch,
        "commit": done.proposed.commit,
        "url": done.proposed.url,
        "agent": done.agent,
        "usage": asdict(done.session.usage),
    }
