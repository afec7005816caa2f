"""What a CREATE TABLE statement of SQLite's own catalog says.

No PRAGMA tells CHECKs, collations, names of constraints or AUTOINCREMENT, but the statement is kept as it
was written (and rewritten by ALTER), so it is taken apart: top-level commas, then the clauses of each
column. The words stay those of the statement, only comments and superfluous spaces are gone. Nothing here
raises on what SQLite accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from reconciler.database.live import LiveColumn, LiveTable

_QUOTED = r"""'(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]]*+\]"""
_COMMENT = r"--[^\n]*+|/\*.*?(?:\*/|\Z)"
_PLAIN = rf"""[^()'"`\[/-]++|-(?!-)|/(?!\*)|{_QUOTED}"""
# Two levels of parentheses at a gulp; deeper ones are counted.
_GROUP = rf"\((?:{_PLAIN}|\((?:{_PLAIN})*+\))*+\)"
_STRUCTURE = re.compile(rf"{_COMMENT}|{_QUOTED}|{_GROUP}|[(),]", re.DOTALL)
_IN_QUOTES = re.compile(_QUOTED)
# An item as most are, up to its comma or the closing parenthesis: no comments, three levels at most.
_CHECKED = rf"\((?:{_PLAIN}|{_GROUP})*+\)"
_ITEM = re.compile(rf"""((?:[^(),'"`\[/-]++|-(?!-)|/(?!\*)|{_QUOTED}|{_CHECKED})*+)([,)])""", re.DOTALL)
_NAME_IN_QUOTES = r'"(?:[^"]|"")*+"'
_TARGET = rf'REFERENCES {_NAME_IN_QUOTES} \("id"\) ON DELETE (?:CASCADE|RESTRICT|SET NULL)'
_NAMED = re.compile(
    rf"CONSTRAINT ({_NAME_IN_QUOTES}) (CHECK {_CHECKED}|{_TARGET})(?= CONSTRAINT |\Z)", re.DOTALL
)
_OPENING = re.compile(rf"(?:{_COMMENT}|{_PLAIN})*+\(", re.DOTALL)
_SPACE = re.compile(rf"{_QUOTED}|(?:\s|{_COMMENT})+", re.DOTALL)
_TOKEN = re.compile(rf"{_QUOTED}|[()]|NOT DEFERRABLE\b|[^\s'\"`\[()]+", re.DOTALL | re.IGNORECASE)
_NAME = re.compile(rf"({_QUOTED}|[^\s'\"`\[()]+) ?", re.DOTALL)
_TABLE_CLAUSE = re.compile(
    rf"(?:CONSTRAINT\s+({_QUOTED}|\w+)\s*)?(?=(?:PRIMARY|UNIQUE|CHECK|FOREIGN)\b)", re.IGNORECASE
)
_COLUMN_CLAUSES = frozenset(
    {
        "CONSTRAINT",
        "PRIMARY",
        "NOT",
        "NULL",
        "UNIQUE",
        "CHECK",
        "DEFAULT",
        "COLLATE",
        "REFERENCES",
        "GENERATED",
        "AS",
    }
)
_QUOTES = {"'": "'", '"': '"', "`": "`", "[": "]"}

Named = tuple[str, str]
"""Name and text of a constraint; one without a name is called by its text."""


def parse_table(sql: str) -> LiveTable:
    """Columns and constraints of a CREATE TABLE statement, in its own words."""
    *items, options = _plain_items(sql) or _items(sql)
    columns: dict[str, str] = {}
    constraints: dict[str, str] = {}
    for item in items:
        name, column, own = _part(item)
        if column is not None:
            columns[name] = column
        constraints.update(own)
    if options:
        constraints["table options"] = options
    return LiveTable(columns, {}, constraints)


def unquoted(name: str) -> str:
    closing = _QUOTES.get(name[0])
    if closing is None or name[-1] != closing:
        return name
    return name[1:-1] if closing == "]" else name[1:-1].replace(closing * 2, closing)


def normalised(sql: str) -> str:
    """The text without comments, line breaks and superfluous spaces; quoted parts stay as they are."""
    return _SPACE.sub(lambda found: found[0] if found[0][0] in _QUOTES else " ", sql).strip()


@lru_cache(maxsize=8192)  # the system columns of all tables read alike
def _part(text: str) -> tuple[str, str | None, tuple[Named, ...]]:
    """A column's name, its LiveColumn as text and the constraints written beside it; or no column and the one
    constraint that stands alone."""
    spaced = any("  " in quoted or not quoted.isprintable() for quoted in _IN_QUOTES.findall(text))
    item = _item(text, spaced)
    clause = _TABLE_CLAUSE.match(item)
    if clause is None:
        return _column_of_ours(item) or _column(item)
    constraint = item[clause.end() :]
    return "", None, ((unquoted(clause[1]) if clause[1] else constraint, constraint),)


def _column_of_ours(item: str) -> tuple[str, str, tuple[Named, ...]] | None:
    """As `_column`, and several times as fast, of a column written the way `ddl` does; None of any other."""
    head, constrained, _ = item.partition(" CONSTRAINT ")
    if not constrained or head.count('"') != 2 or "'" in head or "`" in head or "[" in head:
        return None
    found = _NAMED.findall(item, len(head) + 1)
    # The search passes over what it does not know: only if no character is missing was all of it understood.
    if len(head) + sum(len(label) + len(text) + len(" CONSTRAINT  ") for label, text in found) != len(item):
        return None
    name, column, _ = _column(head)
    return name, column, tuple((unquoted(label), f"{name}: {text}") for label, text in found)


def _plain_items(sql: str) -> list[str] | None:
    """As `_items`, superfluous spaces still in, and twice as fast; None where there are comments or deep nesting."""
    opening = _OPENING.match(sql)
    found = _ITEM.findall(sql, opening.end()) if opening else []
    last = next((number for number, (_, mark) in enumerate(found) if mark == ")"), None)
    if opening is None or last is None:
        return None
    text = "".join(item + mark for item, mark in found[: last + 1])
    end = opening.end() + len(text)
    # Here too: without gaps, or not understood.
    if sql[opening.end() : end] != text:
        return None
    return [*(item for item, _ in found[: last + 1]), normalised(sql[end:])]


def _items(sql: str) -> list[str]:
    """What stands between the outer parentheses, split at top-level commas; last what follows the
    parentheses."""
    items: list[str] = []
    opening = _OPENING.match(sql)
    start = opening.end() if opening else len(sql)
    depth, spaced = 1, False
    for found in _STRUCTURE.finditer(sql, start):
        mark = found[0]
        if mark == ",":
            if depth == 1:
                items.append(_item(sql[start : found.start()], spaced))
                start, spaced = found.end(), False
        elif mark == ")":
            depth -= 1
            if depth == 0:
                items.append(_item(sql[start : found.start()], spaced))
                return [*items, normalised(sql[found.end() :])]
        elif mark == "(":
            depth += 1
        else:
            spaced = spaced or "  " in mark or mark[0] in "-/" or not mark.isprintable()
    return [*items, ""]


def _item(text: str, spaced: bool) -> str:
    """`spaced` tells that there are comments, or parts with spaces of their own to be kept."""
    return normalised(text) if spaced else " ".join(text.split())


@lru_cache(maxsize=8192)
def _column(item: str) -> tuple[str, str, tuple[Named, ...]]:
    """The column's name, its LiveColumn as text, and the constraints written beside it."""
    found = _NAME.match(item)
    name, rest = (unquoted(found[1]), item[found.end() :]) if found else (item, "")
    kind, *clauses = _clauses(rest)
    parts = {"NOT": "", "DEFAULT": "", "COLLATE": "", "AS": ""}
    constraints: list[Named] = []
    label = ""
    for clause in clauses:
        word, _, value = clause.partition(" ")
        keyword = word.partition("(")[0].upper()
        if keyword == "CONSTRAINT":
            label = unquoted(value)
            continue
        if keyword in ("DEFAULT", "COLLATE", "NOT"):
            parts[keyword] = value or clause[len(keyword) :]
        elif keyword in ("GENERATED", "AS"):
            parts["AS"] = clause
        elif keyword != "NULL":
            text = f"{name}: {clause}"
            constraints.append((label or text, text))
        label = ""
    column = LiveColumn(kind, bool(parts["NOT"]), parts["DEFAULT"], parts["COLLATE"], parts["AS"])
    return name, str(column), tuple(constraints)


def _clauses(text: str) -> Iterator[str]:
    """The type (perhaps empty), then each clause with the keyword it begins with."""
    start = depth = 0
    clause: list[str] = []
    for found in _TOKEN.finditer(text):
        word = found[0].upper()
        if depth == 0 and word in _COLUMN_CLAUSES and not _continues(clause, word):
            yield text[start : found.start()].rstrip()
            start, clause = found.start(), []
        if depth == 0:
            clause.append(word)
        depth += (word == "(") - (word == ")")
    yield text[start:].rstrip()


def _continues(clause: list[str], word: str) -> bool:
    """Whether a keyword belongs to the clause begun: NOT NULL, DEFAULT NULL, SET DEFAULT, GENERATED ALWAYS
    AS, or as the name of a constraint."""
    if not clause or clause[0] not in _COLUMN_CLAUSES:
        return False
    last = clause[-1]
    if word == "NULL":
        return last in ("NOT", "SET", "DEFAULT")
    return (word, last) in (("DEFAULT", "SET"), ("AS", "ALWAYS")) or clause == ["CONSTRAINT"]
