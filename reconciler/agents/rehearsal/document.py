"""Verdicts for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reconciler.agents.rehearsal.rehearse import Rehearsal, Verdict


def rehearsal_document(rehearsal: Rehearsal) -> dict[str, Any]:
    """JSON-ready: `type, version, passed, tests, coverage, gaps`."""
    return {
        "type": rehearsal.type,
        "version": rehearsal.version,
        "passed": rehearsal.passed,
        "tests": [_verdict(verdict) for verdict in rehearsal.verdicts],
        "coverage": round(rehearsal.coverage, 3),
        "gaps": [asdict(gap) for gap in rehearsal.gaps],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.test,
        "passed": verdict.passed,
        "seconds": round(verdict.seconds, 4),
        "differences": [
            {
                "at": found.at,
                "expected": _plain(found.expected),
                "got": _plain(found.got),
                "message": found.message,
            }
            for found in verdict.differences
        ],
    }


def _plain(value: Any) -> Any:
    """A decimal is its digits."""
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
