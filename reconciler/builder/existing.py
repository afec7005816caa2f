"""Documents that exist already: as they stand in their files, with the version a change asks for, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.builder.templates.template import Document
from reconciler.control.proposals import FileChange, Writer, drafted
from reconciler.errors import NotFound, UsageError
from reconciler.manifests.document import read
from reconciler.manifests.write import address_of, put, rendered
from reconciler.spec.findings import did_you_mean

if TYPE_CHECKING:
    from reconciler.spec.agent_type import AgentType
    from reconciler.spec.state import State


def documents_of(name: str, state: State, writer: Writer) -> list[Document]:
    """The document of a type and those of its agents, as written. Raises UsageError where the source has none."""
    types = [address.removeprefix("type/") for address in state.entries if address.startswith("type/")]
    if name not in types:
        raise UsageError(f"there is no agent type {name or 'yet'}", hint=did_you_mean(name, types))
    agents = (a.removeprefix("agent/") for a in state.entries if a.startswith("agent/"))
    of_type = [a for a in agents if (found := state.agent(a)) is not None and found.spec.type == name]
    return [
        _written(address, state, writer) for address in (f"type/{name}", *(f"agent/{a}" for a in of_type))
    ]


def bumped(before: Sequence[Document], after: Sequence[Document]) -> list[Document]:
    """The documents with the version that the change of the type asks for; agents that pinned an older one follow."""
    old, new = _type_of(before), _type_of(after)
    if old is None or new is None:
        return [*after]
    from reconciler.agents.comparison import compare

    version = compare(old, new).required_version
    return [_at_version(document, old.name, version) for document in after]


def file_changes(
    documents: Sequence[Document], state: State, writer: Writer
) -> tuple[tuple[FileChange, ...], tuple[str, ...], str]:
    """The files as they have to be, the addresses that change, and the documents as YAML. Documents that are in the
    source just like this change nothing."""
    changes: dict[str, FileChange] = {}
    changed, texts = [], []
    for document in documents:
        address = address_of(document)
        if address in state.entries and _written(address, state, writer) == document:
            continue
        change = drafted(document, state, writer)
        if (earlier := changes.get(change.path)) is not None:
            assert earlier.content is not None, "drafts delete no file"
            change = replace(change, content=put(earlier.content.decode(), document).encode())
        changes[change.path] = change
        changed.append(address)
        texts.append(_alone(change) or rendered(document))
    return tuple(changes.values()), tuple(changed), "---\n".join(texts)


def _alone(change: FileChange) -> str:
    """The text of a new file with one document in it, without the line for editors; empty for any other file."""
    text = change.content.decode() if change.seen is None and change.content is not None else ""
    return (
        text.partition("\n")[2] if text.startswith("# yaml-language-server") and "\n---" not in text else ""
    )


def _written(address: str, state: State, writer: Writer) -> Document:
    location = state.entries[address].location
    data = writer.read(location.file) if location is not None else None
    for document in read(data, "").documents if data is not None else ():
        if address_of(document.value) == address:
            return document.value
    raise NotFound(f"{address} is gone from the source", hint="read the source anew and try again")


def _type_of(documents: Sequence[Document]) -> AgentType | None:
    from reconciler.manifests.reader import read_file
    from reconciler.spec.agent_type import AgentType

    found = next((d for d in documents if d["kind"] == "AgentType"), None)
    if found is None:
        return None
    sound, _, _ = read_file(rendered(found).encode(), "draft.yaml")
    return next((spec for _, spec in sound if isinstance(spec, AgentType)), None)


def _at_version(document: Document, of: str, version: str) -> Document:
    spec: dict[str, Any] = document["spec"]
    if document["kind"] == "AgentType" and document["metadata"]["name"] == of:
        return {**document, "spec": {**spec, "version": version}}
    pinned = str(spec.get("version") or "")
    major = version.partition(".")[0]
    if document["kind"] == "Agent" and pinned.startswith("^") and pinned[1:].partition(".")[0] != major:
        return {**document, "spec": {**spec, "version": f"^{major}"}}
    return document
