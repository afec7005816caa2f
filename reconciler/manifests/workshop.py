"""Compiling and linking the documents of a source: in several processes, where there are many."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from itertools import starmap
from typing import TYPE_CHECKING, Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile
from reconciler.manifests.forked import Crew
from reconciler.manifests.sources import Source

if TYPE_CHECKING:
    from reconciler.manifests.bench import Bench, FileRow, LinkRow
    from reconciler.spec.policy import Policy

Question = tuple[list[str], list[str], list[tuple[Any, ...]], dict[str, bytes]]
"""What a process is to link, the policies, and what it has to know besides: documents, digests of files."""

HERE = 0
"""Number of this process, which has the first part of the files and the first bench."""


class Workshop:
    """To be closed after use: its processes outlast compiling, as what they know of it serves linking."""

    def __init__(self, source: Source, pinned: Sequence[Policy] = ()) -> None:
        """`pinned` are policies that hold besides those of the source."""
        self._source, self._pinned = source, pinned
        self._crew: Crew[str] | None = None
        self._home: dict[str, int] = {}
        self._benches: list[Bench] = []

    def compile(self, paths: Sequence[str]) -> list[CompiledFile]:
        """The files, read and compiled. To be called once."""
        if not paths:
            return []
        # Imported here, before any fork: each process would import it again.
        from reconciler.manifests.bench import file_of

        self._crew = Crew(self._work, paths)
        files = []
        for number, rows in enumerate(self._crew.begin()):
            for file in map(file_of, rows):
                files.append(file)
                self._home.update((document.address, number) for document in file.documents)
        return files

    def link(
        self,
        due: Collection[str],
        documents: Mapping[str, Compiled],
        doubtful: Collection[str],
        contents: Mapping[str, bytes],
    ) -> dict[str, tuple[Problem, ...]]:
        """The problems of the documents at the `due` addresses, by address, for those that have any.

        `documents` are all that are known for certain; `doubtful` the addresses of others, which exist all
        the same. `contents` are the digests of files by path.
        """
        from reconciler.manifests.bench import Bench

        if not self._benches:
            self._benches.append(Bench(self._source, self._pinned))
        bench = self._benches[HERE]
        bench.forget(doubtful)
        bench.learn(documents.values(), contents)
        policies = sorted(address for address in documents if address.startswith("policy/"))
        parts: list[list[str]] = [[] for _ in range(self._crew.size if self._crew else 1)]
        left: list[str] = []
        for address in sorted(due):
            number = self._place(documents[address], documents)
            (left if number is None else parts[number]).append(address)
        found = bench.link(left, policies, lambda kind: _names(kind, (*documents, *doubtful)))
        if self._crew is not None:
            questions = [
                (part, policies, *self._unknown(number, (*part, *policies), documents, contents))
                for number, part in enumerate(parts)
            ]
            found += (row for rows in self._crew.ask(questions) for row in rows)
        return {address: tuple(Problem(*row) for row in rows) for address, rows in found}

    def close(self) -> None:
        """Ends the processes."""
        if self._crew is not None:
            self._crew.dismiss()
            self._crew = None

    def _work(self, paths: Sequence[str]) -> Generator[list[FileRow] | list[LinkRow], Question, None]:
        """The work of one process."""
        from reconciler.manifests.bench import Bench

        bench = Bench(self._source, self._pinned)
        self._benches.append(bench)
        due, policies, shown, contents = yield bench.compile(paths)
        bench.learn(starmap(Compiled, shown), contents)
        yield bench.link(due, policies, lambda kind: ())

    def _place(self, document: Compiled, documents: Mapping[str, Compiled]) -> int | None:
        """The process that links a document: an agent where its type is at hand.

        None where more than the document's requirements may have to be looked at.
        """
        if not all(needed in documents and needed.startswith("type/") for needed in document.requires):
            return None
        anchor = document.requires[0] if document.address.startswith("agent/") else document.address
        return self._home.get(anchor, self._home.get(document.address))

    def _unknown(
        self,
        number: int,
        addresses: Iterable[str],
        documents: Mapping[str, Compiled],
        contents: Mapping[str, bytes],
    ) -> tuple[list[tuple[Any, ...]], dict[str, bytes]]:
        """What a process has to be told to link the documents at these addresses."""
        if number == HERE:
            return [], {}
        needed = {a for address in addresses for a in (address, *documents[address].requires)}
        shown = [documents[address] for address in needed if self._home.get(address) != number]
        return [tuple(document) for document in shown], {d.file: contents[d.file] for d in shown}


def _names(kind: str, addresses: Iterable[str]) -> list[str]:
    prefix = f"{kind}/"
    return [address.removeprefix(prefix) for address in addresses if address.startswith(prefix)]
