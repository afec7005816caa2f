"""`python -m tests.benchmarks.mutants [PACKAGE...]`: how much of the code the tests really hold to.

A sample of small faults is put into the packages, one at a time: a comparison turned round, a condition dropped, a
statement left out. A mutant is killed if any test fails; those that survive are named with their place. First the
package's own unit tests are run, then those of the packages that use it. The exit code is 1 below the goal.

A mutant lives in the memory of a forked process alone, so that nothing on disk is ever changed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
GOAL = 0.85
PATIENCE = 240.0
"""Seconds after which a mutant that still runs counts as killed: it never ends."""
TESTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "plans": (
        ("tests/unit/plans",),
        ("tests/acceptance/test_evolution.py", "tests/integration/test_preflight.py"),
    ),
    "policy": (
        ("tests/unit/policy",),
        ("tests/unit/manifests/checks", "tests/integration/test_policy_roads.py"),
    ),
    "manifests": (
        ("tests/unit/manifests",),
        ("tests/integration/test_git_source.py", "tests/integration/test_proposals.py"),
    ),
}
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutant:
    """`node` is the place of the changed node among all of its file, `deed` what is done to it."""

    file: Path
    node: int
    deed: str
    line: int

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}  {self.deed}"

    @property
    def module(self) -> str:
        parts = self.file.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def code(self) -> ast.Module:
        tree = ast.parse(self.file.read_text())
        nodes = [*ast.walk(tree)]
        _change(nodes, self.node, self.deed)
        return ast.fix_missing_locations(tree)


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every one there can be, but for texts, annotations, decorators and what only type checkers read."""
    tree = ast.parse(file.read_text())
    left_out = {id(inner) for node in ast.walk(tree) for part in _unread(node) for inner in ast.walk(part)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in left_out:
            for deed in _deeds(node):
                yield Mutant(file, number, deed, getattr(node, "lineno", 0))


def _unread(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.FunctionDef(decorator_list=decorators, returns=returns):
            yield from decorators
            yield from [returns] if returns else []
        case ast.ClassDef(decorator_list=decorators):
            yield from decorators
        case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation) if annotation:
            yield annotation
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            yield node
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            yield node


def _deeds(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _TURNED:
            yield f"{type(op).__name__} becomes {_TURNED[type(op)].__name__}"
        case ast.BoolOp(op=ast.And()):
            yield "and becomes or"
        case ast.BoolOp(op=ast.Or()):
            yield "or becomes and"
        case ast.UnaryOp(op=ast.Not()):
            yield "not is left out"
        case ast.Constant(value=bool(value)):
            yield f"{value} becomes {not value}"
        case ast.Constant(value=int(value)):
            yield f"{value} becomes {value + 1}"
        case ast.BinOp(op=ast.Add()):
            yield "+ becomes -"
        case ast.BinOp(op=ast.Sub()):
            yield "- becomes +"
        case ast.If() | ast.IfExp():
            yield "the condition is always true"
            yield "the condition is never true"
        case ast.comprehension(ifs=[_, *_]):
            yield "the filter is left out"
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "nothing is returned"
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.Raise() | ast.AugAssign():
            yield "the statement is left out"
        case ast.Continue():
            yield "continue becomes break"


def _change(nodes: Sequence[ast.AST], number: int, deed: str) -> None:
    node = nodes[number]
    match node:
        case ast.Compare():
            node.ops = [_TURNED[type(node.ops[0])]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            _replace(nodes, node, node.operand)
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value)):
            node.value = value + 1
        case ast.BinOp():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        case ast.If() | ast.IfExp():
            node.test = ast.Constant(deed.endswith("always true"))
        case ast.comprehension():
            node.ifs = []
        case ast.Return():
            node.value = ast.Constant(None)
        case ast.Continue():
            _replace(nodes, node, ast.Break())
        case _:
            _replace(nodes, node, ast.Pass())


def _replace(nodes: Sequence[ast.AST], old: ast.AST, new: ast.AST) -> None:
    ast.copy_location(new, old)
    for parent in nodes:
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                setattr(parent, name, [new if one is old else one for one in value])


class _Carrier(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._mutant.module:
            return None
        package = self._mutant.file.name == "__init__.py"
        locations = [str(self._mutant.file.parent)] if package else None
        return importlib.util.spec_from_file_location(
            name, self._mutant.file, loader=self, submodule_search_locations=locations
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(copy.copy(self._mutant.code()), str(self._mutant.file), "exec"), module.__dict__)


def is_killed(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether any of the tests fails over the mutant; over the sound code, where there is None."""
    child = os.fork()
    if child == 0:
        os.setsid()
        _run(mutant, tests)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run(mutant: Mutant | None, tests: Sequence[str]) -> None:
    import pytest

    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    code = 1
    try:
        if mutant is not None:
            sys.meta_path.insert(0, _Carrier(mutant))
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests]))
    finally:
        os._exit(0 if code == 0 else 1)


def _preload() -> None:
    """What all tests import anyway, but nothing of ours: each mutant is imported by its own process."""
    import hypothesis
    import jsonschema
    import pydantic
    import pytest
    import sqlalchemy
    import yaml

    assert hypothesis, (jsonschema, pydantic, pytest, sqlalchemy, yaml)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--sample", type=int, default=60, help="mutants of each package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    given = parser.parse_args()
    if unknown := set(given.packages) - set(TESTS):
        parser.error(f"no such package: {', '.join(sorted(unknown))}")
    os.chdir(ROOT)
    _preload()
    met = True
    for package in given.packages or TESTS:
        files = sorted((ROOT / "reconciler" / package).rglob("*.py"))
        known = [mutant for file in files for mutant in mutants_of(file)]
        sample = random.Random(given.seed).sample(known, min(given.sample, len(known)))
        survivors = _survivors(package, sample, given.at_once)
        share = 1 - len(survivors) / len(sample)
        met &= share >= GOAL
        print(f"{package}: {share:.0%} of {len(sample)} killed, of {len(known)} there can be", flush=True)
        for mutant in sorted(survivors, key=str):
            print(f"  survived  {mutant}", flush=True)
    return 0 if met else 1


def _survivors(package: str, sample: Sequence[Mutant], at_once: int) -> list[Mutant]:
    left = [*sample]
    with ThreadPoolExecutor(at_once) as pool:
        for tests in TESTS[package]:
            if is_killed(None, tests):
                print(f"left out, as they fail without any mutant: {' '.join(tests)}", file=sys.stderr)
                continue
            killed = [*pool.map(lambda mutant, tests=tests: is_killed(mutant, tests), left)]
            left = [mutant for mutant, dead in zip(left, killed, strict=True) if not dead]
    return left


if __name__ == "__main__":
    sys.exit(main())
