"""Problems and hazards where reviewers read code: GitHub's workflow commands and SARIF 2.1.0."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from reconciler import __version__
from reconciler.errors import Problem
from reconciler.plans.changes import Hazard, Severity

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

Level = Literal["error", "warning", "note"]
_LEVEL_OF_SEVERITY: dict[Severity, Level] = {
    Severity.BLOCK: "error",
    Severity.CONFIRM: "warning",
    Severity.NOTICE: "note",
}
_COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class _Finding:
    """What both formats say of a problem or hazard; `line` and `column` are 0 where the whole file is meant.

    `identity` is what stays when lines move and rows are counted anew; `subject` is the address of a hazard.
    """

    level: Level
    code: str
    message: str
    advice: str
    file: str
    line: int
    column: int
    identity: str
    subject: str = ""


def github_annotations(
    problems: Sequence[Problem], hazards: Sequence[Hazard] = (), *, root: str = ""
) -> Iterator[str]:
    """One workflow command a line, errors first: GitHub shows only the first ten of each level.

    `root` leads from the repository's root to the source, whose files the findings name.
    """
    for finding in sorted(
        _findings(problems, hazards, root), key=lambda finding: list(_COMMANDS).index(finding.level)
    ):
        properties = {
            "file": finding.file,
            "line": str(finding.line) if finding.line else "",
            "col": str(finding.column) if finding.column else "",
            "title": finding.code,
        }
        told = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
        text = "\n".join(filter(None, (finding.message, finding.advice)))
        yield f"::{_COMMANDS[finding.level]} {told}::{_data(text)}"


def sarif(problems: Sequence[Problem], hazards: Sequence[Hazard] = (), *, root: str = "") -> dict[str, Any]:
    """A SARIF log of one run, JSON-ready. Findings keep their identity when only their line moves."""
    findings = _findings(problems, hazards, root)
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "reconcile",
        "version": __version__,
        "rules": [
            {"id": code, "name": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes
        ],
    }
    results = [_result(finding, codes.index(finding.code)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _findings(problems: Sequence[Problem], hazards: Sequence[Hazard], root: str) -> list[_Finding]:
    base = f"{root.rstrip('/')}/" if root else ""
    found = [
        _Finding(
            p.severity,
            p.code,
            p.message,
            p.hint,
            base + p.file if p.file else "",
            p.line,
            p.column,
            p.pointer + p.message,
        )
        for p in problems
    ]
    for hazard in hazards:
        place = hazard.location
        rows = "" if hazard.rows is None else f" ({hazard.rows:,} row{'' if hazard.rows == 1 else 's'})"
        found.append(
            _Finding(
                _LEVEL_OF_SEVERITY[hazard.severity],
                hazard.code,
                f"{hazard.message}{rows}",
                hazard.suggestion,
                base + place.file if place else "",
                place.line if place else 0,
                place.column if place else 0,
                hazard.object,
                hazard.address,
            )
        )
    return found


def _result(finding: _Finding, rule: int) -> dict[str, Any]:
    text = f"{finding.message}\n{finding.advice}" if finding.advice else finding.message
    identity = "\n".join((finding.code, finding.file, finding.subject, finding.identity))
    location: dict[str, Any] = {}
    if finding.file:
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(finding.file)}}
        if finding.line:
            region = {
                "startLine": finding.line,
                **({"startColumn": finding.column} if finding.column else {}),
            }
            location["physicalLocation"]["region"] = region
    if finding.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.subject}]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": text},
        "locations": [location] if location else [],
        "partialFingerprints": {"finding/v1": hashlib.sha256(identity.encode()).hexdigest()[:32]},
    }


def _data(text: str) -> str:
    """A command ends at its line: what would end it is percent-encoded, as the runner undoes."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
