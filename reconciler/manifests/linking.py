"""Checking documents against each other and against the policies: what needs the spec models to join them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled
from reconciler.manifests.document import locate
from reconciler.manifests.forked import spread
from reconciler.manifests.link import link
from reconciler.policy.check import check_policy
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, parse_canonical
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.policy import Policy


def link_documents(
    due: Sequence[str],
    documents: Mapping[str, Compiled],
    doubtful: Collection[str],
    content: Callable[[str], bytes | None],
) -> dict[str, tuple[Problem, ...]]:
    """The problems of the documents at the `due` addresses, by address, for those that have any.

    `documents` are all that are known for certain; `doubtful` the addresses of others, which exist all the
    same. `content` gives the bytes a file was compiled from, None where they are gone.
    """
    linker = _Linker(documents, doubtful)

    def work(groups: Sequence[Sequence[str]]) -> list[tuple[str, list[tuple[Any, ...]]]]:
        found = ((address, linker.findings(address)) for group in groups for address in group)
        return [
            (address, [_located(finding, documents[address], content) for finding in findings])
            for address, findings in found
            if findings
        ]

    results = spread(work, _by_type(due, documents))
    return {address: tuple(Problem(*row) for row in rows) for part in results for address, rows in part}


class _Linker:
    """Calls the checks of one document with all they may ask about the others."""

    def __init__(self, documents: Mapping[str, Compiled], doubtful: Collection[str]) -> None:
        self._documents = documents
        self._doubtful = doubtful
        self._specs: dict[str, Spec] = {}
        policies = (self._lookup(address) for address in sorted(documents) if address.startswith("policy/"))
        self._policies = [policy for policy in policies if isinstance(policy, Policy)]

    def findings(self, address: str) -> list[Finding]:
        spec = self._lookup(address)
        if spec is None:
            raise KeyError(address)
        found = list(link(address, spec, self._lookup, self._names_of))
        if isinstance(spec, AgentType):
            found += check_policy(spec, self._policies)
        if not address.startswith("type/"):
            del self._specs[address]  # ten thousand agents need not stay in memory; types are asked for again
        return found

    def _lookup(self, address: str) -> Spec | None:
        if address not in self._specs:
            document = self._documents.get(address)
            if document is None:
                return None
            self._specs[address] = parse_canonical(address.partition("/")[0], document.canonical)
        return self._specs[address]

    def _names_of(self, kind: str) -> Iterable[str]:
        prefix = f"{kind}/"
        known = (*self._documents, *self._doubtful)
        return [address.removeprefix(prefix) for address in known if address.startswith(prefix)]


def _by_type(addresses: Sequence[str], documents: Mapping[str, Compiled]) -> list[list[str]]:
    """Agents together with their type, so that a type is loaded in one process only."""
    groups: dict[str, list[str]] = {}
    for address in addresses:
        types = (required for required in documents[address].requires if required.startswith("type/"))
        key = next(types, address) if address.startswith("agent/") else address
        groups.setdefault(key, []).append(address)
    return list(groups.values())


def _located(finding: Finding, document: Compiled, content: Callable[[str], bytes | None]) -> tuple[Any, ...]:
    """A problem's fields. Positions are not kept but looked up: documents have many, findings are few."""
    line, column = document.line, document.column
    data = content(document.file)
    if data is not None:
        line, column = locate(data, document.index, finding.path, finding.at_key, finding.offset)
    where = (document.file, line, column, pointer(finding.path))
    return (finding.code, finding.message, *where, finding.hint, finding.severity)
