"""Documents into the text of manifests: what people wrote around a change stays as they wrote it.

Only the document that changes is written anew, and of it only what differs: comments, order, quotes and the other
documents of the file are kept. What was written is read back before it is given away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from reconciler.errors import UsageError
from reconciler.manifests.document import Document, read
from reconciler.manifests.text import decode, segments
from reconciler.spec.state import KIND_OF

SCHEMA_LINE = "# yaml-language-server: $schema={}.reconciler/schema.json\n"
FLOW_WIDTH = 100
"""Up to so many characters a small mapping or list is written on one line."""

_PLAIN = re.compile(r"\w[\w ./@()+=<>:;,?!'-]*")
"""Texts that need no quotes anywhere; what YAML takes for something else is quoted by the library."""


def address_of(document: Mapping[str, Any]) -> str:
    """`type/NAME` and so on. Raises UsageError for what is no manifest."""
    kind, metadata = document.get("kind"), document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(kind, str) or kind not in KIND_OF or not isinstance(name, str):
        raise UsageError(
            "a manifest has `kind` (AgentType, Agent or Policy) and `metadata.name`",
            hint="see `reconcile schema` for all that belongs into it",
        )
    return f"{KIND_OF[kind]}/{name}"


def file_for(document: Mapping[str, Any]) -> str:
    """Where a document that is nowhere yet belongs: types and their agents in a folder of the type's name."""
    kind, _, name = address_of(document).partition("/")
    if kind == "type":
        return f"{name}/type.yaml"
    spec = document.get("spec")
    of = spec.get("type") if isinstance(spec, Mapping) else None
    return f"{of}/{name}.yaml" if kind == "agent" and isinstance(of, str) else f"policies/{name}.yaml"


def rendered(document: Mapping[str, Any]) -> str:
    """A document as a person would write it: short things on one line, texts of many lines as blocks."""
    text = _dump(_styled(document, depth=0), width=110)
    return _proven(text, [document], text)


def put(text: str, document: Mapping[str, Any]) -> str:
    """The file with the document in the place of the one of its address, or behind all others."""
    address = address_of(document)
    found = _documents(text)
    index = next(
        (i for i, (known, _) in enumerate(found) if known is not None and address_of(known.value) == address),
        None,
    )
    if index is None:
        before = text if not text or text.endswith("\n") else text + "\n"
        separator = "---\n" if text.strip() else ""
        return f"{before}{separator}{rendered(document)}"
    parts = [part for _, part in found]
    parts[index] = _edited(parts[index], document)
    wanted = [known.value for known, _ in found if known is not None]
    wanted[[known is not None for known, _ in found[:index]].count(True)] = dict(document)
    return _proven("".join(parts), wanted, "".join(parts))


def without(text: str, address: str) -> str:
    """The file without the document of an address; empty if no document is left."""
    found = _documents(text)
    kept = [part for known, part in found if known is None or address_of(known.value) != address]
    if not any(known is not None and address_of(known.value) != address for known, _ in found):
        return ""
    if not found[0][1].lstrip().startswith("---"):
        kept[0] = kept[0].removeprefix("---\n")
    return "".join(kept)


def _documents(text: str) -> list[tuple[Document | None, str]]:
    """The file cut into documents: each as it reads, if it is one, with its text."""
    reading = read(text.encode(), "")
    if reading.problems:
        first = reading.problems[0]
        raise UsageError(
            f"the file cannot be changed while it is broken: {first.message}",
            where=f"{first.line}:{first.column}",
            hint="correct it by hand first",
        )
    by_index = {document.index: document for document in reading.documents}
    return [(by_index.get(segment.index), segment.text) for segment in segments(decode(text.encode()))]


def _edited(text: str, document: Mapping[str, Any]) -> str:
    yaml = _yaml(width=4096)
    explicit = text.startswith("---")
    data = yaml.load(text)
    _merge_mapping(data, document, depth=0)
    out = StringIO()
    yaml.explicit_start = explicit
    yaml.dump(data, out)
    return out.getvalue()


def _merge_mapping(old: CommentedMap, new: Mapping[str, Any], *, depth: int) -> None:
    for key in [key for key in old if key not in new]:
        del old[key]
    for key, value in new.items():
        old[key] = (
            _merged(old[key], value, depth=depth + 1) if key in old else _styled(value, depth=depth + 1)
        )


def _merged(old: Any, new: Any, *, depth: int) -> Any:
    """The old value where it says the same, changed in place where it has parts, else the new one."""
    if isinstance(old, CommentedMap) and isinstance(new, Mapping):
        _merge_mapping(old, new, depth=depth)
        return old
    if isinstance(old, CommentedSeq) and isinstance(new, (list, tuple)):
        _merge_sequence(old, new, depth=depth)
        return old
    same = old == new and isinstance(old, bool) is isinstance(new, bool)
    return old if same and not isinstance(old, (CommentedMap, CommentedSeq)) else _styled(new, depth=depth)


def _merge_sequence(old: CommentedSeq, new: Sequence[Any], *, depth: int) -> None:
    """Items are the same by their `id` or `name`, or by what they are: so comments move with them."""
    matched = SequenceMatcher(None, [_identity(i) for i in old], [_identity(i) for i in new], autojunk=False)
    for verb, start, end, new_start, new_end in reversed(matched.get_opcodes()):
        if verb == "equal":
            for offset in range(end - start):
                old[start + offset] = _merged(old[start + offset], new[new_start + offset], depth=depth + 1)
            continue
        for index in reversed(range(start, end)):
            del old[index]
        for item in reversed(new[new_start:new_end]):
            old.insert(start, _styled(item, depth=depth + 1))


def _identity(item: Any) -> str:
    if isinstance(item, Mapping):
        for key in ("id", "name"):
            if key in item:
                return f"{key} {item[key]}"
    return repr(_plain(item))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _styled(value: Any, *, depth: int) -> Any:
    """The value in ruamel's terms, small collections below the second level in flow style."""
    if isinstance(value, Mapping):
        made = CommentedMap((str(key), _styled(item, depth=depth + 1)) for key, item in value.items())
        if depth >= 2 and _fits_a_line(value):
            made.fa.set_flow_style()
        return made
    if isinstance(value, (list, tuple)):
        items = CommentedSeq(_styled(item, depth=depth + 1) for item in value)
        if _fits_a_line(value) and not any(isinstance(item, Mapping) for item in value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str) and _is_block(value):
        return LiteralScalarString(value)
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return DoubleQuotedScalarString(value)
    return value


def _is_block(text: str) -> bool:
    return "\n" in text.rstrip("\n") or text.endswith("\n")


def _fits_a_line(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" not in value
    if isinstance(value, (Mapping, list, tuple)):
        parts = value.values() if isinstance(value, Mapping) else value
        return len(repr(_plain(value))) <= FLOW_WIDTH and all(map(_fits_a_line, parts))
    return True


def _yaml(*, width: int) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = width
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dump(value: Any, *, width: int) -> str:
    out = StringIO()
    _yaml(width=width).dump(value, out)
    return out.getvalue()


def _proven(text: str, wanted: Sequence[Mapping[str, Any]], result: str) -> str:
    """The result, if reading it gives what was wanted."""
    reading = read(text.encode("utf-8", "surrogatepass"), "")
    if reading.problems:
        first = reading.problems[0]
        raise UsageError(f"the document cannot be written as YAML: {first.message}", hint=first.hint)
    if [_plain(document.value) for document in reading.documents] != [
        _plain(document) for document in wanted
    ]:
        raise UsageError("the document cannot be written as YAML without changing its meaning")
    return result
