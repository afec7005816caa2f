"""From a file's bytes to compiled documents, problems in plain words, and addresses that are held."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifests.reader import compile_file
from reconciler.spec.codec import canonical, parse_canonical
from reconciler.spec.state import digest_of

LANGUAGE = (Path(__file__).parents[2] / "cases" / "language" / "all_kinds.yaml").read_bytes()
AGENT = b"apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: a}\nspec: {type: b}\n"


def test_the_example_of_the_language_compiles() -> None:
    compiled, problems, held = compile_file(LANGUAGE, "all.yaml")
    assert problems == []
    assert held == []
    assert [(c.address, c.number, c.line, c.column) for c in compiled] == [
        ("type/email-analysis", 0, 1, 1),
        ("agent/support-inbox", 1, 75, 1),
        ("policy/default", 2, 86, 1),
    ]
    assert [c.requires for c in compiled] == [(), ("type/email-analysis",), ()]


def test_what_is_compiled_is_the_canonical_spec_and_its_digest() -> None:
    for document in compile_file(LANGUAGE, "all.yaml")[0]:
        spec = parse_canonical(document.address.partition("/")[0], document.canonical)
        assert canonical(spec) == document.canonical
        assert digest_of(document.canonical) == document.digest


def test_layout_and_notation_do_not_change_the_digest() -> None:
    one = AGENT.replace(b"{type: b}", b"\n  limits: {timeout: 90s}\n  type: b")
    other = b"""---
# x
{spec: {type: "b", limits: {"timeout": 1m30s}}, metadata: {name: a}, kind: Agent,
 apiVersion: reconciler/v1}
"""
    assert compile_file(one, "1")[0][0].digest == compile_file(other, "2")[0][0].digest


def test_a_type_requires_the_types_and_agents_it_refers_to() -> None:
    text = b"""
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: a}
spec:
  version: 1.0.0
  input: {who: {type: reference, model: people.person}}
  models:
    m:
      fields:
        x: {type: reference, model: m}
        y: {type: reference, model: a.m}
        z: {type: reference, model: c.d}
  pipeline:
    - id: both
      parallel: [{id: one, agent: helper}, {id: two, agent: other}]
"""
    compiled, problems, _ = compile_file(text, "a.yaml")
    assert [p for p in problems if p.severity == "error"] == []
    assert compiled[0].requires == ("agent/helper", "agent/other", "type/c", "type/people")


def test_everything_wrong_with_all_documents_is_told_in_order_of_lines() -> None:
    text = b"""apiVersion: reconciler/v1
kind: AgentType
metadata: {name: Foo Bar, lables: {}}
pipeline: []
spec:
  version: 1.10
  settings:
  inptu: {}
  input: {A: string, b: sting, c: {type: integer, requird: true}, d: {type: date, min: 3}}
  limits: {timeout: soon, concurrency: 0}
  pipeline:
    - {id: a, tool: x, when: [1], for_each: 5, retry: {attempts: "3", on: [timout]}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: x}
spec: {enabled: "yes"}
"""
    _, problems, held = compile_file(text, "bad.yaml")
    assert [(p.line, p.column, p.code, p.pointer) for p in problems] == [
        (3, 18, "bad-name", "/metadata/name"),
        (3, 27, "unknown-key", "/metadata/lables"),
        (4, 1, "unknown-key", "/pipeline"),
        (6, 12, "wrong-type", "/spec/version"),
        (7, 12, "wrong-type", "/spec/settings"),
        (8, 3, "unknown-key", "/spec/inptu"),
        (9, 11, "bad-name", "/spec/input/A"),
        (9, 25, "bad-value", "/spec/input/b"),
        (9, 51, "unknown-key", "/spec/input/c/requird"),
        (9, 70, "attribute-not-applicable", "/spec/input/d"),
        (10, 21, "duration", "/spec/limits/timeout"),
        (10, 40, "bad-value", "/spec/limits/concurrency"),
        (12, 30, "wrong-type", "/spec/pipeline/0/when"),
        (12, 45, "wrong-type", "/spec/pipeline/0/for_each"),
        (12, 66, "wrong-type", "/spec/pipeline/0/retry/attempts"),
        (12, 76, "bad-value", "/spec/pipeline/0/retry/on/0"),
        (17, 7, "missing-key", "/spec/type"),
        (17, 17, "wrong-type", "/spec/enabled"),
    ]
    assert held == ["agent/x"]


WORDS = [
    ("titel: x", "unknown key `titel`", "did you mean `title`?"),
    ("name: x", "unknown key `name`", "`name` belongs under `metadata`"),
    ("title: 5", "`title` should be text, not a whole number", "put it in quotes"),
    ("title: 1.5", "`title` should be text, not a number with a point", "put it in quotes"),
    ("title: true", "`title` should be text, not true or false", "put it in quotes"),
    ("title: [a]", "`title` should be text, not a list", ""),
    ("input: [a]", "`input` should be a mapping, not a list", ""),
    ("models:", "`models` has no value; it should be a mapping", "give it one or remove it"),
    ("secrets: token", "`secrets` should be a list, not text", "write `[…]`, or one entry a line after `- `"),
    ("secrets: [5]", "this should be text, not a whole number", "put it in quotes"),
    (
        "input: {a: {type: text, unique: yes}}",
        "`unique` should be true or false, not text",
        "write `true` or `false`",
    ),
    (
        "deletion_policy: archived",
        "`archived` is not one of retain, archive, purge",
        "did you mean `archive`?",
    ),
    (
        "secrets: [imap-password]",
        (
            "`imap-password` is not a name; a name consists of small letters, digits and single underscores, "
            "and begins with a letter"
        ),
        "for example `imap_password`",
    ),
    ("models: {m: {fields: {}}}", "this should be at least 1 entries long", ""),
    ("limits: {memory: lots}", "not a size; write bytes or a number with Ki, Mi or Gi, such as 256Mi", ""),
    ("pipeline: [{id: a}]", "a step has exactly one of `tool`, `agent` and `parallel`", ""),
    ("pipeline: [{tool: x}]", "`id` is missing", ""),
    ("pipeline: [{id: a, tool: x, with_: {}}]", "unknown key `with_`", "did you mean `with`?"),
]


@pytest.mark.parametrize(("line", "message", "hint"), WORDS)
def test_a_problem_says_in_the_words_of_the_language_what_to_do(line: str, message: str, hint: str) -> None:
    head = "apiVersion: reconciler/v1\nkind: AgentType\nmetadata: {name: a}\nspec:\n  version: 1.0.0\n  "
    _, problems, _ = compile_file(f"{head}{line}\n".encode(), "a.yaml")
    assert [(p.message, p.hint) for p in problems] == [(message, hint)]


HELD = [
    (AGENT.replace(b"{type: b}", b"{typ: b}"), ["agent/a"]),
    (AGENT.replace(b"Agent", b"Agnet"), ["type/a", "agent/a", "policy/a"]),
    (AGENT.replace(b"{type: b}", b"{type: b"), ["agent/a"]),
    (AGENT.replace(b"{name: a}", b"{name: A}"), []),
    (AGENT + b"---\n" + AGENT, ["agent/a"]),
    (AGENT + b"---\n" + AGENT.replace(b"type", b"typ"), ["agent/a"]),
    (b"\xff" + AGENT + b"---\n" + AGENT.replace(b"name: a", b"name: c"), ["agent/a", "agent/c"]),
    (AGENT + b"#" * 2_000_000, ["agent/a"]),
]


@pytest.mark.parametrize(("data", "held"), HELD)
def test_what_is_broken_or_contradicts_itself_is_held_and_not_compiled(data: bytes, held: list[str]) -> None:
    compiled, problems, found = compile_file(data, "f.yaml")
    assert found == held
    assert compiled == []
    assert problems


def test_a_warning_does_not_keep_a_document_from_compiling() -> None:
    compiled, problems, held = compile_file(AGENT.replace(b"type: b", b"type: b, timezone: UTC"), "f.yaml")
    assert [c.address for c in compiled] == ["agent/a"]
    assert [p.severity for p in problems] == ["warning"]
    assert held == []


def test_a_finding_inside_an_expression_is_located_to_the_character() -> None:
    text = LANGUAGE.replace(b"{{ input.subject }}\n", b"{{ input.subjekt }}\n")
    _, problems, _ = compile_file(text, "all.yaml")
    before = text[: text.index(b"subjekt")]
    place = (before.count(b"\n") + 1, len(before) - before.rindex(b"\n"))
    assert [(p.line, p.column) for p in problems] == [place]
