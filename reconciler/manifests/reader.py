"""One file -> compiled documents and everything wrong with them. A pure function of the file's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from reconciler.errors import Problem
from reconciler.manifests.checks.secret_values import secret_values
from reconciler.manifests.compiled import Compiled
from reconciler.manifests.document import Document, read, salvage
from reconciler.manifests.messages import MOST_FINDINGS, findings_of
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import API_VERSION, AgentType
from reconciler.spec.base import TYPE_NAME
from reconciler.spec.codec import SPEC_OF, Spec, canonical
from reconciler.spec.findings import Finding, did_you_mean, pointer
from reconciler.spec.requirements import requirements
from reconciler.spec.state import KIND_OF, digest_of


class Sound(NamedTuple):
    """A document with nothing wrong in itself, and the spec it holds."""

    compiled: Compiled
    spec: Spec


def compile_file(data: bytes, file: str) -> tuple[list[Compiled], list[Problem], list[str]]:
    """The sound documents of a file, its problems, and the addresses that are held.

    Held are the addresses of documents with an error, as far as they can be made out: what is broken
    is neither changed nor removed. `file` is only written into the results. Nothing the bytes hold raises.
    """
    sound, problems, held = read_file(data, file)
    return [document.compiled for document in sound], problems, held


def read_file(data: bytes, file: str) -> tuple[list[Sound], list[Problem], list[str]]:
    """The same, each sound document with its spec."""
    documents, problems, held = read(data, file)
    found: dict[str, Sound] = {}
    for document in documents:
        made, findings = _compile(document, file)
        if findings:
            problems.extend(_problems(document, file, findings))
        if made is None:
            held.extend(_addresses(document))
            continue
        address = made.compiled.address
        if address in found:
            problems.append(_duplicate(found[address].compiled, made.compiled))
            held.append(address)
        else:
            found[address] = made
    if held:
        held = list(dict.fromkeys(held))
        # What is both sound and broken in one file is in doubt.
        found = {address: made for address, made in found.items() if address not in held}
    return list(found.values()), problems, held


def _compile(document: Document, file: str) -> tuple[Sound | None, Sequence[Finding]]:
    value = document.value
    secrets = secret_values(value, document.segment.text)
    if secrets:  # and nothing else, lest it be quoted
        return None, secrets
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KIND_OF:
        return None, list(_unknown_kind(value))
    model = SPEC_OF[KIND_OF[kind]]
    try:
        # The models also know their Python names (`with_`); manifests do not.
        spec: Spec = model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        return None, findings_of(error, value, model)
    findings = _check(spec)
    if findings and any(finding.severity == "error" for finding in findings):
        return None, findings
    text = canonical(spec)
    compiled = Compiled(
        address=f"{KIND_OF[kind]}/{spec.metadata.name}",
        digest=digest_of(text),
        canonical=text,
        file=file,
        line=document.line,
        column=document.column,
        number=document.index,
        requires=tuple(sorted(requirements(spec))),
    )
    return Sound(compiled, spec), findings


def _check(spec: Spec) -> list[Finding]:
    # Imported here so that reading policies and JSON Schemas does not load the tools and the expressions.
    if isinstance(spec, AgentType):
        from reconciler.manifests.checks.agent_type import check_type

        return check_type(spec)
    if isinstance(spec, Agent):
        from reconciler.manifests.checks.agent import check_agent

        return check_agent(spec)
    return []


def _unknown_kind(value: Mapping[str, Any]) -> Iterator[Finding]:
    kind, version = value.get("kind"), value.get("apiVersion")
    if "apiVersion" not in value:
        yield Finding(
            "missing-key", "`apiVersion` is missing", ("apiVersion",), f"write `apiVersion: {API_VERSION}`"
        )
    elif version != API_VERSION:
        hint = f"this program reads `{API_VERSION}`"
        yield Finding("unknown-api-version", "not a version of the manifest language", ("apiVersion",), hint)
    if "kind" not in value:
        yield Finding("missing-key", "`kind` is missing", ("kind",), did_you_mean("", KIND_OF))
    elif isinstance(kind, str):
        yield Finding(
            "unknown-kind", f"there is no kind `{kind[:60]}`", ("kind",), did_you_mean(kind, KIND_OF)
        )
    else:
        yield Finding("wrong-type", "`kind` should be text", ("kind",), did_you_mean("", KIND_OF))


def _problems(document: Document, file: str, findings: Sequence[Finding]) -> Iterator[Problem]:
    from reconciler.manifests.positions import Positions

    positions = Positions(document.segment)
    told = sorted(findings, key=lambda finding: finding.severity)[:MOST_FINDINGS]  # errors before warnings
    places = [positions.of(finding.path, at_key=finding.at_key, offset=finding.offset) for finding in told]
    for (line, column), finding in sorted(zip(places, told, strict=True), key=lambda pair: pair[0]):
        place = (file, line, column, pointer(finding.path))
        yield Problem(finding.code, finding.message, *place, hint=finding.hint, severity=finding.severity)
    if len(findings) > MOST_FINDINGS:
        message = f"this document has more problems; these are the first {MOST_FINDINGS} found"
        where = (file, document.line, document.column)
        yield Problem("more-problems", message, *where, severity=told[0].severity)


def _addresses(document: Document) -> list[str]:
    """Addresses a broken document may have: with an unknown kind, those of every kind."""
    kind, metadata = document.value.get("kind"), document.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not re.fullmatch(TYPE_NAME, name):
        return salvage(document.segment.text)
    if isinstance(kind, str) and kind in KIND_OF:
        return [f"{KIND_OF[kind]}/{name}"]
    return [f"{prefix}/{name}" for prefix in KIND_OF.values()]


def _duplicate(first: Compiled, second: Compiled) -> Problem:
    message = f"{second.address} is defined here and at line {first.line}"
    hint = "keep one of the two; until then neither is used"
    return Problem("duplicate-object", message, second.file, second.line, second.column, "", hint)
