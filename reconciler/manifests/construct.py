"""One document's text -> its value, from the parser's events: every check that YAML itself does not make.

Events are walked rather than composed: nothing is built before its depth and number are known, and positions
are only looked at where something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from reconciler.manifests.budget import MAX_NODES, Budget
from reconciler.manifests.reading_error import ReadingError
from reconciler.manifests.scalars import (
    MAX_DEPTH,
    MAX_KEY_LENGTH,
    NUMERIC_STARTS,
    WORDS,
    AmbiguousNumberError,
    number,
    plain,
)
from reconciler.manifests.syntax import end_of_patience, syntax_error
from reconciler.manifests.text import unseen

MAX_SCALAR = 256 * 1024
"""Characters of one scalar. More than MAX_NODES: a file that could hold one is counted through."""
MOST_ERRORS = 100
"""Errors told of one document, which is read no further then."""


class _PureParser(Reader, Scanner, Parser):
    """The parser in Python, an order of magnitude slower."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


try:
    from yaml._yaml import CParser
except ImportError:
    C_PARSER = False
    new_parser: Callable[[str], Any] = _PureParser
else:
    C_PARSER = True
    new_parser = CParser


def construct(text: str, budget: Budget | None = None) -> tuple[Any, list[ReadingError]]:
    """The value of the one document in `text` (None if it is empty) and what is wrong with it, in order.

    Nodes are taken from the budget; none is needed where there are no more bytes than nodes allowed.
    With anything wrong the value is not to be used. A document is read on after what can be skipped
    (a duplicate key, an ambiguous number), so that all of it is reported at once.
    """
    errors: list[ReadingError] = []
    try:
        return _Constructor(text, errors, budget).document(), errors
    except ReadingError as error:
        errors.append(error)
    except (YAMLError, UnicodeError) as error:
        end = end_of_patience(error)
        if 0 < end < len(text):
            # The parser in C reads ahead and gives up far beyond the place that is refused here: read up to there.
            return construct(text[:end])
        errors.append(syntax_error(error, text))
    return None, errors


class _Constructor:
    """Builds the value of one document; what does not stop it is added to `errors`."""

    def __init__(self, text: str, errors: list[ReadingError], budget: Budget | None) -> None:
        self._errors = errors
        following: Callable[[], Any] = new_parser(text).get_event
        # What cannot be in the text need not be looked for at every node.
        self._next = _bounded(following, budget) if budget else following
        self._properties = "&" in text or "*" in text or "!" in text
        self._escapes = "\\" in text

    def document(self) -> Any:
        self._next()  # start of the stream
        event = self._next()
        if event.__class__ is StreamEndEvent:
            return None
        value = self._value(self._next(), 0)
        self._next()  # end of the document
        event = self._next()
        if event.__class__ is not StreamEndEvent:
            hint = "write `---` on a line of its own between two documents"
            raise _refused("yaml-syntax", "another document begins without `---`", event, hint)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        kind = event.__class__
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent or self._properties:
            _refuse_properties(event)
        if depth >= MAX_DEPTH:
            raise _refused("yaml-too-deep", f"more than {MAX_DEPTH} collections inside one another", event)
        return self._mapping(depth + 1) if kind is MappingStartEvent else self._sequence(depth + 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        following = self._next
        while (event := following()).__class__ is not MappingEndEvent:
            key = self._key(event, found)
            event = following()
            found[key] = self._scalar(event) if event.__class__ is ScalarEvent else self._value(event, depth)
        return found

    def _sequence(self, depth: int) -> list[Any]:
        found: list[Any] = []
        following = self._next
        while (event := following()).__class__ is not SequenceEndEvent:
            found.append(self._scalar(event) if event.__class__ is ScalarEvent else self._value(event, depth))
        return found

    def _scalar(self, event: Any) -> Any:
        if self._properties:
            _refuse_properties(event)
        text: str = event.value
        if not event.style:
            if text[:1] not in NUMERIC_STARTS:
                return WORDS.get(text, text)
            try:
                return number(text)
            except AmbiguousNumberError as reason:
                self._note("yaml-number", str(reason), event, "put it in quotes if text is meant")
        elif self._escapes:
            self._refuse_unseen(event)
        return text

    def _key(self, event: Any, found: dict[str, Any]) -> str:
        """The key. What is wrong with it is noted and does not stop the document, unless it is no scalar."""
        if event.__class__ is not ScalarEvent or self._properties:
            _refuse_properties(event)
        if event.__class__ is not ScalarEvent:
            hint = 'put an expression in quotes: "{{ … }}"' if event.__class__ is MappingStartEvent else ""
            raise _refused("yaml-key", "a key must be text, not a collection", event, hint)
        key: str = event.value
        if event.style:
            self._refuse_unseen(event)
        elif key == "<<":
            self._note("yaml-merge-key", "merge keys are not read", event, "write the entries out")
        elif key in WORDS or key[:1] in NUMERIC_STARTS:
            self._refuse_value_as_key(event)
        if key in found:
            self._note("yaml-duplicate-key", f"the key `{key[:80]}` is given twice", event)
        if len(key) > MAX_KEY_LENGTH:
            message = f"a key of {len(key):,} characters; the most is {MAX_KEY_LENGTH}"
            self._note("yaml-too-large", message, event)
        return key

    def _refuse_value_as_key(self, event: Any) -> None:
        try:
            is_text = isinstance(plain(event.value), str)
        except AmbiguousNumberError:
            is_text = False
        if not is_text:
            what = f"`{event.value[:80]}` is not text" if event.value else "there is no key before the colon"
            hint = "put it in quotes" if event.value else ""
            self._note("yaml-key", f"a key must be text; {what}", event, hint)

    def _note(self, code: str, message: str, event: Any, hint: str = "") -> None:
        error = _refused(code, message, event, hint)
        if len(self._errors) >= MOST_ERRORS:
            raise error
        self._errors.append(error)

    def _refuse_unseen(self, event: Any) -> None:
        """Escapes can spell what the text itself may not hold."""
        if self._escapes and (found := unseen(event.value)):
            self._note("yaml-control-character", f"{found[0]} is not allowed", event, found[2])


def _refused(code: str, message: str, event: Any, hint: str = "") -> ReadingError:
    mark = event.start_mark
    return ReadingError(code, message, mark.line, mark.column, hint)


def _refuse_properties(event: Any) -> None:
    """Anchors and aliases can make a small text mean a huge value; tags make text mean something else."""
    if event.anchor is not None:
        message = f"anchors and aliases are not read (`{event.anchor[:80]}`)"
        hint = "write the value out; text that begins with `*` or `&` needs quotes"
        raise _refused("yaml-alias", message, event, hint)
    if event.__class__ is not AliasEvent and event.tag is not None:
        hint = "leave it out; text that begins with `!` needs quotes"
        raise _refused("yaml-tag", f"tags are not read (`{event.tag[:80]}`)", event, hint)


def _bounded(following: Callable[[], Any], budget: Budget) -> Callable[[], Any]:
    """The same events, refusing one too many and scalars that are too long."""

    def bounded() -> Any:
        event = following()
        budget.nodes -= isinstance(event, NodeEvent)
        if budget.nodes < 0:
            raise _refused("yaml-too-large", f"the file has more than {MAX_NODES:,} nodes", event)
        if event.__class__ is ScalarEvent and len(event.value) > MAX_SCALAR:
            message = f"a text of {len(event.value):,} characters; the most is {MAX_SCALAR:,}"
            raise _refused("yaml-too-large", message, event)
        return event

    return bounded
