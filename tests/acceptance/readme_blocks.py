"""Documentation that is executed: the fenced blocks of a Markdown file become steps of a walk.

What a block does is told by its language and by HTML comments right before it:

    sh                       runs; a `text` block right after it is what it prints
    text from `$ command`    runs each command; what follows each is what it prints
    diff from `--- FILE`     changes that file: its lines are found as they stand and replaced, hunk by hunk (`@@`)
    any other from `# FILE`  becomes that file, whole
    python                   runs
    <!-- folder: NAME -->    a new walk in a new folder: `empty`; `examples` (agents.d), `applied` (and a database);
                             `clone` (this repository), or one of tests/cases/documents
    <!-- needs: NAMES -->    from here on the walk needs `postgres`, `redis` or `port`: document_walk.py tells where
                             they are said to be, which is put right before anything runs
    <!-- exits with N -->    the block's last command does, and is right to
    <!-- not run: REASON --> left alone; every block that is none of the above has to say why

Printed text is compared in form: ids, digests, times, durations, ports and the width of columns may differ, and a
line `...` stands for any number of lines, `…` for the rest of its line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int
    """Of the opening fence, from 1."""
    remarks: tuple[str, ...] = ()
    adjacent: bool = False
    """Nothing but blank lines stands between it and the block before."""

    def remark(self, name: str) -> str | None:
        """What a comment `<!-- NAME VALUE -->` before the block says."""
        found = (said.removeprefix(name).strip() for said in self.remarks if said.startswith(name))
        return next(found, None)


@dataclass(frozen=True)
class Command:
    line: int
    script: str
    prints: str | None = None
    exits: int = 0


@dataclass(frozen=True)
class File:
    line: int
    path: str
    text: str


@dataclass(frozen=True)
class Edit:
    line: int
    path: str
    hunks: tuple[tuple[str, str], ...]
    """Lines as they stand, and what they become."""


@dataclass(frozen=True)
class Unclear:
    """A block that is neither executed nor says why not."""

    line: int
    why: str


Step = Command | File | Edit | Unclear


@dataclass
class Walk:
    """The steps that are taken in one folder, one after the other."""

    line: int
    folder: str
    steps: list[Step] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)


_FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
_COMMENT = re.compile(r"^<!--\s*(.*?)\s*-->$")


def blocks(markdown: str) -> Iterator[Block]:
    remarks: list[str] = []
    adjacent = False
    lines = iter(enumerate(markdown.splitlines(), 1))
    for number, line in lines:
        if fence := _FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.rstrip() == fence[1]:
                    break
                body.append(inner)
            text = "".join(f"{inner}\n" for inner in body)
            yield Block(fence[2], text, number, tuple(remarks), adjacent)
            remarks, adjacent = [], True
        elif comment := _COMMENT.match(line):
            remarks.append(comment[1])
        elif line.strip():
            remarks, adjacent = [], False


def walks(markdown: str) -> list[Walk]:
    found: list[Walk] = []
    before: Sequence[Step] = ()
    for block in blocks(markdown):
        folder = block.remark("folder:")
        if folder or not found:
            found.append(Walk(block.line, folder or "empty"))
        steps = found[-1].steps
        found[-1].needs |= set((block.remark("needs:") or "").replace(",", " ").split())
        if block.remark("not run:"):
            before = ()
        elif _is_output(block):
            if before:
                steps.pop()
            before = [_with_output(before[-1] if before else None, block)]
            steps += before
        else:
            before = list(_steps(block))
            steps += before
    return [walk for walk in found if walk.steps]


def _is_output(block: Block) -> bool:
    return block.language == "text" and block.adjacent and not block.text.startswith("$ ")


def _with_output(step: Step | None, block: Block) -> Step:
    if not isinstance(step, Command):
        return Unclear(block.line, "output of nothing")
    return Command(step.line, step.script, block.text, step.exits)


def _steps(block: Block) -> Iterator[Step]:
    exits = int(block.remark("exits with") or 0)
    first, _, rest = block.text.partition("\n")
    if block.language == "sh":
        yield Command(block.line, block.text, exits=exits)
    elif block.language == "text" and first.startswith("$ "):
        yield from _transcript(block, exits)
    elif block.language == "diff" and first.startswith("--- "):
        hunks = re.split(r"^@@.*\n", rest, flags=re.MULTILINE)
        sides = tuple((_side(hunk, "-"), _side(hunk, "+")) for hunk in hunks if hunk)
        yield Edit(block.line, first[4:].strip(), sides)
    elif named := re.fullmatch(r"# (\S+\.\w+|\.env|Dockerfile)", first):
        yield File(block.line, named[1], rest)
    elif block.language == "python":
        yield Command(block.line, f"python - <<'END'\n{block.text}END\n", exits=exits)
    else:
        kind = block.language or "nameless"
        yield Unclear(block.line, f"a {kind} block is neither executed nor marked <!-- not run: REASON -->")


def _transcript(block: Block, exits: int) -> Iterator[Command]:
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    for part in parts:
        script, _, printed = part.partition("\n")
        while script.endswith("\\"):
            more, _, printed = printed.partition("\n")
            script += f"\n{more}"
        yield Command(block.line, script, printed, exits if part is parts[-1] else 0)


def _side(patch: str, sign: str) -> str:
    """The lines before (`-`) or after (`+`) the change."""
    lines = patch.splitlines(keepends=True)
    return "".join(line[1:] or "\n" for line in lines if line[:1] in (sign, " ", "\n"))


def apply_edit(edit: Edit, file: Path) -> None:
    text = file.read_text()
    for old, new in edit.hunks:
        times = text.count(old)
        assert times == 1, f"line {edit.line}: these lines stand {times} times in {edit.path}:\n{old}"
        text = text.replace(old, new)
    file.write_text(text)


# --- comparing what is printed

_FORMS = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?( UTC)?", "<time>"),
    (r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b", "<digest>"),
    (r"\b\d+(\.\d+)? ?(µs|ms|s|seconds?)\b", "<duration>"),
    (r"\b(localhost|127\.0\.0\.1):\d+", "127.0.0.1:<port>"),
    (r"\brk_[0-9A-Za-z_-]{16,}", "<key>"),
    (r"[-─]{3,}", "---"),
    (r"(?<=\S)[ \t]{2,}", "  "),
)


def in_form(text: str) -> list[str]:
    """Its lines, with what differs from run to run replaced by what it is."""
    for pattern, form in _FORMS:
        text = re.sub(pattern, form, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def same_form(expected: str, printed: str) -> bool:
    pattern = ""
    for line in in_form(expected):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split("…"))) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in in_form(printed))) is not None


def difference(expected: str, printed: str) -> str:
    lines: Sequence[str] = list(
        difflib.unified_diff(in_form(expected), in_form(printed), "documented", "printed", lineterm="")
    )
    return "\n".join([*lines, "", "as it was printed:", printed])
