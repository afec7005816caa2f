"""Whatever the bytes, the reader answers with located problems; and its fast path never differs.

5,000 inputs in the normal run, 100,000 with `-m slow` or RECONCILER_SLOW_TESTS=1, all of them seeded.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.manifests.construct import construct
from reconciler.manifests.reader import compile_file
from reconciler.manifests.subset import read_subset
from reconciler.manifests.text import unseen

LANGUAGE = (Path(__file__).parents[1] / "cases" / "language" / "all_kinds.yaml").read_text(encoding="utf-8")
_, AGENT, POLICY = LANGUAGE.split("---\n")
SMALL = """a: 1
b:
  c: {d: e, f: [1, 2]}
  g:
  - x: 1
    y: 2
  - z
  h: |
    foo
      bar

    baz
i: 'q' # c
"""
TOKENS = [
    *"{}[]:,-#|>'\"&*!%@`?~.<= \n\t\r",
    *(": ", ", ", " #", "\n  ", "\n    ", "- ", "\n- ", "\n  - ", "---\n", "...\n", "--- "),
    *("|\n", "|-\n", "|+\n", "|2\n", ">\n", "? ", "<<: "),
    *("&a ", "*a", "!!str ", "{{ x }}", "{a: b}", "[1, 2]"),
    *("'it''s'", '"q"', '"\\u202e"', '"\\n"'),
    *("true", "null", "no", "~", "012", "1.5", "-3", "0x1f", "1e999", ".inf", "1:30", "9" * 30, "http://x.y/z"),
    *("a", "b", "key:", "k: v", "a-b", "é", "\u3000", "\xa0", "\u202e", "\ufeff", "\0", "\x85", "👩‍💻"),
    *("apiVersion: reconciler/v1\n", "kind: Agent\n", "metadata: {name: a}\n", "spec:\n", "name: a\n"),
]  # fmt: skip
PER_SEED = 1000
QUICK, ALL = 5, 100

seeds = pytest.mark.parametrize(
    "seed", [*range(QUICK), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, ALL))]
)


@seeds
def test_any_bytes_are_answered_with_problems_and_never_with_an_exception(seed: int) -> None:
    sound = broken = 0
    for data in _files(random.Random(seed)):
        compiled, problems, held = compile_file(data, "fuzz.yaml")
        lines = data.count(b"\n") + 2
        for problem in problems:
            assert 1 <= problem.line <= lines, (problem, data)
            assert problem.column >= 1, (problem, data)
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", problem.code), (problem, data)
            assert problem.message, data
        assert not held or any(problem.severity == "error" for problem in problems), data
        assert not {document.address for document in compiled} & set(held), data
        sound += len(compiled)
        broken += len(problems)
    assert sound > PER_SEED / 50  # else the inputs are too wild to get anywhere
    assert broken > PER_SEED / 2


@seeds
def test_the_fast_path_reads_what_the_parser_reads_or_declines(seed: int) -> None:
    accepted = 0
    for text in _texts(random.Random(seed)):
        simple = read_subset(text)
        if simple is not None:
            slow, errors = construct(text)
            assert errors == [], (errors[0], text)
            assert repr(simple) == repr(slow), text
            accepted += 1
    assert accepted > PER_SEED / 20  # else nothing was compared


def _files(rng: random.Random) -> Iterator[bytes]:
    for _ in range(PER_SEED):
        match rng.randrange(20):
            case 0:
                yield rng.randbytes(rng.randrange(200))
            case 1:
                data = bytearray(AGENT.encode())
                data[rng.randrange(len(data))] = rng.randrange(256)
                yield bytes(data)
            case 2 | 3 | 4 | 5:
                yield _soup(rng).encode()
            case 6:
                yield _mutated(rng, LANGUAGE).encode()
            case 7 | 8:
                yield f"{_mutated(rng, AGENT)}---\n{_mutated(rng, POLICY)}".encode()
            case _:
                yield _mutated(rng, rng.choice((AGENT, POLICY, SMALL))).encode()


def _texts(rng: random.Random) -> Iterator[str]:
    """Texts as the fast path gets them: without characters that have been refused before."""
    for _ in range(PER_SEED):
        kind = rng.randrange(20)
        if kind < 5:
            text = _soup(rng)
        elif kind < 10:
            text = "\n".join(_line(rng) for _ in range(rng.randrange(1, 7))) + "\n"
        else:
            text = _mutated(rng, LANGUAGE.split("---\n")[0] if kind == 19 else rng.choice((SMALL, AGENT)))
        if not unseen(text):
            yield text


def _soup(rng: random.Random) -> str:
    return "".join(rng.choices(TOKENS, k=rng.randrange(1, 25))) + "\n"


def _line(rng: random.Random) -> str:
    indent = " " * rng.choice((0, 0, 2, 2, 3, 4))
    start = rng.choice(("", "", "- ", "-  ")) + rng.choice(("a:", "b:", "c:", "a: ", "b: ", "c: ", ""))
    return indent + start + "".join(rng.choices(TOKENS, k=rng.randrange(4)))


def _mutated(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(5):
            case 0 | 1:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 2:
                text = text[:at] + text[at + rng.randrange(1, 4) :]
            case 3:
                start = rng.randrange(len(text) + 1)
                text = text[:at] + text[start : start + rng.randrange(1, 30)] + text[at:]
            case _:
                lines = text.split("\n")
                line = rng.randrange(len(lines))
                lines[line] = " " * rng.randrange(5) + lines[line].lstrip()
                lines.insert(rng.randrange(len(lines)), rng.choice(lines))
                text = "\n".join(lines)
    return text
