"""Files that attack the reader or trip people up, each with the first problem it is answered with."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = b"apiVersion: reconciler/v1\nkind: AgentType\nmetadata: {name: a}\n"
SPEC = b"spec: {type: b}\n"
PARALLEL = "[{id: a, parallel: "
AGENT = b"apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: a}\n"


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    code: str
    line: int
    column: int


def _spec(text: str) -> bytes:
    return HEAD + b"spec:\n  version: 1.0.0\n" + text.encode()


def _agent(text: str) -> bytes:
    return AGENT + b"spec:\n  type: b\n" + text.encode()


def _many(template: str, count: int) -> str:
    return ", ".join(template.format(number) for number in range(count))


BOMBS = [
    ("billion laughs", b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "yaml-alias", 1, 4),
    ("nested merge keys", b"<<: {<<: {<<: {a: b}}}\n", "yaml-merge-key", 1, 1),
    ("a merge of an alias", b"a: 1\n<<: *a\n", "yaml-merge-key", 2, 1),
    ("60,000 aliases", b"a: &a [x]\n" + b"b: *a\n" * 60_000, "yaml-alias", 1, 4),
    ("50,000 brackets", b"a: " + b"[" * 50_000, "yaml-too-deep", 1, 35),
    ("a million brackets", b"a: " + b"[" * 1_000_000, "yaml-too-deep", 1, 35),
    ("a million braces", b"{" * 1_000_000, "yaml-key", 1, 2),
    ("braces as values", b"{a: " * 50_000, "yaml-too-deep", 1, 129),
    ("500,000 dashes in a line", b"- " * 500_000, "yaml-too-deep", 1, 65),
    ("500,000 question marks", b"? " * 500_000, "yaml-key", 1, 3),
    ("40 levels of indentation", b"".join(b" " * n + b"a:\n" for n in range(40)), "yaml-too-deep", 33, 33),
    ("33 levels of lists", b"a: " + b"[" * 33 + b"]" * 33 + b"\n", "yaml-too-deep", 1, 35),
    ("500,000 empty entries", b"-\n" * 500_000, "yaml-too-large", 50_000, 2),
    ("500,000 keys without value", b"{" + b"a," * 500_000 + b"}", "yaml-duplicate-key", 1, 4),
    ("60,000 numbers", b"a: [" + b"1," * 60_000 + b"]", "yaml-too-large", 1, 99_999),
    ("10 MB", b"a: 1\n" * 2_000_000, "yaml-too-large", 1, 1),
    ("250,000 documents", b"---\n" * 250_000, "yaml-too-large", 1001, 1),
    ("1,001 documents", b"---\na: 1\n" * 1001, "yaml-too-large", 2001, 1),
    ("a text of 300,000 characters", b"a: " + b"x" * 300_000, "yaml-too-large", 1, 4),
    ("a quoted text of 300,000 characters", b"a: '" + b"x" * 300_000 + b"'", "yaml-too-large", 1, 4),
    ("a literal of 300,000 lines", b"a: |\n" + b" x\n" * 300_000, "yaml-too-large", 1, 4),
    ("900,000 colons", b":" * 900_000, "yaml-too-large", 1, 1),
    ("900,000 commas", b"a: [" + b"," * 900_000, "yaml-syntax", 1, 5),
    ("900,000 quotes", b"a: " + b"'" * 900_001, "yaml-syntax", 1, 4),
    ("a key of 300 characters", b"k" * 300 + b": 1\n", "yaml-too-large", 1, 1),
    ("a key of 1,025 characters", b"k" * 1025 + b": 1\n", "yaml-syntax", 1, 1026),
    ("1,000 problems in one list", _spec(f"  tools: [{_many('{0}', 1000)}]\n"), "wrong-type", 6, 11),
    ("20,000 unknown keys", _spec("".join(f"  k{n}: 1\n" for n in range(20_000))), "unknown-key", 6, 3),
    ("12,000 wrong fields", _spec(f"  input: {{{_many('F{0}: strng', 12_000)}}}\n"), "bad-name", 6, 11),
    ("14 levels of parallel", _spec("  pipeline: " + PARALLEL * 14 + "[]" + "}]" * 14), "bad-value", 6, 279),
]  # fmt: skip

CHARACTERS = [
    ("bytes that are no text", bytes(range(256)) * 40, "yaml-encoding", 2, 118),
    ("a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "yaml-encoding", 1, 1),
    ("Latin-1", b"a: caf\xe9\n", "yaml-encoding", 1, 7),
    ("half a character at the end", b"a: caf\xc3", "yaml-encoding", 1, 7),
    ("an overlong slash", b"a: \xc0\xaf\n", "yaml-encoding", 1, 4),
    ("a surrogate as bytes", b"a: \xed\xa0\x80\n", "yaml-encoding", 1, 4),
    ("a lone surrogate as an escape", b'a: "\\ud800"\n', "yaml-syntax", 1, 7),
    ("UTF-16", "a: 1\n".encode("utf-16"), "yaml-encoding", 1, 1),
    ("UTF-16 without a mark", "a: 1\n".encode("utf-16-le"), "yaml-control-character", 1, 2),
    ("NUL", b"a: 1\n\0b: 2\n", "yaml-control-character", 2, 1),
    ("NUL as an escape", b'a: "x\\0"\n', "yaml-control-character", 1, 4),
    ("a bell", b"a: x\x07\n", "yaml-control-character", 1, 5),
    ("a terminal's escape", b"a: \x1b[31mred\n", "yaml-control-character", 1, 4),
    ("a terminal's escape in a key", b'"\\e[31m": 1\n', "yaml-control-character", 1, 1),
    ("DEL", b"a: \x7f\n", "yaml-control-character", 1, 4),
    ("a C1 control", "a: \x9b31m\n".encode(), "yaml-control-character", 1, 4),
    ("a next-line character", "a: x\x85b: y\n".encode(), "yaml-control-character", 1, 5),
    ("a line separator", "a: x\u2028b: y\n".encode(), "yaml-control-character", 1, 5),
    ("a right-to-left override", "a: user\u202e// admin\n".encode(), "yaml-control-character", 1, 8),
    ("an isolate in a comment", "a: 1 # \u2066x\n".encode(), "yaml-control-character", 1, 8),
    ("an override as an escape", b'a: "\\u202E"\n', "yaml-control-character", 1, 4),
    ("an Arabic letter mark", "a: \u061c\n".encode(), "yaml-control-character", 1, 4),
    ("invisible tags", "a: x\U000e0041\n".encode(), "yaml-control-character", 1, 5),
    ("a stray byte order mark", "a: x\ufeffy\n".encode(), "yaml-control-character", 1, 5),
    ("a noncharacter", "a: \uffff\n".encode(), "yaml-control-character", 1, 4),
    ("lone carriage returns", b"a: 1\rb: 2\r", "yaml-control-character", 1, 5),
    ("a form feed", b"a: 1\n\x0cb: 2\n", "yaml-control-character", 2, 1),
]

YAML = [
    ("a Python object", b"a: !!python/object/apply:os.system [ls]\n", "yaml-tag", 1, 4),
    ("a tag of one's own", b"a: !secret x\n", "yaml-tag", 1, 4),
    ("a standard tag", b"a: !!str 1\n", "yaml-tag", 1, 4),
    ("the tag that says nothing", b"a: ! x\n", "yaml-tag", 1, 4),
    ("a tagged key", b"!!str a: 1\n", "yaml-tag", 1, 1),
    ("a tagged mapping", b"!!map {a: 1}\n", "yaml-tag", 1, 1),
    ("an anchor without alias", b"a: &x 1\n", "yaml-alias", 1, 4),
    ("an alias without anchor", b"a: *x\n", "yaml-alias", 1, 4),
    ("an alias as a key", b"*x : 1\n", "yaml-alias", 1, 1),
    ("an unquoted wildcard", b"hosts: [*.example.com]\n", "yaml-syntax", 1, 10),
    ("an unquoted schedule", b"schedule: */5 * * * *\n", "yaml-syntax", 1, 12),
    ("an unquoted expression", b"a: {{ input.x }}\n", "yaml-key", 1, 5),
    ("a version directive", b"%YAML 1.1\n---\na: 1\n", "yaml-directive", 1, 1),
    ("a tag directive", b"%TAG ! tag:x,2024:\n---\na: 1\n", "yaml-directive", 1, 1),
    ("a key twice", b"a: 1\nb: 2\na: 3\n", "yaml-duplicate-key", 3, 1),
    ("a key twice in braces", b"x: {a: 1, b: 2, a: 3}\n", "yaml-duplicate-key", 1, 17),
    ("a key twice, once quoted", b"a: 1\n'a': 2\n", "yaml-duplicate-key", 2, 1),
    ("a key twice, once escaped", b'a: 1\n"\\x61": 2\n', "yaml-duplicate-key", 2, 1),
    ("a number as a key", b"5: x\n", "yaml-key", 1, 1),
    ("a truth value as a key", b"true: x\n", "yaml-key", 1, 1),
    ("null as a key", b"~: x\n", "yaml-key", 1, 1),
    ("no key", b"a: 1\n: x\n", "yaml-syntax", 2, 1),
    ("no key in braces", b"{: x}\n", "yaml-syntax", 1, 2),
    ("a list as a key", b"? [a, b]\n: x\n", "yaml-key", 1, 3),
    ("a merge key", b"a: 1\n<<: {b: 2}\n", "yaml-merge-key", 2, 1),
    ("a tab as indentation", b"a:\n\tb: 1\n", "yaml-syntax", 2, 1),
    ("a colon in plain text", b"a: b: c\n", "yaml-syntax", 1, 5),
    ("a quote never closed", b"a: 'x\nb: 1\n", "yaml-syntax", 1, 4),
    ("a bracket never closed", b"a: 1\nb: [1, 2\n", "yaml-syntax", 2, 4),
    ("the wrong bracket", b"a: [1, 2}\n", "yaml-syntax", 1, 9),
    ("a wrong indentation", b"a:\n    b: 1\n  c: 2\n", "yaml-syntax", 3, 3),
    ("a list among keys", b"a: 1\n- b\n", "yaml-syntax", 2, 1),
    ("an at sign", b"a: @home\n", "yaml-syntax", 1, 4),
    ("a backtick", b"a: `x`\n", "yaml-syntax", 1, 4),
    ("an unknown escape", b'a: "\\d+"\n', "yaml-syntax", 1, 5),
    ("text after a quote", b'a: "b" c\n', "yaml-syntax", 1, 8),
    ("a document after an end", b"a: 1\n...\nb: 2\n", "yaml-syntax", 3, 1),
    ("a merge conflict", b"a: 1\n<<<<<<< HEAD\nb: 2\n=======\n", "merge-conflict", 2, 1),
    ("a list as a document", b"- a\n", "yaml-not-a-mapping", 1, 1),
    ("a text as a document", b"# x\nhello\n", "yaml-not-a-mapping", 2, 1),
    ("a number as a document", b"---\n5\n", "yaml-not-a-mapping", 2, 1),
]

NUMBERS = [
    ("5,000 digits", b"a: " + b"9" * 5000, "yaml-number", 1, 4),
    ("5,000 digits with a sign", b"a: -" + b"9" * 5000, "yaml-number", 1, 4),
    ("5,000 hexadecimal digits", b"a: 0x" + b"f" * 5000, "yaml-number", 1, 4),
    ("one more than 64 bits", b"a: 9223372036854775808\n", "yaml-number", 1, 4),
    ("one less than 64 bits", b"a: -9223372036854775809\n", "yaml-number", 1, 4),
    ("a leading zero", b"a: 012\n", "yaml-number", 1, 4),
    ("a leading zero that is not octal", b"a: [1, 089]\n", "yaml-number", 1, 8),
    ("infinity", b"a: .inf\n", "yaml-number", 1, 4),
    ("negative infinity", b"a: -.INF\n", "yaml-number", 1, 4),
    ("not a number", b"a: .NaN\n", "yaml-number", 1, 4),
    ("a number out of range", b"a: 1e999\n", "yaml-number", 1, 4),
    ("a number that becomes zero", b"a: 1e-999\n", "yaml-number", 1, 4),
    ("more digits than a float has", b"a: 0.12345678901234567890\n", "yaml-number", 1, 4),
    ("an ambiguous number as a key", b"012: x\n", "yaml-key", 1, 1),
]

MANIFESTS = [
    ("no version and kind", b"a: 1\n", "missing-key", 1, 1),
    ("no kind", b"apiVersion: reconciler/v1\n", "missing-key", 1, 1),
    ("another program's", b"apiVersion: v1\nkind: Pod\n", "unknown-api-version", 1, 13),
    ("a kind misspelt", b"apiVersion: reconciler/v1\nkind: Agnet\n", "unknown-kind", 2, 7),
    ("a kind that is a list", b"apiVersion: reconciler/v1\nkind: [Agent]\n", "wrong-type", 2, 7),
    ("a newer language", AGENT.replace(b"v1", b"v2") + SPEC, "unknown-api-version", 1, 13),
    ("no spec", AGENT, "missing-key", 1, 1),
    ("an empty spec", AGENT + b"spec:\n", "wrong-type", 4, 6),
    ("a key misspelt", _spec("  titel: x\n"), "unknown-key", 6, 3),
    ("a key in the wrong section", HEAD + b"title: x\nspec: {version: 1.0.0}\n", "unknown-key", 4, 1),
    ("a Python name", _agent("  secrets: {}\n").replace(b"apiVersion", b"api_version"), "missing-key", 1, 1),
    ("a capital in a name", AGENT.replace(b"a}", b"Bot}") + SPEC, "bad-name", 3, 18),
    ("a name of 41", AGENT.replace(b"a}", b"a" * 41 + b"}") + SPEC, "bad-name", 3, 18),
    ("a name that leaves the folder", AGENT.replace(b"a}", b"../x}") + SPEC, "bad-name", 3, 18),
    ("a dash in a field", _spec("  input: {reply-to: string}\n"), "bad-name", 6, 11),
    ("a field called like a column", _spec("  models: {m: {fields: {id: text}}}\n"), "reserved-field", 6, 15),
    ("a type misspelt", _spec("  input: {a: sting}\n"), "bad-value", 6, 14),
    ("an enum without values", _spec("  input: {a: enum}\n"), "enum-without-values", 6, 14),
    ("a version that is a number", HEAD + b"spec: {version: 1.10}\n", "wrong-type", 4, 17),
    ("a version of two numbers", HEAD + b"spec: {version: '1.10'}\n", "bad-value", 4, 17),
    ("yes for true", _agent("  enabled: yes\n"), "wrong-type", 6, 12),
    ("a secret's value", _agent("  secrets: {token: hunter2}\n"), "wrong-type", 6, 20),
    ("a secret from nowhere", _agent("  secrets: {token: {}}\n"), "secret-source", 6, 20),
    ("a duration without unit", _spec("  limits: {timeout: 5 minutes}\n"), "duration", 6, 21),
    ("a negative size", _spec("  limits: {memory: -1}\n"), "size", 6, 20),
    ("a step of two kinds", _spec("  pipeline: [{id: a, tool: x, agent: y}]\n"), "step-kind", 6, 14),
    ("an impossible date", _spec("  input: {on: {type: date, default: 2024-02-30}}\n"), "value-type", 6, 37),
    ("two documents of a name", AGENT + SPEC + b"---\n" + AGENT + SPEC, "duplicate-object", 6, 1),
]  # fmt: skip

CASES = [Case(*row) for row in (*BOMBS, *CHARACTERS, *YAML, *NUMBERS, *MANIFESTS)]
