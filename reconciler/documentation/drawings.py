"""The diagrams as SVG, for pages that nobody's script draws on: sizes in pixels, colours those of the page."""

from __future__ import annotations

import html
from collections.abc import Iterator

from reconciler.documentation.diagrams import step_label
from reconciler.documentation.markdown import one_line
from reconciler.spec.agent_type import AgentType, ModelSpec
from reconciler.spec.fields import FieldType
from reconciler.spec.steps import Step

WIDTH, HEIGHT, GAP = 260, 36, 28
"""Of a box, and between two of them."""
LINE = 20
"""Height of a field in the box of its model."""
LETTERS = 34
"""Of a label, at most."""


def flow_drawing(agent_type: AgentType) -> str:
    """The pipeline from input to output: what runs side by side stands side by side, what stands in is dashed."""
    steps = agent_type.spec.pipeline
    widest = max((_breadth(step) + (step.fallback is not None) for step in steps), default=1)
    width = widest * (WIDTH + GAP) + GAP
    parts: list[str] = []
    y = GAP
    parts += _box(GAP, y, "input", rounded=True)
    for step in steps:
        parts.append(_arrow(y + HEIGHT, y + HEIGHT + GAP))
        y += HEIGHT + GAP
        parts += _step(step, y)
    parts.append(_arrow(y + HEIGHT, y + HEIGHT + GAP))
    y += HEIGHT + GAP
    parts += _box(GAP, y, "output", rounded=True)
    return _drawing(width, y + HEIGHT + GAP, "The pipeline, step by step", parts)


def entity_drawing(agent_type: AgentType) -> str:
    """A box per model with its fields; a line from each reference to the model that it points at."""
    models = agent_type.spec.models
    places = {name: GAP + number * (WIDTH + 2 * GAP) for number, name in enumerate(models)}
    parts: list[str] = []
    for name, model in models.items():
        parts += _model(places[name], name, model)
        for number, field in enumerate(model.fields.values(), start=1):
            if field.type is FieldType.REFERENCE and field.model in places:
                parts.append(_reference(places[name], number, places[field.model]))
    tallest = max((len(model.fields) for model in models.values()), default=0)
    width = len(models) * (WIDTH + 2 * GAP) + GAP
    return _drawing(width, 2 * GAP + HEIGHT + tallest * LINE + 8, "The tables and their references", parts)


def _step(step: Step, y: int) -> Iterator[str]:
    if step.parallel is None:
        yield from _box(GAP, y, step_label(step))
    middle = y + HEIGHT // 2
    for number, inner in enumerate(step.parallel or ()):
        x = GAP + number * (WIDTH + GAP)
        if number:
            yield _line(x - GAP, middle, x, middle)
        yield from _box(x, y, step_label(inner))
    if step.fallback is not None:
        right = GAP + _breadth(step) * (WIDTH + GAP)
        yield _line(right - GAP, middle, right, middle, dashed=True)
        yield from _box(right, y, step.fallback.tool, dashed=True)


def _breadth(step: Step) -> int:
    """Boxes side by side, what stands in not counted."""
    return max(1, len(step.parallel or ()))


def _model(x: int, name: str, model: ModelSpec) -> Iterator[str]:
    height = HEIGHT + len(model.fields) * LINE + 8
    yield _rectangle(x, GAP, height, radius=4)
    yield _text(x + 12, GAP + 23, name, strong=True)
    yield _line(x, GAP + HEIGHT, x + WIDTH, GAP + HEIGHT)
    for number, (field_name, field) in enumerate(model.fields.items(), start=1):
        yield _text(x + 12, GAP + HEIGHT + number * LINE - 3, f"{field_name}: {field.type.value}")


def _reference(x: int, number: int, target: int) -> str:
    """From the field's side that is nearer to the head of its target; a model that refers to itself bends back."""
    y, head = GAP + HEIGHT + number * LINE - 8, GAP + HEIGHT // 2
    start, end = (x, target + WIDTH) if target < x else (x + WIDTH, target)
    leaving, arriving = (start - GAP, end + GAP) if target < x else (start + GAP, end - GAP)
    if target == x:
        end, arriving = start, leaving
    path = f"M{start} {y} C{leaving} {y} {arriving} {head} {end} {head}"
    return f'<path d="{path}" fill="none" stroke="currentColor" marker-end="url(#tip)"/>'


def _box(x: int, y: int, label: str, *, rounded: bool = False, dashed: bool = False) -> Iterator[str]:
    yield _rectangle(x, y, HEIGHT, radius=HEIGHT // 2 if rounded else 4, dashed=dashed)
    yield _text(x + WIDTH // 2, y + 23, label, middle=True)


def _rectangle(x: int, y: int, height: int, *, radius: int, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="{radius}" '
        f'fill="none" stroke="currentColor"{dashes}/>'
    )


def _arrow(top: int, bottom: int) -> str:
    x = GAP + WIDTH // 2
    return f'<path d="M{x} {top} V{bottom - 1}" stroke="currentColor" marker-end="url(#tip)"/>'


def _line(x: int, y: int, to_x: int, to_y: int, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<path d="M{x} {y} L{to_x} {to_y}" stroke="currentColor"{dashes}/>'


def _text(x: int, y: int, text: str, *, strong: bool = False, middle: bool = False) -> str:
    line = one_line(text)
    shown = html.escape(line if len(line) <= LETTERS else line[: LETTERS - 1] + "…")
    weight = ' font-weight="600"' if strong else ""
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text x="{x}" y="{y}" fill="currentColor"{weight}{anchor}>{shown}</text>'


def _drawing(width: int, height: int, about: str, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{about}" '
        'font-size="13"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="currentColor"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )
