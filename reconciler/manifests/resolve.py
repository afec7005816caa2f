"""Joining documents: which of them stand, which are held, and which must be checked against each other again.

An address is held if its manifest is broken, if it is defined twice, or if anything it refers to is held:
what stands refers only to what stands. What a broken policy forbids is not known here: planning asks what was
recorded of it. Knows nothing of files' bytes and needs no spec models until something has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile
from reconciler.manifests.kept import Index

IN_DOUBT = ""
"""Stands for the digest of an address whose manifests are broken or contradict each other."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What all files together say.

    `standing` are the sound documents by address; `linked` the problems of joining, by address, of those with
    any; `relinked` the addresses that were checked again.
    """

    standing: dict[str, Compiled]
    problems: tuple[Problem, ...]
    held: tuple[str, ...]
    opaque: tuple[str, ...]
    linked: dict[str, tuple[Problem, ...]]
    relinked: frozenset[str]


Link = Callable[
    [Collection[str], Mapping[str, Compiled], Collection[str], Mapping[str, bytes]],
    Mapping[str, tuple[Problem, ...]],
]
"""Finds the problems of the documents at the given addresses: see `workshop.Workshop.link`."""


def resolve(
    files: Mapping[str, CompiledFile], previous: Index | None, changed: Collection[str], link: Link
) -> Resolved:
    """Joins all files. With `previous`, only what the `changed` paths can have affected is checked again."""
    now = _Joined(files)
    due = now.documents.keys() - now.unclear
    linked = {}
    if previous:
        clear = set(due)
        due &= _affected(now, _Joined(previous.files), previous.linked, changed)
        linked = {a: found for a, found in previous.linked.items() if a in clear and a not in due}
    if due:
        contents = {path: file.content for path, file in files.items()}
        linked |= link(due, now.documents, now.doubtful, contents)
    return _resolved(now, files, linked, frozenset(due))


class _Joined:
    """The documents of all files, and how they refer to each other.

    `doubtful` are the addresses nothing is known for certain of; `unclear` those and all that depends on
    them.
    """

    def __init__(self, files: Mapping[str, CompiledFile]) -> None:
        self.documents: dict[str, Compiled] = {}
        self.problems: list[Problem] = []
        self.doubtful: set[str] = set()
        self._dependents: dict[str, list[str]] = {}
        for path in sorted(files):
            self.doubtful.update(files[path].held)
            for document in files[path].documents:
                self._add(document)
        remembered = {address for file in files.values() for address in file.remembered}
        self.doubtful |= remembered - self.documents.keys()
        for address in self.doubtful:
            self.documents.pop(address, None)
        self.unclear = self.with_dependents(self.doubtful)

    def _add(self, document: Compiled) -> None:
        first = self.documents.setdefault(document.address, document)
        if first is not document:
            self.doubtful.add(document.address)
            if first.file != document.file:  # within one file the reader has said so
                self.problems.append(_duplicate(first, document))
        for address in document.requires:
            self._dependents.setdefault(address, []).append(document.address)

    def with_dependents(self, addresses: Iterable[str]) -> set[str]:
        """The addresses and all that refers to them, directly or not."""
        found = set(addresses)
        pending = list(found)
        while pending:
            for dependent in self._dependents.get(pending.pop(), ()):
                if dependent not in found:
                    found.add(dependent)
                    pending.append(dependent)
        return found

    def digests(self) -> dict[str, str]:
        return {a: d.digest for a, d in self.documents.items()} | dict.fromkeys(self.doubtful, IN_DOUBT)


def _affected(
    now: _Joined, before: _Joined, linked: Mapping[str, Collection[Problem]], changed: Collection[str]
) -> set[str]:
    """The addresses whose problems of joining may differ from before."""
    new, old = now.digests(), before.digests()
    moved = {address for address in new.keys() | old.keys() if new.get(address) != old.get(address)}
    affected = now.with_dependents(moved)
    if any(address.startswith("policy/") for address in moved):
        affected.update(address for address in now.documents if address.startswith("type/"))
    names_moved = new.keys() != old.keys()
    for address in linked.keys() & now.documents.keys():
        # Problems carry positions, and hints made from all the names there are.
        if names_moved or now.documents[address].file in changed:
            affected.add(address)
    return affected


def _resolved(
    now: _Joined,
    files: Mapping[str, CompiledFile],
    linked: dict[str, tuple[Problem, ...]],
    relinked: frozenset[str],
) -> Resolved:
    wrong = {address for address, found in linked.items() if any(p.severity == "error" for p in found)}
    held = now.with_dependents(now.doubtful | wrong)
    problems = [*now.problems]
    problems += (problem for file in files.values() for problem in file.problems)
    problems += (problem for found in linked.values() for problem in found)
    return Resolved(
        standing={a: d for a, d in sorted(now.documents.items()) if a not in held},
        problems=tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.code, p.message))),
        held=tuple(sorted(held)),
        opaque=tuple(sorted(path for path, file in files.items() if file.broken and not file.addresses)),
        linked=linked,
        relinked=relinked,
    )


def _duplicate(first: Compiled, second: Compiled) -> Problem:
    return Problem(
        "duplicate-object",
        f"{second.address} is defined here and at {first.file}:{first.line}",
        file=second.file,
        line=second.line,
        column=second.column,
        hint="keep one of the two; until then neither is used",
    )
