"""Reading YAML: what values mean, where documents begin and end, and where what is wrong stands."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.manifests import construct
from reconciler.manifests.construct import C_PARSER
from reconciler.manifests.document import read, salvage
from reconciler.manifests.positions import locate
from reconciler.manifests.subset import read_subset
from reconciler.spec.findings import Path


def value(text: str) -> Any:
    reading = read(text.encode(), "f.yaml")
    assert reading.problems == []
    return reading.documents[0].value


SCALARS: list[tuple[str, Any]] = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("nULL", "nULL"),
    ("true", True),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("False", False),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("0", 0),
    ("-0", 0),
    ("42", 42),
    ("+42", 42),
    ("-7", -7),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("190:20:30", "190:20:30"),
    ("1.5", 1.5),
    ("-.5", -0.5),
    ("1.", 1.0),
    ("1e3", 1000.0),
    ("6.02E+23", 6.02e23),
    ("0.0", 0.0),
    ("1.2.0", "1.2.0"),
    ("1e", "1e"),
    (".", "."),
    ("-x", "-x"),
    ("+", "+"),
    ("2024-01-31", "2024-01-31"),
    ("2024-02-30", "2024-02-30"),
    ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
    ("'12'", "12"),
    ('"true"', "true"),
    ("'it''s'", "it's"),
    ('"a\\tb\\u00e9"', "a\tbé"),
    ("=", "="),
    ("<<", "<<"),
    ("a#b", "a#b"),
    ("a # b", "a"),
    ("http://x.example/?a=1", "http://x.example/?a=1"),
    ("emoji 👩‍💻", "emoji 👩‍💻"),
    ("می‌خواهم", "می‌خواهم"),
]


@pytest.mark.parametrize(("text", "meant"), SCALARS)
def test_a_scalar_means_what_the_core_schema_of_yaml_1_2_says(text: str, meant: Any) -> None:
    found = value(f"a: {text}\n")["a"]
    assert (found, type(found)) == (meant, type(meant))


BLOCKS = [
    ("a: |\n  x\n   y\n\n  z\n\nb: 1\n", "x\n y\n\nz\n"),
    ("a: |-\n  x\n  y\n", "x\ny"),
    ("a: |+\n  x\n\nb: 1\n", "x\n\n"),
    ("a: |2\n   x\n", " x\n"),
    ("a: >\n  x\n  y\n\n  z\n", "x y\nz\n"),
    ("a: |  # kept\n  # not a comment\n", "# not a comment\n"),
    ("a: |\n  x\n \n  y\n", "x\n\ny\n"),
    ("a: |\n  x\n    \nb: 1\n", "x\n  \n"),
    ("a: |\n  x", "x"),
    ("a: one\n  two\n  three\n", "one two three"),
    ('a: "one\n  two"\n', "one two"),
    ('a: "one\\\n  two"\n', "onetwo"),
    ("a:\n- x\n- y: 1\n  z: 2\n-   - 1\n", ["x", {"y": 1, "z": 2}, [1]]),
    ("a: [x, {y: 1}, [], {}, 'z',]\n", ["x", {"y": 1}, [], {}, "z"]),
    ("a: {x, y: , z: [\n 1,\n 2]}\n", {"x": None, "y": None, "z": [1, 2]}),
    ("a: [x: 1]\n", [{"x": 1}]),
    ("? a\n: 1\n", 1),
    ("{a: {b: c}}\n", {"b": "c"}),
    ("a:\n# deeper\n  b: 1\n", {"b": 1}),
]


@pytest.mark.parametrize(("text", "meant"), BLOCKS)
def test_collections_and_longer_texts_are_read_as_yaml_says(text: str, meant: Any) -> None:
    assert value(text)["a"] == meant


@pytest.mark.parametrize("text", [text for text, _ in BLOCKS] + [f"a: {text}\n" for text, _ in SCALARS])
def test_the_fast_reader_reads_the_same_or_declines(text: str) -> None:
    simple = read_subset(text)
    slow, errors = construct.construct(text)
    assert simple is None or (errors == [] and repr(simple) == repr(slow))


def test_an_everyday_document_does_not_need_the_parser() -> None:
    text = "# x\n---\na: b  # c\nd:\n  - {e: [1, 'f']}\n  - g: \"h\"\n    i: |\n      j\nk: []\n"
    everyday = {"a": "b", "d": [{"e": [1, "f"]}, {"g": "h", "i": "j\n"}], "k": []}
    assert read_subset(text.partition("\n")[2]) == everyday


DOCUMENTS = [
    ("", []),
    ("# only a comment\n", []),
    ("---\n", []),
    ("--- ~\n", []),
    ("a: 1", [(0, 1, 1)]),
    ("---\na: 1\n", [(0, 2, 1)]),
    ("# c\n\n---  # d\n# e\n  a: 1\n", [(1, 5, 3)]),
    ("--- {a: 1}\n", [(0, 1, 5)]),
    ("a: 1\n---\n---\nb: 2\n--- # x\nc: 3\n", [(0, 1, 1), (2, 4, 1), (3, 6, 1)]),
    ("a: 1\r\n---\r\nb: 2\r\n", [(0, 1, 1), (1, 3, 1)]),
    ("\ufeffa: 1\n", [(0, 1, 1)]),
    ("a: |\n  ---\n---x: 1\n", [(0, 1, 1)]),
    ("a: 1\n...\n---\nb: 1\n", [(0, 1, 1), (1, 4, 1)]),
]


@pytest.mark.parametrize(("text", "places"), DOCUMENTS)
def test_documents_are_numbered_and_placed(text: str, places: list[tuple[int, int, int]]) -> None:
    reading = read(text.encode(), "f.yaml")
    assert [(d.index, d.line, d.column) for d in reading.documents] == places
    assert reading.problems == []


def test_a_document_that_does_not_parse_hides_none_of_the_others() -> None:
    text = """
kind: Agent
---
kind: Agent
metadata:
  labels: {x: y}
  name: broken
spec: "never closed
---
kind: Policy
metadata: {name: doubled, name: doubled}
---
kind: AgentType
"""
    reading = read(text.encode(), "f.yaml")
    assert [d.value["kind"] for d in reading.documents] == ["Agent", "AgentType"]
    assert [(p.code, p.line) for p in reading.problems] == [("yaml-syntax", 8), ("yaml-duplicate-key", 11)]
    assert reading.held == ["agent/broken", "policy/doubled"]


def test_all_that_can_be_skipped_is_told_at_once() -> None:
    reading = read(b"a: 012\nb: 1\nb: 2\n5: x\n<<: {}\nc: .inf\n", "f.yaml")
    codes = ["yaml-number", "yaml-duplicate-key", "yaml-key", "yaml-merge-key", "yaml-number"]
    assert [p.code for p in reading.problems] == codes
    assert [p.line for p in reading.problems] == [1, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("kind: Agent\nmetadata: {name: a}", ["agent/a"]),
        ("metadata:\n  labels:\n    x: y\n  name: 'a-b'\nkind: 'AgentType'\n\x00", ["type/a-b"]),
        ("kind: Agent\nmetadata: {name: a}\n---\nkind: Policy\nmetadata: {name: b}", ["agent/a", "policy/b"]),
        ("kind: Agent\n", []),
        ("kind: Agent\nmetadata:\nspec:\n  name: a\n", []),
        ("kind: Pod\nmetadata: {name: a}\n", []),
    ],
)  # fmt: skip
def test_the_address_of_an_unreadable_document_is_made_out(text: str, addresses: list[str]) -> None:
    assert salvage(text) == addresses


PLACES: list[tuple[str, Path, bool, int | None, tuple[int, int]]] = [
    ("a:\n  b: [x, yz]\n", (), False, None, (1, 1)),
    ("a:\n  b: [x, yz]\n", ("a",), False, None, (2, 3)),
    ("a:\n  b: [x, yz]\n", ("a",), True, None, (1, 1)),
    ("a:\n  b: [x, yz]\n", ("a", "b"), True, None, (2, 3)),
    ("a:\n  b: [x, yz]\n", ("a", "b", 1), False, None, (2, 10)),
    ("a:\n  b: [x, yz]\n", ("a", "b", 1), False, 1, (2, 11)),
    ("a:\n  b: [x, yz]\n", ("a", "c", "d"), False, None, (2, 3)),
    ("a: plain text\n", ("a",), False, 6, (1, 10)),
    ("a: one\n  two\n", ("a",), False, 4, (2, 3)),
    ("a: 'it''s so'\n", ("a",), False, 5, (1, 11)),
    ('a: "x\\ty\\u00e9z \\"q"\n', ("a",), False, 4, (1, 15)),
    ('a: "x\\\n   y"\n', ("a",), False, 1, (2, 4)),
    ("a: |\n  one\n\n  {{ two }}\n", ("a",), False, 8, (4, 6)),
    ("a: |-  # c\n    one\n      two\n", ("a",), False, 6, (3, 7)),
    ("a: >\n  one\n  two\n", ("a",), False, 4, (3, 3)),
    ("a: one\n", ("a",), False, 99, (1, 7)),
]


@pytest.mark.parametrize(("text", "path", "at_key", "offset", "place"), PLACES)
def test_a_value_its_key_and_its_characters_are_found(
    text: str, path: Path, at_key: bool, offset: int | None, place: tuple[int, int]
) -> None:
    assert locate(text.encode(), 0, path, at_key, offset) == place
    below = f"x: 1\n--- # second\n{text}".encode()
    assert locate(below, 1, path, at_key, offset) == (place[0] + 2, place[1])


@pytest.mark.parametrize("data", [b"", b"a: [\n", b"\xff", b"---\n"])
def test_a_file_that_changed_meanwhile_is_located_at_its_start(data: bytes) -> None:
    assert locate(data, 0, ("a",)) == (1, 1)


@pytest.mark.parametrize("text", [text for text, _ in BLOCKS] + ["a: &x 1\n", "a: [\n", "a: 'b\n", "a: @\n"])
def test_the_parser_in_python_is_a_full_substitute(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, errors = construct.construct(text)
    monkeypatch.setattr(construct, "new_parser", construct._PureParser)
    found, others = construct.construct(text)
    assert [e.code for e in others] == [e.code for e in errors]
    # Where a block's last line has no end, the two parsers differ by a line end.
    assert found == expected or not text.endswith("\n")


def test_the_parser_in_c_is_in_use() -> None:
    assert C_PARSER
