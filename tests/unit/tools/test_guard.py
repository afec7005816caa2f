"""What every call of a tool passes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest

from reconciler.errors import (
    BadParameter,
    BudgetExceeded,
    Crashed,
    Denied,
    MemoryExceeded,
    RateLimited,
    RunError,
    TimedOut,
    Unavailable,
)
from reconciler.spec.agent_type import Grant
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.tools.base import Capability, EffectClass, Parameter, ToolDeclaration, result_field
from reconciler.tools.guard import GuardedTool
from reconciler.tools.tool import Tool, ToolContext, Usage
from tests.unit.tools.calls import AGENT_TYPE, Surroundings, call, surroundings_of

PARAMETERS = {
    "text": Parameter("template", "A text.", required=True),
    "times": Parameter(FieldType.INTEGER, "How often.", default=1, min=1, max=9),
    "kind": Parameter(FieldType.ENUM, "Which.", values=("loud", "quiet")),
    "names": Parameter(FieldType.LIST, "Some.", items=FieldType.STRING),
    "extra": Parameter("mapping", "More."),
    "anything": Parameter("any", "Whatever."),
}


class Echo(Tool):
    """Gives back what it was given."""

    declaration = ToolDeclaration("echo", "Echo", "Gives back.", EffectClass.NONE, PARAMETERS, {})

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        return dict(params)


class Doing(Tool):
    """Does what it was made for."""

    declaration = ToolDeclaration(
        "doing",
        "Doing",
        "Does.",
        EffectClass.READ,
        {"model": Parameter(FieldType.STRING, "Which model.")},
        {},
        capabilities=frozenset({Capability.LANGUAGE_MODEL}),
    )

    def __init__(self, action: Callable[[ToolContext], Any] = lambda context: None) -> None:
        self._action = action

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        return self._action(context)


MODEL = {"model": "llama3.2"}
MODELS = {"models": ["llama3.2"]}


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"text": "a"}, {"text": "a", "times": 1}),
        ({"text": "a", "times": 3}, {"text": "a", "times": 3}),
        ({"text": "a", "times": None, "kind": None}, {"text": "a", "times": 1}),
        ({"text": 12}, {"text": "12", "times": 1}),
        ({"text": True}, {"text": "true", "times": 1}),
        ({"text": ["a"]}, {"text": '["a"]', "times": 1}),
        ({"text": "a", "extra": {}, "anything": 0}, {"text": "a", "times": 1, "extra": {}, "anything": 0}),
    ],
)
def test_a_tool_receives_parameters_that_fit_with_defaults_filled_in(
    given: dict[str, Any], received: dict[str, Any]
) -> None:
    assert call(Echo(), given) == received


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, ""),
        ({"text": None}, ""),
        ({"text": "a", "times": 0}, "/times"),
        ({"text": "a", "times": "1"}, "/times"),
        ({"text": "a", "times": True}, "/times"),
        ({"text": "a", "kind": "medium"}, "/kind"),
        ({"text": "a", "names": ["x", 1]}, "/names/1"),
        ({"text": "a", "names": "x"}, "/names"),
        ({"text": "a", "extra": [1]}, "/extra"),
        ({"text": "a", "txt": "b"}, "/txt"),
        ({"text": object()}, "/text"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused_at_its_place(given: dict[str, Any], place: str) -> None:
    with pytest.raises(BadParameter) as caught:
        call(Echo(), given)
    assert caught.value.where.startswith(f"step/with{place}" if place else "step")


@pytest.mark.parametrize("group", ["input", "settings"])
def test_a_value_that_does_not_fit_is_not_quoted_where_some_are_sensitive(group: str) -> None:
    fields = {"pin": FieldSpec(type=FieldType.STRING, sensitive=True)}
    discreet = AGENT_TYPE.model_copy(update={"spec": AGENT_TYPE.spec.model_copy(update={group: fields})})
    grant = Grant(name="echo")
    for agent_type, quoted in ((AGENT_TYPE, True), (discreet, False)):
        with pytest.raises(BadParameter) as caught:
            GuardedTool(Echo(), grant, agent_type).call(
                surroundings_of(grant), {"text": "a", "times": "s3cret"}
            )
        assert ("s3cret" in f"{caught.value} {caught.value.hint}") is quoted
        assert caught.value.where == "step/with/times"


def test_what_is_given_is_left_as_it_is() -> None:
    given = {"text": 1, "kind": None}
    call(Echo(), given)
    assert given == {"text": 1, "kind": None}


@pytest.mark.parametrize(
    ("grant", "model"),
    [({}, "llama3.2"), ({"models": []}, "llama3.2"), (MODELS, "llama3.1"), (MODELS, None)],
)
def test_a_model_beyond_the_grant_is_denied(grant: dict[str, Any], model: str | None) -> None:
    with pytest.raises(Denied) as caught:
        call(Doing(), {"model": model}, grant=grant)
    assert caught.value.where == "step/with/model"


def test_the_latest_of_a_model_is_the_model() -> None:
    call(Doing(), {"model": "llama3.2:latest"}, grant=MODELS)


def spend(tokens: int = 0, size: int = 0) -> Doing:
    def spending(context: ToolContext) -> None:
        context.usage.tokens += tokens
        context.usage.bytes += size

    return Doing(spending)


@pytest.mark.parametrize(
    ("limits", "tool", "allowed"),
    [
        ({"calls": 3}, spend(), 3),
        ({"tokens": 100}, spend(tokens=50), 2),
        ({"tokens": 100}, spend(tokens=60), 1),
        ({"bytes": 100}, spend(size=100), 1),
        ({"bytes": 99}, spend(size=100), 0),
    ],
)
def test_a_budget_ends_the_calls_of_one_task(limits: dict[str, int], tool: Tool, allowed: int) -> None:
    usage, grant = Usage(), {**MODELS, "limits": limits}
    for _ in range(allowed):
        call(tool, MODEL, grant=grant, usage=usage)
    with pytest.raises(BudgetExceeded) as caught:
        call(tool, MODEL, grant=grant, usage=usage)
    assert next(iter(limits)) in caught.value.hint
    call(tool, MODEL, grant={**MODELS, "limits": {"calls": 5}}, usage=Usage())


def test_a_rate_is_asked_of_the_host() -> None:
    host, grant = Surroundings(left=2), {**MODELS, "limits": {"rate": "2/hour"}}
    for _ in range(2):
        call(Doing(), MODEL, grant=grant, host=host)
    with pytest.raises(RateLimited) as caught:
        call(Doing(), MODEL, grant=grant, host=host)
    assert caught.value.where == "step"


def test_nothing_is_called_when_no_time_is_left() -> None:
    def never(context: ToolContext) -> None:
        raise AssertionError

    with pytest.raises(TimedOut):
        call(Doing(never), MODEL, grant=MODELS, seconds=-1)


class Declared(Doing):
    """Says what it gives."""

    declaration = replace(
        Doing.declaration,
        result={
            "label": result_field(FieldType.STRING),
            "hits": result_field(FieldType.LIST, items=FieldType.STRING, optional=True),
        },
    )


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"label": "a", "hits": ["b"]}, {"label": "a", "hits": ["b"]}),
        ({"label": "a"}, {"label": "a", "hits": None}),
        ({"label": 5}, "/label"),
        ({"label": "a", "hits": ["s3cret", 5]}, "/hits/1"),
        ({"label": "a", "s3cret": 1}, "unknown-result"),
        ({}, "missing-result"),
        ("s3cret", "value-type"),
        (None, "value-type"),
    ],
)
def test_a_tool_gives_what_it_declares(given: Any, received: dict[str, Any] | str) -> None:
    tool = Declared(lambda context: given)
    if isinstance(received, dict):
        assert call(tool, MODEL, grant=MODELS) == received
        return
    with pytest.raises(Crashed, match=received) as caught:
        call(tool, MODEL, grant=MODELS)
    assert "s3cret" not in str(caught.value) or received == "unknown-result"


def fail(error: BaseException) -> Callable[[ToolContext], None]:
    def failing(context: ToolContext) -> None:
        raise error

    return failing


def test_errors_of_running_pass_and_say_which_step() -> None:
    with pytest.raises(Unavailable) as caught:
        call(Doing(fail(Unavailable("gone"))), MODEL, grant=MODELS)
    assert caught.value.where == "step"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("the secret is s3cret"), Crashed),
        (RecursionError("s3cret"), Crashed),
        (KeyError("s3cret"), Crashed),
        (MemoryError("s3cret"), MemoryExceeded),
    ],
)
def test_whatever_else_a_tool_raises_is_typed_and_tells_no_value(
    error: Exception, kind: type[RunError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "reconciler.tools")
    with pytest.raises(kind) as caught:
        call(Doing(fail(error)), MODEL, grant=MODELS)
    said = f"{caught.value} {caught.value.hint} {caplog.text}"
    assert "doing" in said
    assert "s3cret" not in said


def test_the_log_names_step_and_tool_but_no_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "reconciler.tools")
    call(Echo(), {"text": "s3cret"})
    with pytest.raises(BadParameter):
        call(Echo(), {"text": "s3cret", "times": "s3cret"})
    assert "step: echo answered" in caplog.text
    assert "step/with/times: echo failed: bad_parameter" in caplog.text
    assert "s3cret" not in caplog.text


def test_an_end_that_is_no_exception_of_the_tool_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        call(Doing(fail(KeyboardInterrupt())), MODEL, grant=MODELS)


def test_the_guard_adds_a_handful_of_calls_to_that_of_the_tool() -> None:
    """Nothing is parsed, compiled or looked up anew: what could be settled beforehand was."""
    grant = Grant(name="echo")
    guarded, context = GuardedTool(Echo(), grant, AGENT_TYPE), surroundings_of(grant)
    guarded.call(context, {"text": "a"})
    calls = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        guarded.call(context, {"text": "a"})
    finally:
        sys.setprofile(None)
    assert calls <= 12
