"""How things end: exit codes and HTTP statuses of errors, codes of failed tasks, hazards of plans, bounds of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler import errors
from reconciler.documentation.markdown import code, prose, table
from reconciler.errors import RUN_ERRORS, ReconcilerError
from reconciler.plans.hazards import SEVERITIES
from reconciler.policy.ceilings import CEILINGS
from reconciler.spec.steps import RetryOn


def outcome_lines() -> Iterator[str]:
    data = outcome_data()
    yield from ("## Ceilings", "", "What no type may exceed, whatever a policy says.", "")
    yield from table(("Limit", "At most"), [(code(n), code(str(v))) for n, v in data["ceilings"].items()])
    yield from (
        "## Hazards of a plan",
        "",
        "`notice` never stops an apply, `confirm` until it is allowed, `block` always.",
        "",
    )
    yield from table(("Code", "Severity"), [(code(n), severity) for n, severity in data["hazards"].items()])
    yield from ("## Errors", "", "What a command or the API answers with. Exit code 0 is success.", "")
    rows = [(code(e["code"]), str(e["exit"]), str(e["http"]), prose(e["about"])) for e in data["errors"]]
    yield from table(("Code", "Exit code", "HTTP status", "Meaning"), rows)
    yield from ("## How a task can fail", "", "`retry.on` may name those that are worth another attempt.", "")
    again = {reason.value for reason in RetryOn}
    failures = [
        (code(name), str(kind.http_status), "yes" if name in again else "")
        for name, kind in RUN_ERRORS.items()
    ]
    yield from table(("Code", "HTTP status", "In `retry.on`"), failures)


def outcome_data() -> dict[str, Any]:
    return {
        "ceilings": CEILINGS.model_dump(mode="json", exclude_none=True),
        "hazards": {hazard: severity.value for hazard, severity in SEVERITIES.items()},
        "errors": [
            {
                "code": kind.code,
                "exit": kind.exit_status,
                "http": kind.http_status,
                "about": _drawn().get(kind.__name__, ""),
            }
            for kind in _kinds()
        ],
        "run_errors": sorted(RUN_ERRORS),
    }


def _kinds() -> list[type[ReconcilerError]]:
    """Those that all can meet; failures of tasks are a table of their own."""
    named = (getattr(errors, name) for name in errors.__all__)
    kinds = [kind for kind in named if isinstance(kind, type) and issubclass(kind, ReconcilerError)]
    return [k for k in kinds if k is not ReconcilerError and k.code not in RUN_ERRORS]


def _drawn() -> dict[str, str]:
    """What the tree in the docstring says of each: the words behind its status."""
    found: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        _, mark, rest = line.partition("── ")
        words = rest.split()
        numbers = [at for at, word in enumerate(words) if word.isdigit()]
        if mark and words and numbers:
            found[words[0]] = " ".join(words[numbers[-1] + 1 :])
    return found
