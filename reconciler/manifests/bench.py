"""What one process knows of a source: it compiles files, remembers their specs, and links documents.

Linking asks for specs again and again: what is remembered need not be read once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile
from reconciler.manifests.link import Names, link
from reconciler.manifests.reader import read_file
from reconciler.manifests.sources import Source, content_digest
from reconciler.policy.check import Rules
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, parse_canonical
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.policy import Policy

FileRow = tuple[str, bytes, list[tuple[Any, ...]], list[tuple[Any, ...]], list[str]]
"""A CompiledFile in plain values: path, content, documents, problems, held."""

LinkRow = tuple[str, list[tuple[Any, ...]]]
"""An address and the problems of its document, in plain values."""


class Bench:
    """Knows the documents it has compiled or was told of, and no others."""

    def __init__(self, source: Source, pinned: Sequence[Policy] = ()) -> None:
        self._source, self._pinned = source, pinned
        self._specs: dict[str, tuple[str, Spec]] = {}
        self._documents: dict[str, Compiled] = {}
        self._contents: dict[str, bytes] = {}

    def compile(self, paths: Sequence[str]) -> list[FileRow]:
        """The files, read and compiled."""
        rows: list[FileRow] = []
        for path, data in self._source.read(paths):
            if isinstance(data, Problem):
                rows.append((path, b"", [], [_plain(data)], []))
                continue
            sound, problems, held = read_file(data, path)
            self._contents[path] = content = content_digest(data)
            for compiled, spec in sound:
                self._documents[compiled.address] = compiled
                self._specs[compiled.address] = (compiled.digest, spec)
            documents = [tuple(compiled) for compiled, _ in sound]
            rows.append((path, content, documents, [*map(_plain, problems)], held))
        return rows

    def learn(self, documents: Iterable[Compiled], contents: Mapping[str, bytes]) -> None:
        """Of further documents, and of the digests of files by path."""
        self._documents.update((document.address, document) for document in documents)
        self._contents.update(contents)

    def forget(self, addresses: Iterable[str]) -> None:
        """Documents that nothing certain is known of after all."""
        for address in addresses:
            self._documents.pop(address, None)

    def spec(self, address: str) -> Spec | None:
        """None where there is no such document, or none that is known for certain."""
        document = self._documents.get(address)
        if document is None:
            return None
        digest, spec = self._specs.get(address, ("", None))
        if spec is None or digest != document.digest:
            spec = parse_canonical(address.partition("/")[0], document.canonical)
            self._specs[address] = (document.digest, spec)
        return spec

    def link(self, due: Iterable[str], policies: Iterable[str], names: Names) -> list[LinkRow]:
        """The problems of documents among the others, for those that have any.

        `names` tells all names of a kind, for hints about requirements that are not known here.
        """
        own = [spec for spec in map(self.spec, policies) if isinstance(spec, Policy)]
        rules = Rules([*self._pinned, *own])
        found = ((address, self._findings(address, rules, names)) for address in due)
        return [
            (address, [self._located(finding, self._documents[address]) for finding in findings])
            for address, findings in found
            if findings
        ]

    def _findings(self, address: str, rules: Rules, names: Names) -> list[Finding]:
        spec = self.spec(address)
        if spec is None:
            raise KeyError(address)
        found = link(address, spec, self.spec, names)
        if isinstance(spec, AgentType):
            found += rules.check(spec)
        elif isinstance(spec, Agent) and isinstance(of := self.spec(f"type/{spec.spec.type}"), AgentType):
            found += rules.check_agent(spec, of)
        return found

    def _located(self, finding: Finding, document: Compiled) -> tuple[Any, ...]:
        """A problem's fields. Positions are not kept but looked up: documents have many, findings are few."""
        from reconciler.manifests.positions import locate

        line, column = document.line, document.column
        [(_, data)] = self._source.read([document.file])
        if isinstance(data, bytes) and content_digest(data) == self._contents.get(document.file):
            line, column = locate(data, document.number, finding.path, finding.at_key, finding.offset)
        where = (document.file, line, column, pointer(finding.path))
        return (finding.code, finding.message, *where, finding.hint, finding.severity)


def file_of(row: FileRow) -> CompiledFile:
    path, content, documents, problems, held = row
    return CompiledFile(
        path, content, tuple(starmap(Compiled, documents)), tuple(starmap(Problem, problems)), tuple(held)
    )


def _plain(problem: Problem) -> tuple[Any, ...]:
    return tuple(getattr(problem, name) for name in problem.__slots__)
