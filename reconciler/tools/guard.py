"""GuardedTool: what every call of a tool passes, whoever wrote the tool.

In this order: the time that is left, the parameters, the bounds of the grant, its budgets, its rate; then the call;
then what it used up, and whether it gave what it declares. No value is logged: the log says which tool, which step and
how it went.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any

from reconciler.errors import BudgetExceeded, Crashed, Denied, MemoryExceeded, OutputTooLarge, RunError
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.limits import GrantLimits
from reconciler.spec.validation import FieldsValidator, ValuesInvalid, validator_of
from reconciler.tools.base import Capability
from reconciler.tools.call_parameters import CallParameters
from reconciler.tools.declarations.language_model import model_name
from reconciler.tools.tool import Tool, ToolContext, Usage

_log = logging.getLogger("reconciler.tools")
_NO_LIMITS = GrantLimits()
_NAMED_MODELS = frozenset({Capability.LANGUAGE_MODEL, Capability.TABLES})


class GuardedTool:
    """One tool as one type may use it: made once, called by many tasks, also at the same time."""

    def __init__(self, tool: Tool, grant: Grant, agent_type: AgentType) -> None:
        self._tool = tool
        self._name = tool.name
        self._execute = tool.execute
        self._parameters = CallParameters(tool.declaration, discreet=agent_type.holds_secrets)
        limits = grant.limits or _NO_LIMITS
        budgets = (("calls", limits.calls), ("tokens", limits.tokens), ("bytes", limits.bytes))
        self._budgets = tuple((budget, most) for budget, most in budgets if most is not None)
        self._rate = limits.rate
        self._counting = Lock()
        self._models = _granted_models(tool, grant)
        self._result = _declared_result(tool)

    def call(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        """What the tool gives. Raises RunError and nothing else; `where` begins with the step's id."""
        try:
            if monotonic() >= context.deadline:
                context.remaining()  # raises
            checked = self._parameters.check(params, context.step)
            if self._models is not None:
                self._check_model(checked.get("model"), context.step)
            if self._budgets:
                self._spend(context)
            if self._rate is not None:
                context.host.take(context.agent, self._name, self._rate)
            result = self._execute(context, checked)
            if self._budgets:
                self._check_spent(context.usage, context.step)
            if self._result is not None:
                result = self._result.complete(result, noun="result")
        except RunError as error:
            error.where = error.where or context.step
            _log.info("%s: %s failed: %s", error.where, self._name, error.code)
            raise
        except MemoryError as error:
            message = f"the tool `{self._name}` needed more memory than the task may have"
            raise MemoryExceeded(message, where=context.step) from error
        except ValuesInvalid as error:
            raise self._undeclared(error, context.step) from error
        except PermissionError as error:
            told = f"the system does not let the tool `{self._name}` do what it tried"
            raise Denied(
                told, where=context.step, hint="a tool reaches outside by what its context gives"
            ) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EFBIG:
                raise OutputTooLarge(
                    f"the tool `{self._name}` wrote too large a file", where=context.step
                ) from error
            raise self._broke(error, context.step) from error
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s: %s answered", context.step, self._name)
        return result

    def _check_model(self, model: Any, step: str) -> None:
        """`model` is the parameter by which tools that may use only some of something say which of them."""
        if isinstance(model, str) and model_name(model) in (self._models or ()):
            return
        raise Denied(
            f"`{model}` is not granted to `{self._name}`",
            where=f"{step}/with/model",
            hint=f"add it to `models` of the grant of `{self._name}` in `tools`",
        )

    def _spend(self, context: ToolContext) -> None:
        """Counts the call, unless a budget is used up."""
        usage = context.usage
        with self._counting:  # iterations of a loop run at the same time, and share one usage
            for budget, most in self._budgets:
                if getattr(usage, budget) >= most:
                    raise self._used_up(budget, most, context.step)
            usage.calls += 1

    def _check_spent(self, usage: Usage, step: str) -> None:
        for budget, most in self._budgets:
            if getattr(usage, budget) > most:
                raise self._used_up(budget, most, step)

    def _used_up(self, budget: str, most: int, step: str) -> BudgetExceeded:
        return BudgetExceeded(
            f"a task may use at most {most:,} {budget} of `{self._name}`",
            where=step,
            hint=f"raise `limits: {{{budget}: ...}}` of its grant in `tools`",
        )

    def _undeclared(self, error: ValuesInvalid, step: str) -> Crashed:
        """The result lacks a declared field, or one does not fit. Says where it is wrong, but does not quote it."""
        place, reason = f"{self._name}{error.where}", error.findings[0].code
        return Crashed(
            f"the tool `{self._name}` gave something else than it declares: {reason} at `{place}`",
            where=step,
            hint="this is a bug of the tool",
        )

    def _broke(self, error: Exception, step: str) -> Crashed:
        """Says where in the tool it happened. What the exception says is left out: it may quote a value."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
        kind = type(error).__name__
        _log.error("%s: %s broke: %s at %s", step, self._name, kind, place)
        return Crashed(
            f"the tool `{self._name}` broke: {kind} at {place}", where=step, hint="this is a bug of the tool"
        )


def _declared_result(tool: Tool) -> FieldsValidator | None:
    """What checks a result; None where it depends on the call, which then is the tool's own business."""
    result = tool.declaration.result
    return None if callable(result) or not result else validator_of(dict(result))


def _granted_models(tool: Tool, grant: Grant) -> frozenset[str] | None:
    """What the parameter `model` may be; None where it bounds nothing."""
    declaration = tool.declaration
    if "model" not in declaration.parameters or not declaration.capabilities & _NAMED_MODELS:
        return None
    return frozenset(map(model_name, grant.models or ()))
