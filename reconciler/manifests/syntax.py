"""The parser's complaints, in words that say what to do."""

from __future__ import annotations

import re

from yaml.error import MarkedYAMLError

from reconciler.manifests.reading_error import ReadingError

_IN_PLACE = "this does not belong where it stands", "check the indentation and quotes"
_BRACKETS = "a list or mapping in brackets is not closed", "add the missing bracket, comma or quote"
_STAR = "a text begins with `*` or `&`", "put the text in quotes"
_UNCLOSED = "a quoted text that is never closed", "close the quote"
_AFTER_END = "text goes on after the end of the document", "begin a document with `---`"

_IN_WORDS = {
    "mapping values are not allowed": ("a `:` where no key can stand", "text that holds `: ` needs quotes"),
    "found unexpected end of stream": _UNCLOSED,
    "found unexpected document": _UNCLOSED,
    "could not find expected ':'": (
        "a key without `:`",
        "write `key: value`; indent the further lines of a text",
    ),
    "did not find expected key": _IN_PLACE,
    "expected <block end>": _IN_PLACE,
    "did not find expected '-'": ("an entry of the list should begin with `- `", "check the indentation"),
    "expected ',' or": _BRACKETS,
    "expected alphabetic or numeric": _STAR,
    "tab character that violates indentation": ("a tab", "indent with spaces"),
    "unknown escape character": ("a backslash before a character that needs none", "double the backslash"),
    "invalid Unicode character escape": ("an escape that stands for no character", "leave it out"),
    "block sequence entries are not allowed": ("a list cannot begin here", "begin it on the next line"),
    "document start": _AFTER_END,
    "did not find expected node content": ("a value is missing here", "write it, or remove the comma"),
}
"""What the complaint of either parser holds -> (problem, hint)."""

_DIRECTIVE = re.compile("^%", re.MULTILINE)
_CONFLICT = re.compile("^<{7} ", re.MULTILINE)


def end_of_patience(error: Exception) -> int:
    """Where in its text a parser met more collections inside one another than it takes; 0 for other complaints."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return 0
    return error.problem_mark.index if "maximum nesting depth" in str(error.problem) else 0


def syntax_error(error: Exception, text: str) -> ReadingError:
    """The refusal for what the parser raised over `text`."""
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start())
        return ReadingError("merge-conflict", "an unresolved merge", line, 0, "keep one of the two sides")
    directive = _DIRECTIVE.search(text)
    if directive and "document start" in str(error):
        hint = "remove the line that begins with `%`"
        line = text.count("\n", 0, directive.start())
        return ReadingError("yaml-directive", "directives are not read", line, 0, hint)
    if not isinstance(error, MarkedYAMLError) or error.problem is None:
        return ReadingError("yaml-syntax", f"not YAML: {error}".splitlines()[0], 0, 0)
    complaint, mark = str(error.problem), error.problem_mark
    # Where the text simply ends, the place at which the unfinished part began says more.
    if mark is None or mark.line > text.rstrip().count("\n") or complaint.startswith("found unexpected"):
        mark = error.context_mark or mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    message, hint = _words(complaint, str(error.context or ""), text, line, column)
    return ReadingError("yaml-syntax", message, line, column, hint)


def _words(complaint: str, context: str, text: str, line: int, column: int) -> tuple[str, str]:
    if "cannot start any token" in complaint:
        return _unstartable(text.split("\n")[line][column : column + 1])
    for part, words in _IN_WORDS.items():
        if part in complaint:
            return words
    return ", ".join(part for part in (complaint, context) if part), ""


def _unstartable(character: str) -> tuple[str, str]:
    """Words for a character that begins nothing in YAML."""
    if character == "\t":
        return "a tab", "indent with spaces"
    return f"a text begins with `{character}`", "put the text in quotes"
