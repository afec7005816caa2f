"""The pipeline: every step in the order it runs, with what it can see by then."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.expressions.scope import Shape
from reconciler.expressions.shapes import either
from reconciler.manifests.checks.calls import Contract, check_call
from reconciler.manifests.checks.values import (
    ANY,
    Scope,
    check_condition,
    check_texts,
    shape_of_condition,
)
from reconciler.spec.findings import Finding, Path
from reconciler.spec.steps import OnError, Step

ITEM = "item"
"""What the item of a loop is called where `as` does not say."""

ROOTS = ("input", "settings", "steps", "task", "secrets")
"""Names of expressions that a loop cannot take."""

TASK = Shape(
    "object",
    {name: Shape("string") for name in ("id", "agent", "type", "type_version")}
    | {"created_at": Shape("datetime")},
)
"""What expressions can ask about the running task."""


@dataclass(slots=True)
class Walk:
    """One pass over a pipeline. `results` fills as the steps go by: what later steps and the output can see.

    `names` is what expressions see besides the steps. `steps` holds every step, nested ones included; `tools`
    the names of those called.
    """

    contract: Contract
    names: Mapping[str, Shape]
    results: dict[str, Shape] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    call_results: dict[str, Shape] = field(default_factory=dict)
    """Result of one call of each step, whether it loops or not and whether later steps can see it or not."""
    tools: set[str] = field(default_factory=set)

    def check(self) -> Iterator[Finding]:
        pipeline = self.contract.agent_type.spec.pipeline
        known = frozenset(step_ids(pipeline))
        for index, step in enumerate(pipeline):
            scope = Scope({**self.names, "steps": Shape("object", dict(self.results))}, known)
            seen = yield from self._step(step, ("spec", "pipeline", index), scope)
            self.results.update(seen)

    def _step(self, step: Step, path: Path, scope: Scope) -> Generator[Finding, None, dict[str, Shape]]:
        """What later steps can see of this one, by id."""
        repeated = step.id in self.steps
        if repeated:
            yield Finding(
                "step-id-repeats", f"another step is called `{step.id}`", (*path, "id"), "choose another id"
            )
        self.steps.setdefault(step.id, step)
        yield from _check_timeout(step, path, self.contract)
        if isinstance(step.when, str):
            yield from check_condition(step.when, (*path, "when"), scope)
        inside = yield from _enter_loop(step, path, scope)
        result, children = yield from self._work(step, path, inside)
        if step.fallback is not None:
            result = yield from self._fallback(step, path, inside, result)
        self.call_results.setdefault(step.id, result)
        skippable = step.when is not None or step.on_error is OnError.CONTINUE
        if step.for_each is not None:
            result, children = Shape("list", items=result), {}
        if skippable:
            result = result.with_optional(True)
            children = {name: shape.with_optional(True) for name, shape in children.items()}
        return children if repeated else {step.id: result, **children}

    def _work(
        self, step: Step, path: Path, scope: Scope
    ) -> Generator[Finding, None, tuple[Shape, dict[str, Shape]]]:
        if step.tool is not None:
            self.tools.add(step.tool)
            result = yield from check_call(step.tool, step.with_, path, self.contract, scope)
            return result, {}
        if step.parallel is None:
            yield from check_texts(step.input, (*path, "input"), scope)
            return ANY, {}
        children: dict[str, Shape] = {}
        for index, child in enumerate(step.parallel):
            seen = yield from self._step(child, (*path, "parallel", index), scope)
            children.update(seen)
        own = {child.id for child in step.parallel}
        return Shape("object", {name: shape for name, shape in children.items() if name in own}), children

    def _fallback(
        self, step: Step, path: Path, scope: Scope, result: Shape
    ) -> Generator[Finding, None, Shape]:
        fallback = step.fallback
        if fallback is None:
            return result
        self.tools.add(fallback.tool)
        instead = yield from check_call(
            fallback.tool, fallback.with_, (*path, "fallback"), self.contract, scope
        )
        return _one_of(result, instead)


def step_ids(steps: list[Step]) -> Iterator[str]:
    """Ids of all steps, nested ones included, in the order they are written."""
    for step in steps:
        yield step.id
        yield from step_ids(step.parallel or [])


def _enter_loop(step: Step, path: Path, scope: Scope) -> Generator[Finding, None, Scope]:
    """The scope inside a step's `for_each`; the step's own scope where it has none."""
    if step.for_each is None:
        return scope
    where = (*path, "for_each")
    if isinstance(step.for_each, str):
        yield from check_condition(step.for_each, where, scope)
        shape = shape_of_condition(step.for_each, scope)
        if shape.type not in ("list", "json", "any"):
            hint = "a loop runs over a list"
            yield Finding("for-each-no-list", f"the expression gives {shape.type}, not a list", where, hint)
    else:
        yield from check_texts(step.for_each, where, scope)
        shape = scope.shape_of(step.for_each)
    name = step.as_ or ITEM
    if name in ROOTS:
        yield Finding("reserved-name", f"`{name}` means something else in expressions", (*path, "as"))
        return scope
    if name in scope.names:
        message = f"`{name}` is the item of an outer loop already"
        yield Finding(
            "loop-name-repeats", message, (*path, "as" if step.as_ else "for_each"), "name the item with `as`"
        )
    return scope.with_name(name, shape.items or ANY)


def _check_timeout(step: Step, path: Path, contract: Contract) -> Iterator[Finding]:
    longest = contract.agent_type.spec.limits.timeout
    if step.timeout is not None and longest is not None and step.timeout > longest:
        message = "the step may take longer than the whole task"
        yield Finding(
            "timeout-exceeds-task", message, (*path, "timeout"), "raise `limits.timeout`", "warning"
        )


def _one_of(result: Shape, instead: Shape) -> Shape:
    """Of two calls only one happens: what just one of them gives may be missing."""
    if result.fields is None or instead.fields is None:
        return result if result == instead else ANY
    fields: dict[str, Shape] = {}
    for name in {**result.fields, **instead.fields}:
        here, there = result.fields.get(name), instead.fields.get(name)
        fields[name] = either(here, there) if here and there else (here or there or ANY).with_optional(True)
    return Shape("object", fields)
